"""Tickets of an order as their cancellation sees them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.sales.models import Order, Ticket
from hub.sales.rules.returning import Admission

# The venue owes the money of what it has cancelled, of what has no date, and, for some
# time, of what it has moved.
_DUE = (
    " p.status <> 'scheduled' OR EXISTS (SELECT FROM notice n"
    " WHERE n.performance_id = p.id AND n.agent_id = :agent AND n.refund_until > :now"
    " AND n.made_at >= :confirmed_at)"
)
_SEEN = text(
    "SELECT t.id, s.kind, o.tickets_min,"  # noqa: S608 - our own words
    " CASE WHEN s.pair IS NOT NULL THEN ARRAY[s.area_id::text, s.row_name, s.pair] END"
    " AS pair, CASE WHEN p.is_open_dated THEN coalesce(p.ends_at, p.starts_at)"
    f" ELSE p.starts_at END AS last_at, ({_DUE}) AS is_due"
    " FROM ticket t JOIN order_line l ON (l.order_id, l.no) = (t.order_id, t.line_no)"
    " JOIN offer o ON o.id = l.offer_id JOIN performance p ON p.id = t.performance_id"
    " LEFT JOIN seat s ON s.id = t.seat_id WHERE t.order_id = :order"
)


def admissions(
    session: Session, order: Order, tickets: Sequence[Ticket], now: datetime
) -> list[Admission]:
    """Return the tickets of an order with what decides about giving them back."""
    where = {
        "order": order.id,
        "agent": order.agent_id,
        "confirmed_at": order.confirmed_at,  # what is sold later is sold as it is then
        "now": now,
    }
    seen = {row.id: row for row in session.execute(_SEEN, where)}
    found: list[Admission] = []
    for ticket in tickets:
        row = seen[ticket.id]
        pair: tuple[str, ...] | None = tuple(row.pair) if row.pair else None
        found.append(
            Admission(
                id=ticket.id,
                line_no=ticket.line_no,
                is_cancelled=ticket.cancelled_at is not None,
                is_used=ticket.used_at is not None,
                seat_kind=row.kind,
                pair=pair,
                tickets_min=row.tickets_min,
                last_at=row.last_at,
                is_due=row.is_due,
            )
        )
    return found


_OWING = text(
    "SELECT DISTINCT o.id FROM node n JOIN order_line l ON l.node_id = n.id"
    " JOIN sale_order o ON o.id = l.order_id WHERE n.performance_id = :performance"
    " AND EXISTS (SELECT FROM ticket t WHERE t.order_id = l.order_id"
    " AND t.line_no = l.no AND t.performance_id = :performance"
    " AND t.cancelled_at IS NULL AND t.used_at IS NULL) ORDER BY o.id LIMIT :most"
)


def orders_to_refund(
    session: Session, performance_id: UUID, *, most: int
) -> Sequence[UUID]:
    """Return some orders that have tickets left of a performance, unused."""
    where = {"performance": performance_id, "most": most}
    return session.scalars(_OWING, where).all()
