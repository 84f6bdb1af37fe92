"""What the sale reads and locks. Nothing here writes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.kernel.errors import NotFoundError
from hub.sales.models import Hold, HoldLine, Order, OrderLine, Ticket

_DUE = text(
    "SELECT h.id FROM hold h JOIN world w ON w.name = h.world"
    " WHERE h.state = 'held' AND h.expires_at <= clock_timestamp() + w.clock_offset"
    " AND (CAST(:performances AS uuid[]) IS NULL OR EXISTS (SELECT FROM hold_line l"
    " WHERE l.hold_id = h.id AND l.performance_id = ANY(:performances)))"
    " ORDER BY h.id LIMIT :most FOR UPDATE OF h SKIP LOCKED"
)
_LINES_LAW = text(
    "SELECT l.order_id, l.no, l.quantity, l.cancelled FROM order_line l"
    " LEFT JOIN LATERAL (SELECT count(*) AS made, count(t.cancelled_at) AS undone"
    " FROM ticket t WHERE t.order_id = l.order_id AND t.line_no = l.no) t ON true"
    " WHERE (t.made, t.undone) <> (l.quantity, l.cancelled) LIMIT 20"
)
_STATE_LAW = text(
    "SELECT o.id AS order_id, o.state FROM sale_order o JOIN ("
    " SELECT order_id, sum(quantity) AS made, sum(cancelled) AS undone"
    " FROM order_line GROUP BY order_id) s ON s.order_id = o.id"
    " WHERE o.state <> CASE WHEN s.undone = 0 THEN 'confirmed'"
    " WHEN s.undone = s.made THEN 'cancelled' ELSE 'partly_cancelled' END LIMIT 20"
)
_HOLD_LAW = text(
    "SELECT o.id AS order_id, o.hold_id FROM sale_order o JOIN hold h"
    " ON h.id = o.hold_id WHERE h.state <> 'confirmed' OR h.agent_id <> o.agent_id"
    " OR h.world <> o.world LIMIT 20"
)
_POSTED_LAW = text(
    "WITH told AS (SELECT l.order_id, l.no, l.quantity - l.cancelled AS tickets,"
    " still_sold(l.face_minor, l) AS face,"
    " still_sold(l.booking_fee_minor, l) AS booking,"
    " still_sold((l.quote->'agent'->>'commission_minor')::bigint, l) AS paid,"
    " still_sold((l.quote->'supplier'->>'commission_minor')::bigint, l) AS earned,"
    " still_sold((l.quote->'agent'->>'service_fee_minor')::bigint, l)"
    " + still_sold((l.quote->'supplier'->>'service_fee_minor')::bigint, l) AS fee"
    " FROM order_line l), posted AS (SELECT e.order_id, e.line_no AS no,"
    " sum(p.amount_minor) FILTER (WHERE p.account = 'tickets:agent') AS tickets,"
    " sum(p.amount_minor) FILTER (WHERE p.account = 'receivable:agent'"
    "   AND p.what = 'face') AS face,"
    " sum(p.amount_minor) FILTER (WHERE p.account = 'receivable:agent'"
    "   AND p.what = 'booking-fee') AS booking,"
    " sum(p.amount_minor) FILTER (WHERE p.account = 'expense:commission') AS paid,"
    " -sum(p.amount_minor) FILTER (WHERE p.account = 'income:commission') AS earned,"
    " -sum(p.amount_minor) FILTER (WHERE p.account = 'income:service-fee') AS fee"
    " FROM journal_entry e JOIN posting p ON p.entry_id = e.id"
    " GROUP BY e.order_id, e.line_no)"
    " SELECT coalesce(t.order_id, p.order_id) AS order_id, coalesce(t.no, p.no) AS no"
    " FROM told t FULL JOIN posted p ON (p.order_id, p.no) = (t.order_id, t.no)"
    " WHERE t.order_id IS NULL OR p.order_id IS NULL"
    " OR (t.tickets, t.face, t.booking, t.paid, t.earned, t.fee) <>"
    " (coalesce(p.tickets, 0), coalesce(p.face, 0), coalesce(p.booking, 0),"
    " coalesce(p.paid, 0), coalesce(p.earned, 0), coalesce(p.fee, 0)) LIMIT 20"
)


def get_hold(
    session: Session, hold_id: UUID, *, world: str, agent_id: UUID, lock: bool = False
) -> Hold:
    """Return an agent's hold, locked if wanted; NotFoundError for any other."""
    wanted = select(Hold).where(
        Hold.id == hold_id, Hold.world == world, Hold.agent_id == agent_id
    )
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFoundError(hold_id=hold_id)
    return found


def hold_lines(session: Session, hold_ids: Sequence[UUID]) -> Sequence[HoldLine]:
    """Return the lines of holds."""
    wanted = select(HoldLine).where(HoldLine.hold_id.in_(hold_ids))
    return session.scalars(wanted.order_by(HoldLine.hold_id, HoldLine.no)).all()


def lock_due_holds(
    session: Session, *, performance_ids: Sequence[UUID] | None, most: int
) -> list[UUID]:
    """Lock holds whose time is up, of some performances or of all; skip busy ones."""
    chosen = None if performance_ids is None else list(performance_ids)
    return list(session.scalars(_DUE, {"performances": chosen, "most": most}))


def get_order(
    session: Session, order_id: UUID, *, world: str, agent_id: UUID, lock: bool = False
) -> Order:
    """Return an agent's order, locked if wanted; NotFoundError for any other."""
    wanted = select(Order).where(
        Order.id == order_id, Order.world == world, Order.agent_id == agent_id
    )
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFoundError(order_id=order_id)
    return found


def list_orders(
    session: Session,
    *,
    world: str,
    agent_id: UUID,
    reference: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Order]:
    """Return an agent's orders by id, one more than *limit*."""
    wanted = select(Order).where(Order.world == world, Order.agent_id == agent_id)
    if reference is not None:
        wanted = wanted.where(Order.reference == reference)
    if after is not None:
        wanted = wanted.where(Order.id > after)
    return session.scalars(wanted.order_by(Order.id).limit(limit + 1)).all()


def order_lines(session: Session, order_ids: Sequence[UUID]) -> Sequence[OrderLine]:
    """Return the lines of orders."""
    wanted = select(OrderLine).where(OrderLine.order_id.in_(order_ids))
    return session.scalars(wanted.order_by(OrderLine.order_id, OrderLine.no)).all()


def tickets(session: Session, order_ids: Sequence[UUID]) -> Sequence[Ticket]:
    """Return the tickets of orders."""
    wanted = select(Ticket).where(Ticket.order_id.in_(order_ids))
    return session.scalars(wanted.order_by(Ticket.order_id, Ticket.id)).all()


def broken_laws(session: Session) -> list[dict[str, Any]]:
    """Return facts that break a law of the sale: tickets, states, postings."""
    checks = {
        "a line has a ticket for each of its quantity": _LINES_LAW,
        "an order's state is what its tickets say": _STATE_LAW,
        "an order comes from a confirmed hold of the same agent": _HOLD_LAW,
        "postings are what the order lines say": _POSTED_LAW,
    }
    return [
        {"law": law} | {name: str(value) for name, value in row._mapping.items()}  # noqa: SLF001 - documented
        for law, query in checks.items()
        for row in session.execute(query)
    ]
