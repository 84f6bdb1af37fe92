"""Caps of a plan that has come into force count what was taken before it, too.

All but those of buyers: who bought is kept only where a plan asks for it.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.queries.plans import Ground
from allocation.rules.limits import Buyable, Limit, limits
from allocation.rules.plans.language import PlanRules

_NODES = "SELECT id FROM node WHERE performance_id = ANY(:performances)"
_HELD = (
    "FROM hold_line l JOIN hold h ON h.id = l.hold_id AND h.state = 'held'"
    f" WHERE l.node_id IN ({_NODES})"
)
_SOLD = (
    "FROM order_line l JOIN sale_order o ON o.id = l.order_id"
    f" WHERE l.node_id IN ({_NODES}) AND l.cancelled < l.quantity"
)
_LOCKS = [  # nothing is given back between the lines and their counter
    text(
        f"SELECT id FROM hold WHERE id IN (SELECT l.hold_id {_HELD})"  # noqa: S608 - our own words
        " ORDER BY id FOR NO KEY UPDATE"
    ),
    text(
        f"SELECT id FROM sale_order WHERE id IN (SELECT l.order_id {_SOLD})"  # noqa: S608 - our own words
        " ORDER BY id FOR NO KEY UPDATE"
    ),
]
_TAKEN = text(
    "SELECT t.offer_id, t.agent_id, pa.performance_id, a.ref AS area, f.price_type,"  # noqa: S608 - our own words
    " p.channel, coalesce(up.ref, p.ref) AS agent, coalesce(up.id, p.id) AS holder_id"
    f" FROM (SELECT l.offer_id, h.agent_id {_HELD}"
    f" UNION SELECT l.offer_id, o.agent_id {_SOLD}) t"
    " JOIN offer f ON f.id = t.offer_id"
    " JOIN performance_area pa ON pa.id = f.performance_area_id"
    " JOIN area a ON a.id = pa.area_id JOIN partner p ON p.id = t.agent_id"
    " LEFT JOIN partner up ON up.id = p.parent_id"
)
_COUNT = text(
    "WITH said AS (SELECT unnest(CAST(:offers AS uuid[])) AS offer,"  # noqa: S608 - our own words
    " unnest(CAST(:agents AS uuid[])) AS agent), held AS ("
    " UPDATE hold_line l SET caps = l.caps || CAST(:cap AS uuid) FROM hold h, said s"
    f" WHERE l.node_id IN ({_NODES}) AND h.id = l.hold_id AND h.state = 'held'"
    " AND (l.offer_id, h.agent_id) = (s.offer, s.agent)"
    " AND NOT l.caps @> ARRAY[CAST(:cap AS uuid)] RETURNING l.quantity AS seats"
    "), sold AS ("
    " UPDATE order_line l SET caps = l.caps || CAST(:cap AS uuid)"
    f" FROM sale_order o, said s WHERE l.node_id IN ({_NODES})"
    " AND o.id = l.order_id AND (l.offer_id, o.agent_id) = (s.offer, s.agent)"
    " AND NOT l.caps @> ARRAY[CAST(:cap AS uuid)]"
    " RETURNING l.quantity - l.cancelled AS seats)"
    " INSERT INTO cap_count (id, world, kind, subject, performance_id, taken)"
    " SELECT :cap, :world, :kind, :subject, CAST(:performance AS uuid),"
    " coalesce(sum(seats), 0) FROM (SELECT seats FROM held UNION ALL"
    " SELECT seats FROM sold) counted"
    " ON CONFLICT (id) DO UPDATE SET taken = cap_count.taken + excluded.taken"
)


def count_taken(
    session: Session,
    plans: Mapping[UUID, PlanRules],
    found: Mapping[UUID, Ground],
) -> None:
    """Count what is held and sold of stopped performances under their new *plans*.

    Holds and orders are locked, as whoever gives something back does first.
    """
    performances = [i for i, plan in plans.items() if _counts(plan)]
    if not performances:
        return
    where = {"performances": performances}
    for lock in _LOCKS:
        session.execute(lock, where)
    wanted: dict[UUID, tuple[Limit, list[Any]]] = {}
    for row in session.execute(_TAKEN, where):
        ground = found[row.performance_id]
        line = Buyable(
            performance_id=ground.id,
            production_id=ground.production_id,
            area=row.area,
            price_type=row.price_type,
            channel=row.channel or "",
            agent=row.agent,
            agent_id=row.agent_id,
            holder_id=row.holder_id,
        )
        for limit in limits(plans[ground.id], line, None):
            wanted.setdefault(limit.id, (limit, []))[1].append(row)
    world = next(iter(found.values())).world
    for _, (limit, rows) in sorted(wanted.items()):
        _count(session, world, limit, rows, performances)


def _counts(plan: PlanRules) -> bool:
    return any(cap.of != "buyer" for cap in plan.caps)


def _count(
    session: Session,
    world: str,
    limit: Limit,
    rows: Collection[Any],
    performances: Collection[UUID],
) -> None:
    values = {
        "cap": limit.id,
        "world": world,
        "kind": limit.kind,
        "subject": limit.subject,
        "performance": limit.performance_id,
        "performances": performances,
        "offers": [row.offer_id for row in rows],
        "agents": [row.agent_id for row in rows],
    }
    session.execute(_COUNT, values)
