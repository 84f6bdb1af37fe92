"""Telling agents what has happened to performances they have sold tickets for."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.kernel.ids import new_id
from hub.sales.models import Notice

CHUNK = 50
ACKNOWLEDGE_H = 48
REFUND_DAYS = 14
_WAITING = text(
    "SELECT d.*, clock_timestamp() + w.clock_offset AS now FROM disruption d"
    " JOIN world w ON w.name = d.world WHERE d.told_at IS NULL ORDER BY d.seq"
    " LIMIT :most FOR UPDATE OF d"
)
_TOLD = text("UPDATE disruption SET told_at = :now WHERE seq = :seq")
_HOLDERS = text(
    "SELECT o.agent_id, count(*)::int AS tickets FROM node n"
    " JOIN order_line l ON l.node_id = n.id JOIN sale_order o ON o.id = l.order_id"
    " JOIN ticket t ON t.order_id = l.order_id AND t.line_no = l.no"
    " AND t.performance_id = n.performance_id AND t.cancelled_at IS NULL"
    " WHERE n.performance_id = :performance GROUP BY 1 ORDER BY 1"
)


def tell_disruptions(session: Session, *, most: int = CHUNK) -> int:
    """Make a notice for every agent that has sold tickets of what was disrupted.

    Returns how many disruptions were told.
    """
    waiting = session.execute(_WAITING, {"most": most}).all()
    for found in waiting:
        where = {"performance": found.performance_id}
        for holder in session.execute(_HOLDERS, where).all():
            session.add(_notice(found, holder.agent_id, holder.tickets))
        session.execute(_TOLD, {"seq": found.seq, "now": found.now})
    return len(waiting)


def _notice(found: Row[tuple[object, ...]], agent_id: UUID, tickets: int) -> Notice:
    """Return what an agent is told, and until when it may give tickets back for it.

    Of what has no date, or will not be, tickets go back as long as that is so.
    """
    by: datetime = found.made_at + timedelta(hours=ACKNOWLEDGE_H)
    is_on = found.kind not in {"cancelled", "postponed"}
    until = found.made_at + timedelta(days=REFUND_DAYS)
    return Notice(
        id=new_id(),
        world=found.world,
        disruption_seq=found.seq,
        agent_id=agent_id,
        performance_id=found.performance_id,
        tickets=tickets,
        made_at=found.made_at,
        acknowledge_by=min(by, max(found.starts_at, found.made_at)) if is_on else by,
        refund_until=min(until, found.starts_at) if is_on else None,
    )


def acknowledge(session: Session, who: Caller, notice_id: UUID) -> Notice:
    """Note that an agent has read a notice; doing so twice is no mistake."""
    wanted = select(Notice).where(
        Notice.id == notice_id,
        Notice.world == who.world,
        Notice.agent_id == who.partner,
    )
    found = session.scalar(wanted.with_for_update())
    if found is None:
        raise NotFoundError(notice_id=notice_id)
    if found.acknowledged_at is None:
        found.acknowledged_at = clock.now(session, who.world)
        session.flush()
    return found
