"""Writing the quota tree: counts, roots, seats."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation import queries
from allocation.rules.tree import Node, settle

_WRITE = text(
    "UPDATE node SET taken = c.taken, overcommitted = c.over"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:taken AS int[]), CAST(:over AS int[]))"
    " AS c(id, taken, over) WHERE node.id = c.id"
)
_ADD_ROOTS = text(
    "INSERT INTO node (id, world, performance_id, root_id, path, holder, depth,"
    " guarantee, ceiling) SELECT r.id, :world, r.performance, r.id, '{}', '', 0, 0,"
    " r.capacity FROM unnest(CAST(:ids AS uuid[]), CAST(:performances AS uuid[]),"
    " CAST(:capacities AS int[])) AS r(id, performance, capacity)"
)
_SET_CEILINGS = text(
    "UPDATE node SET ceiling = c.capacity, overcommitted ="
    " greatest(0, taken - c.capacity), guarantee = 0"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:capacities AS int[])) AS c(id, capacity)"
    " WHERE node.id = c.id"
)
_TAKE_SEATS = text(
    "INSERT INTO seat_taken (performance_id, seat_id, hold_id)"
    " SELECT * FROM unnest(CAST(:performances AS uuid[]), CAST(:seats AS uuid[]),"
    " CAST(:holds AS uuid[])) AS t(p, s, h) ORDER BY p, s ON CONFLICT DO NOTHING"
    " RETURNING performance_id, seat_id"
)
_FREE_SEATS = text(
    "DELETE FROM seat_taken AS t USING unnest(CAST(:performances AS uuid[]),"
    " CAST(:seats AS uuid[])) AS s(p, s)"
    " WHERE (t.performance_id, t.seat_id) = (s.p, s.s)"
)

SeatKey = tuple[UUID, UUID]


def write_counts(session: Session, nodes: Iterable[Node]) -> None:
    """Store the counts of nodes that this transaction has locked."""
    changed = list(nodes)
    if changed:
        columns: dict[str, Any] = {
            "ids": [node.id for node in changed],
            "taken": [node.taken for node in changed],
            "over": [node.overcommitted for node in changed],
        }
        session.execute(_WRITE, columns)


def give_back(session: Session, seats: Mapping[UUID, int]) -> None:
    """Give seats back to their leaves and upwards; never refused."""
    if not seats:
        return
    locked = queries.lock_tree(session, {leaf: (0, n) for leaf, n in seats.items()})
    after = settle(locked, {leaf: -n for leaf, n in seats.items()})
    write_counts(session, [n for n in after.values() if n != locked[n.id]])


def add_roots(
    session: Session, *, world: str, roots: Sequence[tuple[UUID, UUID, int]]
) -> None:
    """Make the roots (id, performance, capacity) of new quota trees."""
    columns = {
        "ids": [root_id for root_id, _, _ in roots],
        "performances": [performance_id for _, performance_id, _ in roots],
        "capacities": [capacity for _, _, capacity in roots],
    }
    session.execute(_ADD_ROOTS, {"world": world, **columns})


def set_capacities(session: Session, capacities: Mapping[UUID, int]) -> None:
    """Set what roots may hold at most; the caller has stopped their performances.

    Sold above the new capacity is stored as over-committed and closes the
    performance; the share-out that follows cuts unsold guarantees.
    """
    locked = queries.lock_nodes(session, capacities)
    columns = {"ids": list(locked), "capacities": [capacities[i] for i in locked]}
    session.execute(_SET_CEILINGS, columns)


def take_seats(session: Session, wanted: Mapping[SeatKey, UUID]) -> set[SeatKey]:
    """Take (performance, seat) for holds; return those that were not free."""
    columns = _columns(wanted) | {"holds": list(wanted.values())}
    ours = {
        (row.performance_id, row.seat_id)
        for row in session.execute(_TAKE_SEATS, columns)
    }
    return set(wanted) - ours


def free_seats(session: Session, seats: Collection[SeatKey]) -> None:
    """Let (performance, seat) go."""
    if seats:
        session.execute(_FREE_SEATS, _columns(seats))


def _columns(seats: Iterable[SeatKey]) -> dict[str, list[Any]]:
    keys = list(seats)
    return {
        "performances": [performance for performance, _ in keys],
        "seats": [seat for _, seat in keys],
    }
