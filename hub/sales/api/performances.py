"""Agents' resources: performances, availability with its reasons, seats."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from flask import Response, current_app, request
from flask.views import MethodView

from allocation import errors as allocation
from hub.catalogue import errors as catalogue
from hub.catalogue.queries.listing import Listing, performances
from hub.kernel import clock
from hub.kernel.callers import Caller, caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.kernel.idempotency import Reply
from hub.kernel.pages import key_of, page
from hub.kernel.writes import replied
from hub.sales import errors
from hub.sales.api.blueprint import blp
from hub.sales.schemas import performances as schemas
from hub.sales.services import availability
from hub.sales.services.caching import AnswerCache
from hub.sales.services.measuring import kept_by_supplier
from hub.sales.services.previewing import best_seats
from hub.sales.services.seat_lists import seats
from hub.sales.services.supplied.looking import look_if_stale
from settlement.errors import NoTermsError


@blp.route("/performances")
class Performances(MethodView):
    @blp.conditional
    @blp.arguments(schemas.PerformanceQuerySchema, location="query")
    @blp.response(200, schemas.PerformancePageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> Response:
        """List announced performances by start, from now on unless said otherwise.

        The page may be as old as it says (``max_age_s``); with ``max_staleness_s=0`` it
        is looked up now. One performance by its id always is.
        """
        world, age_s = caller().world, _age_s(wanted.pop("max_staleness_s", None))
        after = _start_and_id(key_of(wanted.pop("after", None), length=2))

        def make() -> bytes:
            return _page(Listing(after=after, **wanted), world, age_s)

        cache: AnswerCache = current_app.extensions["page_cache"]
        found = cache.find((world, request.query_string), age_s, make)
        return replied(Reply(200, encoded=found))


def _page(listing: Listing, world: str, age_s: int) -> bytes:
    with transaction() as session:
        now = clock.now(session, world)
        if listing.starts_from is None:
            listing = replace(listing, starts_from=now)
        rows = performances(session, listing, world=world, now=now)
    found = page(rows, listing.limit, lambda row: [row.starts_at.isoformat(), row.id])
    found["items"] = [msgspec.Raw(row[2].encode()) for row in found["items"]]
    found["max_age_s"] = age_s  # and no moment: what has not changed keeps its ETag
    return msgspec.json.encode(found)


def _age_s(staleness_s: int | None) -> int:
    """Return how old an answer may be, for the hub and for whom asks."""
    age_s: int = current_app.config["HUB_AVAILABILITY_AGE_S"]
    return age_s if staleness_s is None else min(age_s, staleness_s)


def _start_and_id(key: list[str] | None) -> tuple[datetime, UUID] | None:
    try:
        return (datetime.fromisoformat(key[0]), UUID(key[1])) if key else None
    except ValueError:
        raise InvalidRequestError(field="after", reason="not a cursor") from None


@blp.route("/performances/<uuid:performance_id>")
class PerformanceById(MethodView):
    @blp.conditional
    @blp.response(200, schemas.PerformanceSchema)
    @blp.problems()
    def get(self, performance_id: UUID) -> Response:
        """Show a performance."""
        with transaction() as session:
            now = clock.now(session, caller().world)
            listing = Listing(performance_id=performance_id)
            rows = performances(session, listing, world=caller().world, now=now)
        if not rows:
            raise NotFoundError(performance_id=performance_id)
        return replied(Reply(200, encoded=rows[0][2].encode()))


@blp.route("/performances/<uuid:performance_id>/availability")
class Availability(MethodView):
    @blp.arguments(schemas.StalenessSchema, location="query")
    @blp.response(200, schemas.AvailabilitySchema)
    @blp.problems()
    def get(self, wanted: dict[str, Any], performance_id: UUID) -> Response:
        """Tell what the agent may take, by area, why, and at what net price.

        It may be as old as it says (``max_age_s``); a hold never is. With
        ``max_staleness_s=0`` it is looked up now; what a supplier sells itself
        (``source``) is asked of it if its word (``as_of``) is older than you allow.
        """
        found = available(caller(), performance_id, wanted.get("max_staleness_s"))
        return replied(Reply(200, encoded=found))


def available(who: Caller, performance_id: UUID, staleness_s: int | None) -> bytes:
    """Return an answer, kept or made, not older than the hub or the caller allows."""
    age_s = _age_s(staleness_s)
    if staleness_s is not None:
        suppliers = current_app.extensions["suppliers"]
        look_if_stale(suppliers, who.world, performance_id, staleness_s)

    def make() -> bytes:
        with transaction() as session:
            found = availability.availability(session, who, performance_id)
        found["max_age_s"] = age_s
        current_app.extensions["answers"].tell(who.partner, found)
        return msgspec.json.encode(found)

    cache: AnswerCache = current_app.extensions["availability_cache"]
    return cache.find((who.world, who.partner, performance_id, age_s), age_s, make)


@blp.route("/availability")
class Availabilities(MethodView):
    @blp.arguments(schemas.ManyPerformancesSchema, location="query")
    @blp.response(200, schemas.ManyAvailabilitiesSchema)
    @blp.problems()
    def get(self, wanted: dict[str, Any]) -> Response:
        """Tell availability of several performances, each as it would be alone."""
        who, items, not_found = caller(), [], []
        for performance_id in dict.fromkeys(wanted["performance_id"]):
            staleness_s = wanted.get("max_staleness_s")
            try:
                found = available(who, performance_id, staleness_s)
            except NotFoundError:
                not_found.append(performance_id)
            else:
                items.append(msgspec.Raw(found))
        body = msgspec.json.encode({"items": items, "not_found": not_found})
        return replied(Reply(200, encoded=body))


@blp.route("/performances/<uuid:performance_id>/seats")
class PerformanceSeats(MethodView):
    @blp.response(200, schemas.SeatListSchema)
    @blp.problems()
    def get(self, performance_id: UUID) -> Any:
        """List the seats with their positions, and which are free."""
        with transaction() as session:
            return seats(session, caller(), performance_id)


@blp.route("/performances/<uuid:performance_id>/best-seats")
class BestSeats(MethodView):
    @blp.arguments(schemas.BestSeatsQuerySchema, location="query")
    @blp.response(200, schemas.BestSeatsSchema)
    @blp.problems(
        allocation.AllotmentExhaustedError,
        allocation.NotAllottedError,
        allocation.StoppedError,
        allocation.OvercommittedError,
        catalogue.SalesNotOpenError,
        catalogue.SalesClosedError,
        catalogue.PerformanceCancelledError,
        catalogue.PerformancePostponedError,
        errors.TicketLimitError,
        NoTermsError,
        InvalidRequestError,
    )
    def get(self, wanted: dict[str, Any], performance_id: UUID) -> dict[str, Any]:
        """Say which seats a hold would be given now; nothing is taken."""
        with transaction() as session:
            found = best_seats(session, caller(), wanted)
        if found["performance_id"] != performance_id:
            raise NotFoundError(offer_id=wanted["offer_id"])
        return found


@blp.route("/suppliers")
class Suppliers(MethodView):
    @blp.arguments(schemas.SupplierQuerySchema, location="query")
    @blp.response(200, schemas.SupplierListSchema)
    @blp.problems()
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List suppliers, and how often a hold was refused after a yes."""
        with transaction() as session:
            return {"items": kept_by_supplier(session, caller().world, **wanted)}
