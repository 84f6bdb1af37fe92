"""Trees as they stand: their nodes, and where an agent's sales begin in them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from allocation.models import Node as NodeRow
from allocation.models import Tree
from allocation.queries.locks import COLUMNS, as_node
from allocation.queries.plans import Ground, grounds, plan_rules, shares_of
from allocation.rules.plans.language import PlanRules
from allocation.rules.plans.sharing import Share
from allocation.rules.plans.stages import Bound, bounded
from allocation.rules.tree import Node
from hub.kernel.ids import new_id
from partners.models import Partner

BLOCK, SUB_AGENT = "block", "sub-agent"
_SEEN = text(
    f"SELECT {COLUMNS}, n.performance_id, n.performance_area_id, n.key, n.agent_id,"  # noqa: S608 - our own words
    " n.channel FROM node n WHERE n.performance_id = ANY(:performances)"
    " AND (n.agent_id IS NULL OR n.agent_id = ANY(:agents)) AND n.level <> 'block'"
    " ORDER BY n.performance_id, n.key"
)
_TREES = text(
    "SELECT performance_id, plan_id, epoch, bounds, adjusted FROM tree"
    " WHERE performance_id = ANY(:ids)"
)
_OVER = text(
    "SELECT performance_id, max(overcommitted)::int AS over FROM node"
    " WHERE overcommitted > 0 GROUP BY performance_id ORDER BY performance_id"
)
_CONFIRMED = text(
    "SELECT n.performance_id, n.key, sum(l.quantity - l.cancelled)::int AS seats"
    " FROM order_line l JOIN node n ON n.id = l.node_id"
    " WHERE n.performance_id = ANY(:ids) GROUP BY 1, 2"
)


class Seen(Protocol):
    """A node as a place in a tree: what it is called, and whose it is."""

    @property
    def id(self) -> UUID: ...
    @property
    def key(self) -> str: ...
    @property
    def agent_id(self) -> UUID | None: ...
    @property
    def performance_area_id(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How an agent stands in an area of a performance: its leaf and what lies above.

    *leaf* is the node its sales begin at; it may not be a row yet (*is_made*). *share*
    is what the plan says of it: its rules, the widest first.
    """

    performance_id: UUID
    performance_area_id: UUID
    area: str
    leaf: UUID
    nodes: Mapping[UUID, Node]
    is_made: bool
    share: Share | None
    plan: PlanRules | None
    plan_id: UUID | None
    epoch: int


@dataclass(frozen=True, slots=True)
class TreeState:
    """A performance's tree: split by which plan, moved and bounded how."""

    plan_id: UUID | None
    epoch: int
    bounds: dict[str, Bound]
    adjusted: dict[str, int]


def overcommitted(session: Session) -> dict[UUID, int]:
    """Return performances with more taken than there is: by how many seats at most."""
    return {row.performance_id: row.over for row in session.execute(_OVER)}


def tree_states(session: Session, ids: Collection[UUID]) -> dict[UUID, TreeState]:
    """Return trees by performance."""
    rows = session.execute(_TREES, {"ids": list(ids)})
    return {row.performance_id: as_state(row) for row in rows}


def as_state(row: Any) -> TreeState:
    """Return a tree's row, read."""
    bounds = msgspec.convert(row.bounds, dict[str, Bound])
    return TreeState(row.plan_id, row.epoch, bounds, dict(row.adjusted))


def lock_trees_of(session: Session, ids: Collection[UUID]) -> dict[UUID, Tree]:
    """Return the trees' own rows, locked in the order of their ids."""
    wanted = select(Tree).where(Tree.performance_id.in_(ids))
    locking = wanted.order_by(Tree.performance_id).with_for_update()
    found = session.scalars(locking, execution_options={"populate_existing": True})
    return {tree.performance_id: tree for tree in found}


def trees_of(session: Session, ids: Collection[UUID]) -> dict[UUID, Tree]:
    """Return the trees' own rows; unlocked."""
    wanted = select(Tree).where(Tree.performance_id.in_(ids))
    return {tree.performance_id: tree for tree in session.scalars(wanted)}


def all_nodes(
    session: Session, ids: Collection[UUID]
) -> dict[UUID, dict[str, NodeRow]]:
    """Return every node of performances by key; unlocked."""
    found: dict[UUID, dict[str, NodeRow]] = {wanted: {} for wanted in ids}
    for node in session.scalars(select(NodeRow).where(NodeRow.performance_id.in_(ids))):
        found[node.performance_id][node.key] = node
    return found


def lock_all_nodes(
    session: Session, ids: Collection[UUID]
) -> dict[UUID, dict[str, NodeRow]]:
    """Return every node of performances by key, locked: deepest first, then by id."""
    wanted = select(NodeRow).where(NodeRow.performance_id.in_(ids))
    order = (text("cardinality(node.path) DESC"), NodeRow.id)
    locking = wanted.order_by(*order).with_for_update()
    found: dict[UUID, dict[str, NodeRow]] = {wanted: {} for wanted in ids}
    for node in session.scalars(locking, execution_options={"populate_existing": True}):
        found[node.performance_id][node.key] = node
    return found


def current_shares(
    plan_id: UUID, rules: PlanRules, ground: Ground, state: TreeState
) -> list[Share]:
    """Return what the plan, its releases, recalls and moves give each holder now."""
    shares = shares_of(plan_id, rules, ground)
    if not state.bounds and not state.adjusted:
        return shares
    return bounded(shares, state.bounds, state.adjusted)


def confirmed_seats(
    session: Session, ids: Collection[UUID]
) -> dict[UUID, dict[str, int]]:
    """Return seats confirmed and not cancelled, by performance and node's key."""
    found: dict[UUID, dict[str, int]] = {wanted: {} for wanted in ids}
    for row in session.execute(_CONFIRMED, {"ids": list(ids)}):
        found[row.performance_id][row.key] = row.seats
    return found


def standings(
    session: Session, performance_ids: Collection[UUID], agent: Partner
) -> dict[UUID, Standing]:
    """Return how an agent stands, by performance area; areas it has nothing in lack.

    A sub-agent stands where its agent has handed something on to it.
    """
    states = tree_states(session, performance_ids)  # their epochs first: never too new
    whose = [found for found in (agent.id, agent.parent_id) if found is not None]
    wanted = {"performances": list(performance_ids), "agents": whose}
    seen: dict[UUID, list[Row[Any]]] = {}
    for row in session.execute(_SEEN, wanted):
        seen.setdefault(row.performance_id, []).append(row)
    holder = agent
    if agent.parent_id is not None:
        holder = session.get_one(Partner, agent.parent_id)
    found: dict[UUID, Standing] = {}
    for ground in grounds(session, performance_ids).values():
        state, rows = states.get(ground.id), seen.get(ground.id)
        if state is not None and rows:
            nodes = {row.id: as_node(row) for row in rows}
            found |= placed(
                session, ground, state, rows, nodes, agent=agent, holder=holder
            )
    return found


def placed(
    session: Session,
    ground: Ground,
    state: TreeState,
    rows: Iterable[Seen],
    nodes: Mapping[UUID, Node],
    *,
    agent: Partner,
    holder: Partner,
) -> dict[UUID, Standing]:
    """Return where an agent stands in a tree, by performance area.

    *rows*: the nodes of nobody, of the agent, and of its *holder*: the agent above it,
    or itself.
    """
    rows = list(rows)
    ids = {row.key: row.id for row in rows}
    rules = None if state.plan_id is None else plan_rules(session, state.plan_id)
    shares = _own_shares(rules, ground, state, holder)
    made = {
        row.performance_area_id: row
        for row in rows
        if row.agent_id == agent.id and row.performance_area_id is not None
    }
    found: dict[UUID, Standing] = {}
    for area, (area_id, _, _) in ground.areas.items():
        share, row = shares.get(area), made.get(area_id)
        if row is not None:
            leaf, own = row.id, nodes
        elif agent is holder and share is not None and share.parent in ids:
            node = virtual(share, nodes, ids)
            leaf, own = node.id, {**nodes, node.id: node}
        else:
            continue
        found[area_id] = Standing(
            *(ground.id, area_id, area, leaf, own, row is not None),
            *(share, rules, state.plan_id, state.epoch),
        )
    return found


def _own_shares(
    rules: PlanRules | None, ground: Ground, state: TreeState, holder: Partner
) -> dict[str | None, Share]:
    """Return what the plan gives a holder, by area."""
    if rules is None or state.plan_id is None:
        return {}
    every = current_shares(state.plan_id, rules, ground, state)
    return {s.area: s for s in every if s.is_leaf and is_holder(s, holder)}


def is_holder(share: Share, agent: Partner) -> bool:
    """Say whether an allotment is an agent's: by name, and in its own channel."""
    return share.agent == agent.ref and share.channel in {None, agent.channel}


def virtual(share: Share, nodes: Mapping[UUID, Node], ids: Mapping[str, UUID]) -> Node:
    """Return a leaf as it will be once it is touched."""
    parent = ids[share.parent or ""]
    pool = ids[share.pool] if share.pool else None
    path = (parent, *nodes[parent].path)
    level = share.level
    return Node(new_id(), path, share.guarantee, share.ceiling, 0, 0, level, pool)
