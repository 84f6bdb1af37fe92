"""Writing the quota tree: counts, areas, seats."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.queries.locks import lock_trees
from allocation.queries.seats import SeatKey
from allocation.rules.plans.keys import label
from allocation.rules.plans.sharing import Share
from allocation.rules.tree import Node, settle
from hub.kernel.db import rows

_WRITE = text(
    "UPDATE node SET taken = c.taken, overcommitted = c.over"
    " FROM json_to_recordset(CAST(:rows AS json)) AS c(id uuid, taken int, over int)"
    " WHERE node.id = c.id"
)
_LOWER_CAPS = text(
    "WITH wanted AS (SELECT * FROM json_to_recordset(CAST(:rows AS json))"
    " AS c(id uuid, seats int)), locked AS (SELECT id FROM cap_count WHERE id IN"
    " (SELECT id FROM wanted) ORDER BY id FOR NO KEY UPDATE)"
    " UPDATE cap_count AS c SET taken = taken - w.seats FROM wanted w"
    " JOIN locked l ON l.id = w.id WHERE c.id = w.id"
)
_ADD_AREAS = text(
    "INSERT INTO node (id, world, performance_id, performance_area_id, key, level,"
    " path, guarantee, ceiling) SELECT r.id, :world, r.performance, r.id, r.key,"
    " 'area', '{}', 0, r.capacity FROM unnest(CAST(:ids AS uuid[]),"
    " CAST(:performances AS uuid[]), CAST(:keys AS text[]),"
    " CAST(:capacities AS int[])) AS r(id, performance, key, capacity)"
)
_ADD_TREES = text(
    "INSERT INTO tree (performance_id, world, supplier_id) SELECT p, :world,"
    " :supplier FROM unnest(CAST(:performances AS uuid[])) AS p ON CONFLICT"
    " (performance_id) DO UPDATE SET publication = 0"
)
# A cut node could have a seat more if everybody who pays for it, up to the first
# that has unused promise of its own, has one to give.
_TO_MEND = text(
    "SELECT DISTINCT n.performance_id, p.supplier_id FROM node n"
    " JOIN performance p ON p.id = n.performance_id JOIN world w ON w.name = p.world"
    " WHERE n.is_cut"
    " AND coalesce(p.ends_at, p.starts_at) > clock_timestamp() + w.clock_offset"
    " AND NOT EXISTS (SELECT FROM unnest(n.path || n.pool_id) WITH ORDINALITY AS u(id,"
    " at) JOIN node a ON a.id = u.id WHERE a.taken >= a.ceiling AND NOT EXISTS ("
    " SELECT FROM unnest(n.path) WITH ORDINALITY AS b(id, at) JOIN node x"
    " ON x.id = b.id WHERE b.at < u.at AND x.taken < x.guarantee))"
    " ORDER BY n.performance_id LIMIT :most"
)
_FREE_SEATS = text(
    "DELETE FROM seat_taken AS t USING unnest(CAST(:performances AS uuid[]),"
    " CAST(:seats AS uuid[])) AS s(p, s)"
    " WHERE (t.performance_id, t.seat_id) = (s.p, s.s)"
)


def write_counts(session: Session, nodes: Iterable[Node]) -> None:
    """Store the counts of nodes that this transaction has locked."""
    changed = rows(map(_counts, nodes))
    if changed != "[]":
        session.execute(_WRITE, {"rows": changed})


def _counts(node: Node) -> dict[str, Any]:
    return {"id": node.id, "taken": node.taken, "over": node.overcommitted}


def lower_caps(session: Session, seats: Mapping[UUID, int]) -> None:
    """Count seats out of counters; after the tree, as everywhere."""
    if seats:
        session.execute(_LOWER_CAPS, {"rows": _lowered(seats)})


def _lowered(seats: Mapping[UUID, int]) -> str:
    return rows({"id": i, "seats": number} for i, number in seats.items())


def give_back(session: Session, seats: Mapping[UUID, int]) -> None:
    """Give seats back to their leaves and upwards; never refused."""
    if not seats:
        return
    locked = lock_trees(session, {leaf: (0, n) for leaf, n in seats.items()})
    after = settle(locked, {leaf: -n for leaf, n in seats.items()})
    write_counts(session, [n for n in after.values() if n != locked[n.id]])


def add_trees(
    session: Session,
    world: str,
    supplier_id: UUID,
    areas: Sequence[tuple[UUID, UUID, str, int]],
) -> None:
    """Make the nodes of performance areas (id, performance, reference, capacity).

    Nothing is shared out yet; trees that are new are the next job's.
    """
    columns = {
        "ids": [found[0] for found in areas],
        "performances": [found[1] for found in areas],
        "keys": [label("area", found[2]) for found in areas],
        "capacities": [found[3] for found in areas],
    }
    session.execute(_ADD_AREAS, {"world": world, **columns})
    named = list({found[1] for found in areas})
    where = {"world": world, "supplier": supplier_id, "performances": named}
    session.execute(_ADD_TREES, where)


def bare_shares(capacities: Mapping[str, int]) -> list[Share]:
    """Return the areas of a performance that no plan is for: nothing is shared out."""
    return [
        Share(label("area", area), None, "area", 0, capacity, 0, area=area)
        for area, capacity in capacities.items()
    ]


def to_mend(session: Session, *, most: int) -> dict[UUID, list[UUID]]:
    """Return performances with a cut node that could have a seat more, by supplier."""
    found: dict[UUID, list[UUID]] = {}
    for row in session.execute(_TO_MEND, {"most": most}):
        found.setdefault(row.supplier_id, []).append(row.performance_id)
    return found


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
