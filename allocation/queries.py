"""What allocation reads and locks. Every function takes a session; none writes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from allocation.models import Plan
from allocation.rules.tree import Node, reach

_COLUMNS = "id, path, guarantee, ceiling, taken, overcommitted"
_LOCK = text(
    f"SELECT {_COLUMNS} FROM node WHERE id = ANY(:ids)"  # noqa: S608 - our own words
    " ORDER BY depth DESC, id FOR NO KEY UPDATE"
)
_PATHS = text(
    "SELECT leaf.root_id, leaf.id AS leaf_id, n.id, n.path, n.guarantee, n.ceiling,"
    " n.taken, n.overcommitted FROM node leaf JOIN node n"
    " ON n.id = leaf.id OR n.id = ANY(leaf.path)"
    " WHERE leaf.performance_id = ANY(:performances) AND leaf.agent_id = :agent"
    " ORDER BY leaf.root_id, n.depth DESC"
)
_LEAVES = text(
    "SELECT root_id, id FROM node WHERE root_id = ANY(:roots) AND agent_id = :agent"
)
_SHARE_PERFORMANCES = text(
    "SELECT key FROM unnest(CAST(:keys AS bigint[])) AS key"
    " WHERE NOT pg_try_advisory_xact_lock_shared(key)"
)
_OVERCOMMITTED = text(
    "SELECT id, overcommitted FROM node WHERE id = ANY(:ids) AND overcommitted > 0"
)
_STOP_PERFORMANCES = text(
    "SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[]))"
    " AS key ORDER BY key"
)
_TAKEN = text(
    "SELECT performance_id, seat_id FROM seat_taken"
    " WHERE performance_id = ANY(:performances)"
)
_UNSPLIT = text(
    "SELECT n.id FROM node n JOIN performance p ON p.id = n.performance_id"
    " LEFT JOIN LATERAL (SELECT id FROM plan WHERE supplier_id = p.supplier_id"
    " ORDER BY version DESC LIMIT 1) plan ON true"
    " WHERE p.supplier_id = :supplier AND n.depth = 0 AND plan.id IS NOT NULL"
    " AND (n.plan_id IS DISTINCT FROM plan.id OR n.split_capacity IS DISTINCT FROM"
    " n.ceiling) ORDER BY n.performance_id, n.id LIMIT :most"
)
_TREE_LAW = text(
    "SELECT n.id, n.performance_id, n.taken, coalesce(below.charges, 0)"
    " + coalesce(own.seats, 0) AS counted FROM node n"
    " LEFT JOIN (SELECT path[1] AS parent, sum(greatest(guarantee, taken)) AS charges"
    "   FROM node WHERE cardinality(path) > 0 GROUP BY path[1]) below"
    "   ON below.parent = n.id"
    " LEFT JOIN (SELECT node_id, sum(seats) AS seats FROM ("
    "   SELECT l.node_id, sum(l.quantity) AS seats FROM hold_line l"
    "   JOIN hold h ON h.id = l.hold_id WHERE h.state = 'held' GROUP BY 1"
    "   UNION ALL SELECT node_id, sum(quantity - cancelled) FROM order_line GROUP BY 1"
    " ) used GROUP BY node_id) own ON own.node_id = n.id"
    " WHERE n.taken <> coalesce(below.charges, 0) + coalesce(own.seats, 0) LIMIT 20"
)
_OVERCOMMITMENT_LAW = text(
    "SELECT id, performance_id, taken, ceiling, overcommitted FROM node"
    " WHERE overcommitted <> greatest(0, taken - ceiling)"
    " OR (ceiling IS NULL AND overcommitted <> 0) LIMIT 20"
)
_CAPACITY_LAW = text(
    "SELECT pa.id AS performance_area_id, pa.capacity, n.ceiling"
    " FROM performance_area pa FULL JOIN (SELECT * FROM node WHERE depth = 0) n"
    " ON n.id = pa.id WHERE (pa.capacity, pa.performance_id) IS DISTINCT FROM"
    " (n.ceiling, n.performance_id) LIMIT 20"
)
_SEAT_LAW = text(
    "SELECT coalesce(s.performance_id, u.performance_id) AS performance_id,"
    " coalesce(s.seat_id, u.seat_id) AS seat_id FROM seat_taken s FULL JOIN ("
    "   SELECT l.performance_id, unnest(l.seat_ids) AS seat_id, l.hold_id"
    "   FROM hold_line l JOIN hold h ON h.id = l.hold_id WHERE h.state = 'held'"
    "   UNION ALL SELECT t.performance_id, t.seat_id, o.hold_id FROM ticket t"
    "   JOIN sale_order o ON o.id = t.order_id"
    "   WHERE t.cancelled_at IS NULL AND t.seat_id IS NOT NULL"
    " ) u ON (u.performance_id, u.seat_id) = (s.performance_id, s.seat_id)"
    " AND u.hold_id = s.hold_id WHERE s.seat_id IS NULL OR u.seat_id IS NULL LIMIT 20"
)


def _node(row: Row[Any]) -> Node:
    return Node(
        row.id,
        tuple(row.path),
        row.guarantee,
        row.ceiling,
        row.taken,
        row.overcommitted,
    )


def lock_key(performance_id: UUID) -> int:
    """Return the advisory lock of a performance: 63 of its id's bits."""
    return int.from_bytes(performance_id.bytes[8:]) >> 1


def share_performances(
    session: Session, performance_ids: Collection[UUID]
) -> set[UUID]:
    """Keep performances from being stopped or cut while this transaction sells.

    Returns those that are being stopped or changed at this moment; it does not wait.
    """
    keys = {lock_key(found): found for found in performance_ids}
    busy = session.scalars(_SHARE_PERFORMANCES, {"keys": list(keys)})
    return {keys[key] for key in busy}


def overcommitted(session: Session, root_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the roots that hold more than they may, and by how many seats."""
    rows = session.execute(_OVERCOMMITTED, {"ids": list(root_ids)})
    return {row.id: row.overcommitted for row in rows}


def stop_performances(session: Session, performance_ids: Collection[UUID]) -> None:
    """Wait until nobody sells there; from its commit the change is what sales see."""
    keys = [lock_key(found) for found in performance_ids]
    session.execute(_STOP_PERFORMANCES, {"keys": keys})


def lock_nodes(session: Session, ids: Collection[UUID]) -> dict[UUID, Node]:
    """Return the nodes, locked to the transaction's end: deepest first, then by id."""
    rows = session.execute(_LOCK, {"ids": list(ids)})
    return {row.id: _node(row) for row in rows}


def lock_tree(
    session: Session, wanted: Mapping[UUID, tuple[int, int]]
) -> dict[UUID, Node]:
    """Lock what changes of (taking, giving) seats per leaf may touch, and no more.

    Level by level, deepest first and by id: an agent inside its guarantee touches
    only its own row.
    """
    locked: dict[UUID, Node] = {}
    level = dict(wanted)
    while level:
        found = lock_nodes(session, level)
        locked |= found
        above: dict[UUID, tuple[int, int]] = {}
        for node in found.values():
            taking, giving = level[node.id]
            passed = reach(node, taking=taking, giving=giving)
            if node.path and passed != (0, 0):
                before = above.get(node.path[0], (0, 0))
                above[node.path[0]] = (before[0] + passed[0], before[1] + passed[1])
        level = above
    return locked


def agent_paths(
    session: Session, performance_ids: Collection[UUID], agent_id: UUID
) -> dict[UUID, list[Node]]:
    """Return, per root (performance area), the agent's path, leaf first; unlocked."""
    found: dict[UUID, list[Node]] = {}
    wanted = {"performances": list(performance_ids), "agent": agent_id}
    for row in session.execute(_PATHS, wanted):
        found.setdefault(row.root_id, []).append(_node(row))
    return found


def agent_leaves(
    session: Session, root_ids: Collection[UUID], agent_id: UUID
) -> dict[UUID, UUID]:
    """Return, per root (performance area), the agent's own node; unlocked."""
    rows = session.execute(_LEAVES, {"roots": list(root_ids), "agent": agent_id})
    return {row.root_id: row.id for row in rows}


def taken_seats(
    session: Session, performance_ids: Collection[UUID]
) -> dict[UUID, set[UUID]]:
    """Return the seats held or sold of each performance."""
    found: dict[UUID, set[UUID]] = {wanted: set() for wanted in performance_ids}
    for row in session.execute(_TAKEN, {"performances": list(performance_ids)}):
        found[row.performance_id].add(row.seat_id)
    return found


def find_plan(session: Session, supplier_id: UUID) -> Plan | None:
    """Return the plan of a supplier that is in force, if there is one."""
    wanted = select(Plan).where(Plan.supplier_id == supplier_id)
    return session.scalar(wanted.order_by(Plan.version.desc()).limit(1))


def list_plans(session: Session, supplier_id: UUID) -> Sequence[Plan]:
    """Return all versions of a supplier's plan, newest first."""
    wanted = select(Plan).where(Plan.supplier_id == supplier_id)
    return session.scalars(wanted.order_by(Plan.version.desc())).all()


def unsplit_roots(session: Session, supplier_id: UUID, *, most: int) -> list[UUID]:
    """Return roots whose tree is not yet what the plan and the capacity say."""
    found = session.execute(_UNSPLIT, {"supplier": supplier_id, "most": most})
    return [row.id for row in found]


def broken_laws(session: Session) -> list[dict[str, Any]]:
    """Return facts that break a law of allocation: sums, ceilings, seats."""
    checks = {
        "every count equals its sum": _TREE_LAW,
        "over-commitment is what is above the ceiling": _OVERCOMMITMENT_LAW,
        "a tree's root holds the capacity of its area": _CAPACITY_LAW,
        "a seat is taken by one hold or ticket, and by one only": _SEAT_LAW,
    }
    return [
        {"law": law} | {name: _plain(value) for name, value in row._mapping.items()}  # noqa: SLF001 - documented
        for law, query in checks.items()
        for row in session.execute(query)
    ]


def _plain(value: object) -> object:
    return value if isinstance(value, int | None) else str(value)
