"""Trees as they were at a moment, and what changed of a node since it was made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from allocation.queries.locks import as_node
from allocation.rules.tree import Node
from hub.kernel.errors import NotFoundError

_NODES = text(
    "SELECT n.id, n.path, n.guarantee, n.ceiling, n.taken, n.overcommitted, n.level,"
    " n.pool_id, n.key, n.unmade, n.channel, n.created_at, n.performance_area_id,"
    " n.agent_id FROM node n WHERE n.performance_id = :performance"
    " ORDER BY cardinality(n.path), n.key"
)
_CHANGED = text(
    "SELECT DISTINCT ON (node_id) node_id, guarantee_before, ceiling_before,"
    " unmade_before, agent_before, path_before, pool_before, made_at"
    " FROM node_change WHERE performance_id = :performance AND made_at > :at"
    " ORDER BY node_id, id"
)
_TAKEN = text(
    "SELECT node, sum(seats) FILTER (WHERE NOT is_sold)::int AS held,"
    " sum(seats) FILTER (WHERE is_sold)::int AS sold FROM ("
    " SELECT unnest(CASE WHEN l.seat_nodes = '{}' THEN ARRAY[l.node_id]"
    "   ELSE l.seat_nodes END) AS node, CASE WHEN l.seat_nodes = '{}' THEN l.quantity"
    "   ELSE 1 END AS seats, false AS is_sold"
    "  FROM hold_line l JOIN hold h ON h.id = l.hold_id WHERE l.node_id = ANY(:nodes)"
    "  AND h.created_at <= :at AND h.state NOT IN ('requested', 'rejected')"
    "  AND NOT (h.kind = 'request' AND h.extendable_until IS NULL)"  # never granted
    "  AND (h.state = 'held' OR h.ended_at > :at)"
    " UNION ALL SELECT coalesce(t.node_id, l.node_id), 1, true FROM order_line l"
    "  JOIN sale_order o ON o.id = l.order_id JOIN ticket t"
    "  ON (t.order_id, t.line_no) = (l.order_id, l.no) WHERE l.node_id = ANY(:nodes)"
    "  AND o.confirmed_at <= :at AND (t.cancelled_at IS NULL OR t.cancelled_at > :at)"
    ") taken GROUP BY node"
)
_HISTORY = text(
    "SELECT c.id, c.cause, c.reason, c.plan_id, p.version AS plan_version,"
    " c.guarantee_before, c.guarantee_after, c.ceiling_before, c.ceiling_after,"
    " c.taken, c.made_at, m.name AS made_by FROM node_change c"
    " LEFT JOIN plan p ON p.id = c.plan_id LEFT JOIN credential m ON m.id = c.made_by"
    " WHERE c.node_id = :node ORDER BY c.id DESC LIMIT :most"
)
_REFS = text("SELECT id, ref FROM partner WHERE id = ANY(:ids)")
_NODE = text("SELECT id, performance_id, key, agent_id FROM node WHERE id = :id")


@dataclass(frozen=True, slots=True)
class StandingAt:
    """A node at a moment: who it is, and of what it has taken what is held and sold."""

    node: Node
    key: str
    performance_area_id: UUID | None
    channel: str | None
    agent: str | None
    agent_id: UUID | None
    held: int
    sold: int

    @property
    def id(self) -> UUID:
        return self.node.id

    @property
    def level(self) -> str:
        return self.node.level


def tree_at(
    session: Session, performance_id: UUID, at: datetime
) -> dict[UUID, StandingAt]:
    """Return a performance's nodes as they were at a moment, counted from the facts.

    What a node was promised is what its first change after the moment says it was
    before. What it had taken is counted from holds and tickets, and summed up.
    """
    rows = session.execute(_NODES, {"performance": performance_id}).all()
    where = {"performance": performance_id, "at": at}
    changed = {row.node_id: row for row in session.execute(_CHANGED, where)}
    taken = session.execute(_TAKEN, {"nodes": [row.id for row in rows], "at": at})
    counts = {row.node: (row.held or 0, row.sold or 0) for row in taken}
    there = [row for row in rows if _was_there(row, changed, at)]
    whose = {row.id: _agent_id(row, changed.get(row.id)) for row in there}
    refs = _refs(session, whose.values())
    nodes = {row.id: _before(row, changed.get(row.id)) for row in there}
    unmade = {row.id: _unmade(row, changed.get(row.id)) for row in there}
    summed = summed_up(nodes, unmade, {i: sum(both) for i, both in counts.items()})
    return {
        row.id: StandingAt(
            *(summed[row.id], row.key, row.performance_area_id, row.channel),
            *(refs.get(whose[row.id]), whose[row.id], *counts.get(row.id, (0, 0))),
        )
        for row in there
    }


def _was_there(row: Row[Any], changed: Mapping[UUID, Row[Any]], at: datetime) -> bool:
    """Say whether a node counted by itself at a moment.

    Areas always did. A leaf made since was there too, unless its parent was split
    meanwhile: then what it was promised is in what the parent carried before.
    """
    if row.level == "area" or row.created_at <= at:
        return True
    if row.level not in {"agent", "part", "sub-agent", "block"} or not row.path:
        return False
    parent = changed.get(row.path[0])
    return parent is None or row.created_at <= parent.made_at


def _before(row: Row[Any], change: Row[Any] | None) -> Node:
    node = as_node(row)
    if change is None:
        return node
    return replace(
        node,
        guarantee=change.guarantee_before,
        ceiling=change.ceiling_before,
        path=tuple(change.path_before),
        pool=change.pool_before,
    )


def _agent_id(row: Row[Any], change: Row[Any] | None) -> UUID | None:
    found: UUID | None = row.agent_id if change is None else change.agent_before
    return found


def _refs(session: Session, ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
    found = session.execute(_REFS, {"ids": [i for i in set(ids) if i is not None]})
    return {row.id: row.ref for row in found}


def _unmade(row: Row[Any], change: Row[Any] | None) -> int:
    return int(row.unmade if change is None else change.unmade_before)


def summed_up(
    nodes: Mapping[UUID, Node], unmade: Mapping[UUID, int], own: Mapping[UUID, int]
) -> dict[UUID, Node]:
    """Return nodes with their counts: what is theirs, and what their children cost."""
    taken = {i: own.get(i, 0) + unmade.get(i, 0) for i in nodes}
    found: dict[UUID, Node] = {}
    for node in sorted(nodes.values(), key=lambda node: -len(node.path)):
        found[node.id] = node.holding(taken[node.id])
        for payer in node.payers:
            if payer in taken:
                taken[payer] += found[node.id].charge
    return found


def node_history(session: Session, node_id: UUID, *, most: int) -> Sequence[Row[Any]]:
    """Return what changed of a node and why, newest first."""
    return session.execute(_HISTORY, {"node": node_id, "most": most}).all()


def get_node(session: Session, node_id: UUID) -> Row[Any]:
    """Return a node's id, performance and key; NotFoundError if there is none."""
    found = session.execute(_NODE, {"id": node_id}).one_or_none()
    if found is None:
        raise NotFoundError(node_id=node_id)
    return found
