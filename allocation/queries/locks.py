"""What a sale and a change lock: performances, then nodes, deepest first and by id."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.rules.tree import Node, reach

COLUMNS = (
    "n.id, n.path, n.guarantee, n.ceiling, n.taken, n.overcommitted, n.level, n.pool_id"
)
_LOCK = text(
    f"SELECT {COLUMNS} FROM node n WHERE n.id = ANY(:ids)"  # noqa: S608 - our own words
    " ORDER BY cardinality(n.path) DESC, n.id FOR NO KEY UPDATE"
)
_DEPTHS = text("SELECT id, cardinality(path) AS depth FROM node WHERE id = ANY(:ids)")
_STOP = text(
    "SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[]))"
    " AS key ORDER BY key"
)


def as_node(row: Any) -> Node:
    """Return a row with ``COLUMNS`` as a node."""
    return Node(
        row.id,
        tuple(row.path),
        row.guarantee,
        row.ceiling,
        row.taken,
        row.overcommitted,
        row.level,
        row.pool_id,
    )


def lock_key(found: UUID) -> int:
    """Return the advisory lock of a performance or supplier: 63 of its id's bits."""
    return int.from_bytes(found.bytes[8:]) >> 1


def stop_performances(session: Session, performance_ids: Collection[UUID]) -> None:
    """Wait until nobody sells there; from its commit the change is what sales see."""
    keys = [lock_key(found) for found in performance_ids]
    session.execute(_STOP, {"keys": keys})


def lock_nodes(session: Session, ids: Collection[UUID]) -> dict[UUID, Node]:
    """Return the nodes, locked to the transaction's end: deepest first, then by id."""
    rows = session.execute(_LOCK, {"ids": list(ids)})
    return {row.id: as_node(row) for row in rows}


def lock_trees(
    session: Session, wanted: Mapping[UUID, tuple[int, int]]
) -> dict[UUID, Node]:
    """Lock what changes of (taking, giving) seats per leaf may touch, and no more.

    Depth by depth, deepest first and by id, over all trees, so that nobody waits in a
    circle: an agent inside its guarantee touches only its own row.
    """
    waiting: dict[int, dict[UUID, tuple[int, int]]] = {}
    for row in session.execute(_DEPTHS, {"ids": list(wanted)}):
        waiting.setdefault(row.depth, {})[row.id] = wanted[row.id]
    found: dict[UUID, Node] = {}
    while waiting:
        level = waiting.pop(max(waiting))
        for node in lock_nodes(session, level).values():
            found[node.id] = node
            taking, giving = level[node.id]
            passed = reach(node, taking=taking, giving=giving)
            if passed == (0, 0):
                continue
            for at, payer in enumerate(node.payers):
                depth = len(node.path) - 1 if at == 0 and node.path else 0
                above = waiting.setdefault(depth, {})
                before = above.get(payer, (0, 0))
                above[payer] = (before[0] + passed[0], before[1] + passed[1])
    return found
