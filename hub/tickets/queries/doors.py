"""Who may enter a performance: its door list, and what a code shown there is."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

# A performance's lines are found by the nodes of its tree.
_LIST = (
    "SELECT t.id, t.code, a.ref AS area, f.price_type, s.row_name AS row,"
    " s.number AS seat, coalesce(h.name, b.name) AS holder,"
    " coalesce(h.id_type, b.id_type) AS id_type,"
    " coalesce(h.id_number, b.id_number) AS id_number, g.ref AS agent, o.reference,"
    " t.used_at, t.used_at_gate AS gate FROM node n"
    " JOIN order_line l ON l.node_id = n.id JOIN sale_order o ON o.id = l.order_id"
    " JOIN ticket t ON t.order_id = l.order_id AND t.line_no = l.no"
    " JOIN partner g ON g.id = o.agent_id JOIN offer f ON f.id = l.offer_id"
    " JOIN performance_area pa ON pa.id = f.performance_area_id"
    " JOIN area a ON a.id = pa.area_id LEFT JOIN seat s ON s.id = t.seat_id"
    " LEFT JOIN order_person h ON h.order_id = t.order_id AND h.ticket_id = t.id"
    " LEFT JOIN order_person b ON b.order_id = t.order_id AND b.no = 0"
    " AND b.id_number IS NOT NULL"
    " WHERE n.performance_id = :performance AND t.performance_id = :performance"
    " AND t.cancelled_at IS NULL"
)
_PAGE = text(
    f"{_LIST} AND (CAST(:after AS uuid) IS NULL OR t.id > :after)"
    " ORDER BY t.id LIMIT :most"
)
_ALL = text(f"{_LIST} ORDER BY a.ref, s.row_name, s.number, t.id")
_SHOWN = text(
    "SELECT t.id, t.order_id, t.code, t.performance_id, t.used_at, t.cancelled_at"
    " FROM ticket t WHERE t.code = ANY(:codes) ORDER BY t.id"
)
_FORMER = text("SELECT code FROM former_code WHERE code = ANY(:codes)")


def door_page(
    session: Session, performance_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return valid tickets of a performance by id, one more than *limit*."""
    where = {"performance": performance_id, "after": after, "most": limit + 1}
    return session.execute(_PAGE, where).all()


def door_list(session: Session, performance_id: UUID) -> Iterator[Row[Any]]:
    """Yield all valid tickets of a performance, by place."""
    where = {"performance": performance_id}
    found = session.execute(_ALL, where, execution_options={"yield_per": 2_000})
    yield from found


def shown(session: Session, codes: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """Return the tickets that have codes; several where an order shares one."""
    found: dict[str, list[Row[Any]]] = {}
    for row in session.execute(_SHOWN, {"codes": list(codes)}):
        found.setdefault(row.code, []).append(row)
    return found


def former(session: Session, codes: Sequence[str]) -> set[str]:
    """Return which codes were replaced by others."""
    return set(session.scalars(_FORMER, {"codes": list(codes)}))
