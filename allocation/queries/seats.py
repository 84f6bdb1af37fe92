"""Which seats of performances are taken, and which lie in blocks."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.rules.seat_plan import SeatPlan

_TAKEN = text(
    "SELECT performance_id, seat_id FROM seat_taken"
    " WHERE performance_id = ANY(:performances)"
)
_AMONG = text(
    "SELECT t.performance_id, t.seat_id FROM seat_taken t JOIN unnest("
    " CAST(:performances AS uuid[]), CAST(:seats AS uuid[])) AS w(p, s)"
    " ON (t.performance_id, t.seat_id) = (w.p, w.s)"
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


def _columns(seats: Collection[SeatKey]) -> dict[str, list[UUID]]:
    return {
        "performances": [performance for performance, _ in seats],
        "seats": [seat for _, seat in seats],
    }


@dataclass(slots=True)
class Blocks:
    """Which seats of a performance lie in which block, and whose blocks are.

    Masks are made once a seat plan: a block may be of twenty thousand seats.
    """

    seats: dict[UUID, UUID] = field(default_factory=dict)
    owners: dict[UUID, UUID | None] = field(default_factory=dict)
    _masks: tuple[SeatPlan, dict[UUID, dict[int, int]]] | None = None

    def of(self, agent_id: UUID) -> frozenset[UUID]:
        """Return the blocks of an agent."""
        return frozenset(b for b, owner in self.owners.items() if owner == agent_id)

    def masks(self, plan: SeatPlan, blocks: Collection[UUID]) -> dict[int, int]:
        """Return the seats of some blocks as masks of a plan's rows."""
        if self._masks is None or self._masks[0] is not plan:
            own: dict[UUID, list[UUID]] = {}
            for seat, block in self.seats.items():
                own.setdefault(block, []).append(seat)
            self._masks = plan, {block: plan.masks(own[block]) for block in own}
        found: dict[int, int] = {}
        for block in blocks:
            for row, mask in self._masks[1].get(block, {}).items():
                found[row] = found.get(row, 0) | mask
        return found

    def open_to(self, plan: SeatPlan, own: Collection[UUID]) -> dict[int, int]:
        """Return the seats in no block but *own* ones, as masks of a plan's rows."""
        closed = self.masks(plan, [b for b in self.owners if b not in own])
        return {no: r.every & ~closed.get(no, 0) for no, r in enumerate(plan.rows)}


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
