"""Tickets as they are printed and shown."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.tickets.rules import Printed

# Where one code lets all of an order in, they share a ticket.
_PRINTED = text(
    "SELECT t.code, count(*)::int AS admits, w.title, v.name AS venue, v.city,"
    " u.name AS auditorium, a.name AS area,"
    " string_agg(DISTINCT f.price_type, ', ' ORDER BY f.price_type) AS price_type,"
    " s.row_name AS row, s.number AS seat,"
    " string_agg(t.placement, ', ' ORDER BY t.id) AS placement,"
    " p.starts_at, p.zone, p.status,"
    " coalesce(h.name, b.name) AS holder,"
    " sum((l.face_minor + l.booking_fee_minor) / l.quantity)::bigint AS price_minor,"
    " l.currency, o.reference, g.name AS seller"
    " FROM ticket t JOIN sale_order o ON o.id = t.order_id"
    " JOIN partner g ON g.id = o.agent_id"
    " JOIN order_line l ON (l.order_id, l.no) = (t.order_id, t.line_no)"
    " JOIN offer f ON f.id = l.offer_id"
    " JOIN performance_area pa ON pa.id = f.performance_area_id"
    " JOIN area a ON a.id = pa.area_id JOIN performance p ON p.id = t.performance_id"
    " JOIN production w ON w.id = p.production_id"
    " JOIN auditorium u ON u.id = p.auditorium_id JOIN venue v ON v.id = u.venue_id"
    " LEFT JOIN seat s ON s.id = t.seat_id AND NOT t.is_shared"
    " LEFT JOIN order_person h ON h.order_id = t.order_id AND h.ticket_id = t.id"
    " AND NOT t.is_shared"
    " LEFT JOIN order_person b ON b.order_id = t.order_id AND b.no = 0"
    " AND b.id_number IS NOT NULL"
    " WHERE t.order_id = :order AND t.cancelled_at IS NULL"
    " AND p.status <> 'cancelled'"
    " AND (CAST(:ticket AS uuid) IS NULL OR t.id = :ticket)"
    " GROUP BY t.code, w.id, v.id, u.id, a.id, s.id, p.id, h.order_id, h.no,"
    " b.order_id, b.no,"
    " l.currency, o.id, g.id ORDER BY p.starts_at, a.ref, s.row_name, min(t.id::text)"
)
_CODE = text(
    "SELECT code FROM ticket WHERE order_id = :order AND id = :ticket"
    " AND cancelled_at IS NULL"
)


def printed(
    session: Session, order_id: UUID, ticket_id: UUID | None = None
) -> list[Printed]:
    """Return what an order's valid tickets say, or that one's."""
    where = {"order": order_id, "ticket": ticket_id}
    return [Printed(**row._mapping) for row in session.execute(_PRINTED, where)]  # noqa: SLF001 - documented


def code_of(session: Session, order_id: UUID, ticket_id: UUID) -> str | None:
    """Return a valid ticket's code."""
    where = {"order": order_id, "ticket": ticket_id}
    code: str | None = session.scalar(_CODE, where)
    return code


def codes_replaced(session: Session, order_id: UUID) -> int:
    """Return how many codes of an order were replaced."""
    counted = text("SELECT count(*)::int FROM former_code WHERE order_id = :order")
    return session.scalar(counted, {"order": order_id}) or 0
