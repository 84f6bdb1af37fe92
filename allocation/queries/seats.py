"""Which seats of performances are taken, and which lie in blocks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.kernel.pipeline import Sent, send

_TAKEN = text(
    "SELECT performance_id, seat_id FROM seat_taken"
    " WHERE performance_id = ANY(:performances)"
)
_AMONG = text(
    "SELECT t.performance_id, t.seat_id FROM seat_taken t JOIN unnest("
    " CAST(:performances AS uuid[]), CAST(:seats AS uuid[])) AS w(p, s)"
    " ON (t.performance_id, t.seat_id) = (w.p, w.s)"
)
# What was taken since a moment, by whoever: what this process has not seen yet.
_SINCE = text(
    "SELECT t.performance_id, t.seat_id, t.taken_at FROM seat_taken t JOIN unnest("
    " CAST(:performances AS uuid[]), CAST(:moments AS timestamptz[])) AS w(p, at)"
    " ON t.performance_id = w.p AND t.taken_at >= w.at"
)
_BLOCKED = text(
    "SELECT s.performance_id, s.seat_id, s.block_id, b.agent_id FROM block_seat s"
    " JOIN block b ON b.id = s.block_id WHERE s.performance_id = ANY(:performances)"
)

SeatKey = tuple[UUID, UUID]


def taken_seats(
    session: Session, performance_ids: Collection[UUID]
) -> dict[UUID, set[UUID]]:
    """Return the seats held or sold of each performance."""
    found: dict[UUID, set[UUID]] = {wanted: set() for wanted in performance_ids}
    for row in session.execute(_TAKEN, {"performances": list(performance_ids)}):
        found[row.performance_id].add(row.seat_id)
    return found


def taken_among(session: Session, seats: Collection[SeatKey]) -> set[SeatKey]:
    """Return which of these (performance, seat) are held or sold."""
    rows = session.execute(_AMONG, _columns(seats))
    return {(row.performance_id, row.seat_id) for row in rows}


def send_taken_among(session: Session, seats: Collection[SeatKey]) -> Sent:
    """Ask the same inside a pipeline: rows of performance_id and seat_id."""
    return send(session, _AMONG, _columns(seats))


def send_taken_since(session: Session, moments: Mapping[UUID, datetime]) -> Sent:
    """Ask, inside a pipeline, what was taken since a moment, by performance.

    Rows of performance_id, seat_id and taken_at.
    """
    columns = {"performances": list(moments), "moments": list(moments.values())}
    return send(session, _SINCE, columns)


def _columns(seats: Collection[SeatKey]) -> dict[str, list[UUID]]:
    return {
        "performances": [performance for performance, _ in seats],
        "seats": [seat for _, seat in seats],
    }


@dataclass(slots=True)
class Blocks:
    """Which seats of a performance lie in which block, and whose blocks are."""

    seats: dict[UUID, UUID] = field(default_factory=dict)
    owners: dict[UUID, UUID | None] = field(default_factory=dict)

    def of(self, agent_id: UUID) -> frozenset[UUID]:
        """Return the blocks of an agent."""
        return frozenset(b for b, owner in self.owners.items() if owner == agent_id)


def blocked_seats(
    session: Session, performance_ids: Collection[UUID]
) -> dict[UUID, Blocks]:
    """Return the blocks of seats of each performance."""
    found = {wanted: Blocks() for wanted in performance_ids}
    for row in session.execute(_BLOCKED, {"performances": list(performance_ids)}):
        blocks = found[row.performance_id]
        blocks.seats[row.seat_id] = row.block_id
        blocks.owners[row.block_id] = row.agent_id
    return found
