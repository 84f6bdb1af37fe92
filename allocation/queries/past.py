"""What limited an agent at a moment that is past: its place in the tree, stops, caps.

The plan is the one that was published then, the nodes are counted from the facts.
What a release or a recall bounded of a leaf that is not a row yet is taken as of now.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.queries.history import StandingAt
from allocation.queries.limits import STOPS, as_stops
from allocation.queries.plans import grounds, plan_for, plans_in_force
from allocation.queries.trees import BLOCK, Standing, placed, tree_states
from allocation.rules.limits import StopSaid
from partners.models import Partner

_STOPS = text(f"{STOPS} AND made_at <= :at AND (lifted_at IS NULL OR lifted_at > :at)")
_SOLD_TOGETHER = (
    "SELECT n.id FROM node n JOIN performance p ON p.id = n.performance_id"
    " WHERE p.production_id = (SELECT production_id FROM performance WHERE id = :id)"
)
_COUNTS = text(
    "SELECT cap, sum(seats)::int AS taken FROM ("  # noqa: S608 - our own words
    " SELECT unnest(l.caps) AS cap, l.quantity AS seats FROM hold_line l"
    "  JOIN hold h ON h.id = l.hold_id"
    f"  WHERE l.node_id IN ({_SOLD_TOGETHER}) AND l.caps && :ids"
    "  AND h.created_at <= :at AND h.state NOT IN ('requested', 'rejected')"
    "  AND (h.state = 'held' OR h.ended_at > :at)"
    " UNION ALL SELECT unnest(l.caps), 1 FROM order_line l"
    "  JOIN sale_order o ON o.id = l.order_id JOIN ticket t"
    "  ON (t.order_id, t.line_no) = (l.order_id, l.no)"
    f"  WHERE l.node_id IN ({_SOLD_TOGETHER}) AND l.caps && :ids"
    "  AND o.confirmed_at <= :at AND (t.cancelled_at IS NULL OR t.cancelled_at > :at)"
    ") counted WHERE cap = ANY(:ids) GROUP BY cap"
)


def stops_at(
    session: Session, suppliers: Collection[UUID], at: datetime
) -> list[StopSaid]:
    """Return the stops that held at a moment."""
    where = {"suppliers": list(suppliers), "at": at}
    return as_stops(session.execute(_STOPS, where))


def counts_at(
    session: Session, performance_id: UUID, ids: Collection[UUID], at: datetime
) -> dict[UUID, int]:
    """Return what caps of a performance, or of its production, had counted."""
    if not ids:
        return {}
    where = {"id": performance_id, "ids": list(ids), "at": at}
    return {row.cap: row.taken for row in session.execute(_COUNTS, where)}


def standings_at(
    session: Session,
    performance_id: UUID,
    agent: Partner,
    at: datetime,
    tree: Mapping[UUID, StandingAt],
) -> dict[UUID, Standing]:
    """Return how an agent stood, by performance area, in a *tree* as it was then."""
    ground = grounds(session, [performance_id])[performance_id]
    state = tree_states(session, [performance_id]).get(performance_id)
    if state is None:
        return {}
    plan = plan_for(plans_in_force(session, ground.supplier_id, at), ground.subject)
    state = replace(state, plan_id=None if plan is None else plan.id)
    holder = agent
    if agent.parent_id is not None:
        holder = session.get_one(Partner, agent.parent_id)
    whose = {None, agent.id, holder.id}
    seen = [n for n in tree.values() if n.level != BLOCK and n.agent_id in whose]
    nodes = {standing.id: standing.node for standing in seen}
    return placed(session, ground, state, seen, nodes, agent=agent, holder=holder)
