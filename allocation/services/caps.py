"""Caps of a plan that has come into force count what was taken before it, too.

All but those of buyers: who bought is kept only where a plan asks for it.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from allocation.queries.plans import Ground
from allocation.rules.limits import Buyable, Limit, limits
from allocation.rules.plans.language import PlanRules
from hub.kernel.committer import is_kept_waiting
from hub.kernel.db import rows
from hub.kernel.errors import OverloadedError

WAIT_S = 2.0
PAUSE_S = 0.05
_NODES = "SELECT id FROM node WHERE performance_id = ANY(:performances)"
_HELD = (
    "FROM hold_line l JOIN hold h ON h.id = l.hold_id AND h.state = 'held'"
    f" WHERE l.node_id IN ({_NODES})"
)
_SOLD = (
    "FROM order_line l JOIN sale_order o ON o.id = l.order_id"
    f" WHERE l.node_id IN ({_NODES}) AND l.cancelled < l.quantity"
)
# Nothing may be given back between the lines and their counter. Neither holds nor
# orders are waited for: the caller may have locked what their owners want next.
_LOCKS = [
    text(
        f"SELECT id FROM hold WHERE id IN (SELECT l.hold_id {_HELD})"  # noqa: S608 - our own words
        " FOR NO KEY UPDATE NOWAIT"
    ),
    text(
        f"SELECT id FROM sale_order WHERE id IN (SELECT l.order_id {_SOLD})"  # noqa: S608 - our own words
        " FOR NO KEY UPDATE NOWAIT"
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


def _noting(line: str, owner: str, key: str, seats: str) -> TextClause:
    """Note on lines which caps they lack, and return the seats by cap."""
    return text(
        "WITH said AS (SELECT * FROM json_to_recordset(CAST(:rows AS json))"  # noqa: S608 - our own words
        f" AS r(offer uuid, agent uuid, caps uuid[])), found AS (SELECT l.{key}, l.no,"
        " ARRAY(SELECT unnest(s.caps) EXCEPT SELECT unnest(l.caps)) AS missing"
        f" FROM {line} l JOIN {owner} o ON o.id = l.{key}"
        " JOIN said s ON (s.offer, s.agent) = (l.offer_id, o.agent_id)"
        f" WHERE l.node_id IN ({_NODES})), noted AS (UPDATE {line} l"
        " SET caps = l.caps || f.missing FROM found f WHERE f.missing <> '{}'"
        f" AND (l.{key}, l.no) = (f.{key}, f.no)"
        f" RETURNING f.missing, {seats} AS seats)"
        " SELECT unnest(missing) AS cap, sum(seats)::int AS seats FROM noted GROUP BY 1"
    )


_NOTES = [
    _noting(
        "hold_line",
        "(SELECT id, agent_id FROM hold WHERE state = 'held')",
        "hold_id",
        "l.quantity",
    ),
    _noting("order_line", "sale_order", "order_id", "l.quantity - l.cancelled"),
]
_MAKE = text(
    "INSERT INTO cap_count (id, world, kind, subject, performance_id, taken)"
    " SELECT id, world, kind, subject, performance, 0"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, world text, kind text,"
    " subject text, performance uuid) ORDER BY id ON CONFLICT DO NOTHING"
)
_LOCK = text(
    "SELECT id FROM cap_count WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"
)
_ADD = text(
    "UPDATE cap_count SET taken = cap_count.taken + r.seats"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, seats int)"
    " WHERE cap_count.id = r.id"
)
Counted = dict[UUID, tuple[Limit, int]]


def note_taken(
    session: Session,
    plans: Mapping[UUID, PlanRules],
    found: Mapping[UUID, Ground],
    now: datetime,
) -> Counted:
    """Note on lines of stopped performances which caps of their new *plans* count them.

    Returns seats by cap, for ``add_taken`` once the nodes are locked. OverloadedError
    if somebody has one of the holds or orders for long.
    """
    performances = [i for i, plan in plans.items() if _counts(plan, found[i], now)]
    if not performances:
        return {}
    where: dict[str, Any] = {"performances": performances}
    _lock_what_is_taken(session, where)
    limits_of: dict[UUID, Limit] = {}
    said = []
    for row in session.execute(_TAKEN, where):
        ground = found[row.performance_id]
        own = list(limits(plans[ground.id], _line(row, ground), None))
        limits_of |= {limit.id: limit for limit in own}
        caps = [limit.id for limit in own]
        said.append({"offer": row.offer_id, "agent": row.agent_id, "caps": caps})
    where["rows"] = rows(said)
    counted: Counted = {}
    for note in _NOTES:
        for row in session.execute(note, where):
            before = counted.get(row.cap, (limits_of[row.cap], 0))
            counted[row.cap] = (before[0], before[1] + row.seats)
    return counted


def _lock_what_is_taken(session: Session, where: Mapping[str, Any]) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            with session.begin_nested():
                for lock in _LOCKS:
                    session.execute(lock, where)
        except OperationalError as error:
            if not is_kept_waiting(error):
                raise
            if time.monotonic() > deadline:
                raise OverloadedError from error
        else:
            return
        time.sleep(PAUSE_S)


def _line(row: Any, ground: Ground) -> Buyable:
    return Buyable(
        performance_id=ground.id,
        production_id=ground.production_id,
        area=row.area,
        price_type=row.price_type,
        channel=row.channel or "",
        agent=row.agent,
        agent_id=row.agent_id,
        holder_id=row.holder_id,
        venue=ground.subject.venue,
        auditorium=ground.subject.auditorium,
        genre=ground.subject.genre,
    )


def _counts(plan: PlanRules, ground: Ground, now: datetime) -> bool:
    """Say whether a plan has caps that matter: of what is over only a production's."""
    is_over = (ground.ends_at or ground.starts_at) <= now
    return any(
        cap.of != "buyer" and (cap.over == "production" or not is_over)
        for cap in plan.caps
    )


def add_taken(session: Session, world: str, counted: Counted) -> None:
    """Add what was noted to its counters, locked in their order, after the nodes."""
    if not counted:
        return
    made = [
        {
            "id": limit.id,
            "world": world,
            "kind": limit.kind,
            "subject": limit.subject,
            "performance": limit.performance_id,
        }
        for limit, _ in counted.values()
    ]
    session.execute(_MAKE, {"rows": rows(made)})
    session.execute(_LOCK, {"ids": list(counted)})
    seats = [{"id": i, "seats": n} for i, (_, n) in counted.items()]
    session.execute(_ADD, {"rows": rows(seats)})
