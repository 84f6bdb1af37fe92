"""Agents' resources: performances, availability, holds, orders."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from flask import Response, current_app, request
from flask.views import MethodView
from sqlalchemy.orm import Session

from allocation import errors as allocation
from hub.catalogue import errors as catalogue
from hub.catalogue.queries import Listing, performances
from hub.kernel import clock, idempotency
from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import (
    HubError,
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
)
from hub.kernel.http import (
    Blueprint,
    IdempotencyKeySchema,
    replied,
    request_body,
)
from hub.kernel.idempotency import Claim, Key, Reply
from hub.kernel.pages import id_after, key_of, page
from hub.sales import errors, queries
from hub.sales.schemas import performances as seen
from hub.sales.schemas import sale as schemas
from hub.sales.services import availability, lapse, orders, views, wishes
from hub.sales.services.ordering import ConfirmWish
from hub.sales.services.placing import place_hold, submit
from hub.sales.services.wishes import HoldWish
from settlement.errors import CreditExhaustedError, NoTermsError

blp = Blueprint("agent", __name__, url_prefix="/v1", description="Agents: the sale")
PRICE_TRIES = 3
KEYS = (IdempotencyKeyReusedError, IdempotencyInProgressError)


def _claim(key: str) -> Claim:
    owner = Key(caller().world, caller().owner_id, key)
    return Claim(
        owner, idempotency.digest(request.method, request.path, request_body())
    )


def _once(key: str, status: int, work: Callable[[Session], dict[str, Any]]) -> Response:
    """Carry a write out in one transaction, or replay what it was answered before."""
    with transaction() as session:
        body: dict[str, Any] = {}

        def do() -> tuple[int, bytes]:
            body.update(work(session))
            return status, msgspec.json.encode(body)

        earlier = idempotency.once(session, _claim(key), do)
    return replied(earlier or Reply(status, body))


@blp.route("/performances")
class Performances(MethodView):
    @blp.arguments(seen.PerformanceQuerySchema, location="query")
    @blp.response(200, seen.PerformancePageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List announced performances by start, from now on unless said otherwise."""
        after = key_of(wanted.pop("after", None), length=2)
        limit = wanted.pop("limit")
        with transaction() as session:
            now = clock.now(session, caller().world)
            wanted.setdefault("starts_from", now)
            listing = Listing(after=_start_and_id(after), limit=limit, **wanted)
            rows = performances(session, listing, world=caller().world, now=now)
        return page(rows, limit, lambda row: [row.starts_at.isoformat(), row.id])


def _start_and_id(key: list[str] | None) -> tuple[datetime, UUID] | None:
    try:
        return (datetime.fromisoformat(key[0]), UUID(key[1])) if key else None
    except ValueError:
        raise InvalidRequestError(field="after", reason="not a cursor") from None


@blp.route("/performances/<uuid:performance_id>")
class PerformanceById(MethodView):
    @blp.response(200, seen.PerformanceSchema)
    @blp.problems()
    def get(self, performance_id: UUID) -> Any:
        """Show a performance."""
        with transaction() as session:
            now = clock.now(session, caller().world)
            listing = Listing(performance_id=performance_id)
            rows = performances(session, listing, world=caller().world, now=now)
        if not rows:
            raise NotFoundError(performance_id=performance_id)
        return rows[0]


@blp.route("/performances/<uuid:performance_id>/availability")
class Availability(MethodView):
    @blp.response(200, seen.AvailabilitySchema)
    @blp.problems()
    def get(self, performance_id: UUID) -> Any:
        """Tell what the agent may take now, by area, why, and at what net price."""
        with transaction() as session:
            return availability.availability(session, caller(), performance_id)


@blp.route("/performances/<uuid:performance_id>/seats")
class PerformanceSeats(MethodView):
    @blp.response(200, seen.SeatListSchema)
    @blp.problems()
    def get(self, performance_id: UUID) -> Any:
        """List the seats with their positions, and which are free."""
        with transaction() as session:
            return availability.seats(session, caller(), performance_id)


@blp.route("/holds")
class Holds(MethodView):
    @blp.arguments(schemas.HoldRequestSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(201, schemas.HoldSchema)
    @blp.problems(
        allocation.AllotmentExhaustedError,
        allocation.SeatsTakenError,
        allocation.NotAllottedError,
        allocation.OvercommittedError,
        allocation.UnknownSeatsError,
        allocation.SeatsNotSoldError,
        allocation.SingleSeatError,
        allocation.StoppedError,
        allocation.CapReachedError,
        allocation.ProtectedError,
        allocation.BuyerNeededError,
        catalogue.NotOfferedError,
        catalogue.PerformanceCancelledError,
        catalogue.SalesNotOpenError,
        catalogue.SalesClosedError,
        errors.TicketLimitError,
        errors.MixedCurrenciesError,
        errors.OfferChangedError,
        errors.PerformanceBusyError,
        NoTermsError,
        CreditExhaustedError,
        OverloadedError,
        *KEYS,
    )
    def post(self, wanted: dict[str, Any], headers: dict[str, str]) -> Response:
        """Place a hold: all lines or none, at prices fixed until it expires."""
        claim = _claim(headers["idempotency_key"])
        for attempt in range(PRICE_TRIES):
            wish = _wish(claim, wanted, is_first=attempt == 0)
            if isinstance(wish, Reply):
                return replied(wish)
            try:
                committer = current_app.extensions["hold_committer"]
                return replied(place_hold(committer, wish))
            except errors.OfferChangedError as error:
                changed = error  # priced just before the supplier's change: once more
        raise changed


def _wish(claim: Claim, wanted: dict[str, Any], *, is_first: bool) -> HoldWish | Reply:
    """Price a wish; a repeat is answered even if its offer is gone since.

    The first time what this process has priced of late will do.
    """
    more = {
        "claim": claim,
        "ttl_s": current_app.config["HUB_HOLD_TTL_S"],
        "buyer": wanted.get("buyer"),
    }
    lines = wanted["lines"]
    found = wishes.kept(caller(), lines, **more) if is_first else None
    if found is not None:
        return found
    with transaction() as session:
        try:
            return wishes.price(session, caller(), lines, **more)
        except HubError:
            earlier = idempotency.find(session, claim)
            if earlier is None:
                raise
            return earlier


@blp.route("/holds/<uuid:hold_id>")
class HoldById(MethodView):
    @blp.response(200, schemas.HoldSchema)
    @blp.problems()
    def get(self, hold_id: UUID) -> Response:
        """Show a hold as it stands."""
        who = caller()
        with transaction() as session:
            hold = queries.get_hold(
                session, hold_id, world=who.world, agent_id=who.partner
            )
            return replied(Reply(200, views.hold_view(session, who, hold)))

    @blp.response(200, schemas.HoldSchema)
    @blp.problems(errors.AlreadyConfirmedError)
    def delete(self, hold_id: UUID) -> Response:
        """Release a hold; doing so twice is no mistake."""
        who = caller()
        with transaction() as session:
            hold = lapse.release_hold(session, who, hold_id)
            return replied(Reply(200, views.hold_view(session, who, hold)))


@blp.route("/orders")
class Orders(MethodView):
    @blp.arguments(schemas.OrderQuerySchema, location="query")
    @blp.response(200, schemas.OrderPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> Response:
        """List the agent's orders, oldest first; find one by its reference."""
        limit = wanted["limit"]
        with transaction() as session:
            rows = queries.list_orders(
                session,
                world=caller().world,
                agent_id=caller().partner,
                reference=wanted.get("reference"),
                after=id_after(wanted.get("after")),
                limit=limit,
            )
            found = page(rows, limit, lambda row: [row.id])
            found["items"] = views.order_views(session, found["items"])
            return replied(Reply(200, found))

    @blp.arguments(schemas.OrderRequestSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(201, schemas.OrderSchema)
    @blp.problems(
        errors.HoldExpiredError,
        errors.HoldReleasedError,
        errors.AlreadyConfirmedError,
        errors.ReferenceTakenError,
        catalogue.PerformanceCancelledError,
        allocation.StoppedError,
        errors.HoldVoidedError,
        errors.HoldRequestedError,
        errors.PerformanceBusyError,
        OverloadedError,
        *KEYS,
    )
    def post(self, wanted: dict[str, Any], headers: dict[str, str]) -> Response:
        """Confirm a hold into an order with tickets."""
        who = caller()
        wish = ConfirmWish(
            _claim(headers["idempotency_key"]), who.world, who.partner, **wanted
        )
        return replied(submit(current_app.extensions["confirm_committer"], wish))


@blp.route("/orders/<uuid:order_id>")
class OrderById(MethodView):
    @blp.response(200, schemas.OrderSchema)
    @blp.problems()
    def get(self, order_id: UUID) -> Response:
        """Show an order with its tickets."""
        who = caller()
        with transaction() as session:
            order = queries.get_order(
                session, order_id, world=who.world, agent_id=who.partner
            )
            return replied(Reply(200, views.order_views(session, [order])[0]))


@blp.route("/orders/<uuid:order_id>/cancellations")
class OrderCancellations(MethodView):
    @blp.arguments(schemas.CancellationRequestSchema)
    @blp.arguments(IdempotencyKeySchema, location="headers")
    @blp.response(201, schemas.OrderSchema)
    @blp.problems(errors.AlreadyCancelledError, errors.PastCancellationError, *KEYS)
    def post(
        self, wanted: dict[str, Any], headers: dict[str, str], order_id: UUID
    ) -> Response:
        """Cancel tickets of an order, or all that are left."""

        def cancel(session: Session) -> dict[str, Any]:
            order = orders.cancel_tickets(
                session, caller(), order_id, wanted.get("ticket_ids")
            )
            session.flush()  # the view reads the lines as they are now
            return views.order_views(session, [order])[0]

        return _once(headers["idempotency_key"], 201, cancel)
