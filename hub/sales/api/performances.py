"""Agents' resources: performances, availability with its reasons, seats."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask.views import MethodView

from hub.catalogue.queries import Listing, performances
from hub.kernel import clock
from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.kernel.pages import key_of, page
from hub.sales.api.blueprint import blp
from hub.sales.schemas import performances as schemas
from hub.sales.services import availability


@blp.route("/performances")
class Performances(MethodView):
    @blp.arguments(schemas.PerformanceQuerySchema, location="query")
    @blp.response(200, schemas.PerformancePageSchema)
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
    @blp.response(200, schemas.PerformanceSchema)
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
    @blp.response(200, schemas.AvailabilitySchema)
    @blp.problems()
    def get(self, performance_id: UUID) -> Any:
        """Tell what the agent may take now, by area, why, and at what net price."""
        with transaction() as session:
            return availability.availability(session, caller(), performance_id)


@blp.route("/performances/<uuid:performance_id>/seats")
class PerformanceSeats(MethodView):
    @blp.response(200, schemas.SeatListSchema)
    @blp.problems()
    def get(self, performance_id: UUID) -> Any:
        """List the seats with their positions, and which are free."""
        with transaction() as session:
            return availability.seats(session, caller(), performance_id)
