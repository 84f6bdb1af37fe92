"""Stops that hold, and counters of caps."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from allocation.models import Stop
from allocation.rules.limits import StopSaid

STOPS = (
    "SELECT id, supplier_id, performance_id, production_id, area, channel, agent_id,"
    " price_type, is_hard, reason, venue, auditorium, genre FROM stop"
    " WHERE supplier_id = ANY(:suppliers)"
)
_STOPS = text(f"{STOPS} AND lifted_at IS NULL")


def stops(session: Session, suppliers: Collection[UUID]) -> list[StopSaid]:
    """Return the stops that hold for suppliers' performances."""
    return as_stops(session.execute(_STOPS, {"suppliers": list(suppliers)}))


def as_stops(found: Iterable[Any]) -> list[StopSaid]:
    """Return rows as stops."""
    return [StopSaid(*row) for row in found]


_COUNTS = text("SELECT id, taken FROM cap_count WHERE id = ANY(:ids)")


def cap_counts(session: Session, ids: Collection[UUID]) -> dict[UUID, int]:
    """Return what was counted in counters; nothing in those that are not there."""
    if not ids:
        return {}
    return {row.id: row.taken for row in session.execute(_COUNTS, {"ids": list(ids)})}


def list_stops(
    session: Session, *, world: str, supplier_id: UUID | None
) -> Sequence[Stop]:
    """Return the stops that hold in a world, or for a supplier, newest first."""
    wanted = select(Stop).where(Stop.world == world, Stop.lifted_at.is_(None))
    if supplier_id is not None:
        wanted = wanted.where(Stop.supplier_id == supplier_id)
    return session.scalars(wanted.order_by(Stop.id.desc()).limit(1_000)).all()
