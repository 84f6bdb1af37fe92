"""Agents' resources: productions, found by words and place, and their calendars."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
from flask import Response
from flask.views import MethodView

from hub.catalogue.errors import ChangesGoneError, NotMergeableError
from hub.catalogue.queries import places, productions
from hub.catalogue.queries.changes import changes
from hub.catalogue.services import merging
from hub.kernel import clock
from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError
from hub.kernel.idempotency import Reply
from hub.kernel.pages import id_after, page
from hub.kernel.writes import replied
from hub.sales.api.blueprint import blp
from hub.sales.schemas import catalogue as schemas

DAYS_MAX = 366
DAYS_DEFAULT = 62


@blp.route("/changes")
class Changes(MethodView):
    @blp.arguments(schemas.ChangesQuerySchema, location="query")
    @blp.response(200, schemas.ChangeListSchema)
    @blp.problems(ChangesGoneError, InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> Response:
        """Tell what has changed in the catalogue and the agent's orders, in order.

        Each change once; of one thing never an older version after a newer one. To
        begin, note ``latest``, read the lists, and follow from there.
        """
        world, agent_id = caller().world, caller().partner
        with transaction() as session:
            now = clock.now(session, world)
            found = changes(
                session,
                world=world,
                agent_id=agent_id,
                now=now,
                after=wanted.get("after"),
                most=wanted["limit"],
            )
        body = {
            "items": [row._asdict() for row in found.items],
            "next": found.next,
            "latest": found.latest,
        }
        return replied(Reply(200, encoded=msgspec.json.encode(body)))


@blp.route("/productions")
class Productions(MethodView):
    @blp.conditional
    @blp.arguments(schemas.ProductionQuerySchema, location="query")
    @blp.response(200, schemas.ProductionPageSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List productions with performances to come, with dates and prices."""
        world = caller().world
        wanted["after"] = id_after(wanted.get("after"))
        with transaction() as session:
            now = clock.now(session, world)
            rows = productions.productions(session, world=world, now=now, **wanted)
        return page(rows, wanted["limit"], lambda row: [row.id])


@blp.route("/productions/<uuid:production_id>")
class ProductionById(MethodView):
    @blp.conditional
    @blp.response(200, schemas.ProductionSchema)
    @blp.problems()
    def get(self, production_id: UUID) -> Any:
        """Show a production in all its languages."""
        world = caller().world
        with transaction() as session:
            now = clock.now(session, world)
            return productions.get_production(
                session, production_id, world=world, now=now
            )


@blp.route("/productions/<uuid:production_id>/merge")
class ProductionMerge(MethodView):
    @blp.keyed
    @blp.arguments(schemas.MergeRequestSchema)
    @blp.response(200, schemas.MergedSchema)
    @blp.problems(NotMergeableError)
    def put(self, wanted: dict[str, Any], production_id: UUID) -> dict[str, Any]:
        """Say that a production is the same as another supplier's: agents see one."""
        with transaction() as session:
            main = merging.merge(session, caller().world, production_id, wanted["into"])
            return {"production_id": production_id, "shown_as": main.id}

    @blp.keyed
    @blp.response(200, schemas.MergedSchema)
    @blp.problems()
    def delete(self, production_id: UUID) -> dict[str, Any]:
        """Say that a production is one of its own again."""
        with transaction() as session:
            own = merging.part(session, caller().world, production_id)
            return {"production_id": production_id, "shown_as": own.id}


@blp.route("/productions/<uuid:production_id>/calendar")
class ProductionCalendar(MethodView):
    @blp.conditional
    @blp.arguments(schemas.CalendarQuerySchema, location="query")
    @blp.response(200, schemas.CalendarSchema)
    @blp.problems(InvalidRequestError)
    def get(self, wanted: dict[str, Any], production_id: UUID) -> dict[str, Any]:
        """List the days on which it is to be seen, on the clocks of its venues."""
        world = caller().world
        with transaction() as session:
            now = clock.now(session, world)
            first = wanted.get("first_day", now.date())
            last = wanted.get("last_day", first + timedelta(days=DAYS_DEFAULT))
            _refuse_impossible(first, last)
            days = productions.calendar(
                session, production_id, world=world, now=now, first=first, last=last
            )
        return {"production_id": production_id, "days": days}


def _refuse_impossible(first: date, last: date) -> None:
    if not first <= last <= first + timedelta(days=DAYS_MAX):
        reason = f"not before first_day, and at most {DAYS_MAX} days after it"
        raise InvalidRequestError(field="last_day", reason=reason)


@blp.route("/venues/<uuid:venue_id>")
class VenueById(MethodView):
    @blp.conditional
    @blp.response(200, schemas.VenueSchema)
    @blp.problems()
    def get(self, venue_id: UUID) -> Any:
        """Show a venue."""
        world = caller().world
        with transaction() as session:
            now = clock.now(session, world)
            return places.get_venue(session, venue_id, world=world, now=now)


@blp.route("/auditoriums/<uuid:auditorium_id>")
class AuditoriumById(MethodView):
    @blp.conditional
    @blp.response(200, schemas.AuditoriumSchema)
    @blp.problems()
    def get(self, auditorium_id: UUID) -> Any:
        """Show an auditorium with its areas; its seats are a performance's."""
        world = caller().world
        with transaction() as session:
            now = clock.now(session, world)
            return places.get_auditorium(session, auditorium_id, world=world, now=now)
