"""Requests that wait for their supplier."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_WAITING = text(
    "SELECT h.id AS hold_id, a.ref AS agent, h.created_at AS asked_at, h.expires_at,"
    " (SELECT json_agg(json_build_object('performance_id', l.performance_id, 'area',"
    " r.ref, 'price_type', o.price_type, 'quantity', l.quantity) ORDER BY l.no)"
    " FROM hold_line l JOIN offer o ON o.id = l.offer_id JOIN performance_area pa"
    " ON pa.id = o.performance_area_id JOIN area r ON r.id = pa.area_id"
    " WHERE l.hold_id = h.id) AS lines"
    " FROM hold h JOIN partner a ON a.id = h.agent_id WHERE h.state = 'requested'"
    " AND h.world = :world AND (CAST(:after AS uuid) IS NULL OR h.id > :after)"
    " AND EXISTS (SELECT FROM hold_line l JOIN performance p ON p.id = l.performance_id"
    " WHERE l.hold_id = h.id AND (CAST(:supplier AS uuid) IS NULL"
    " OR p.supplier_id = :supplier)) ORDER BY h.id LIMIT :most"
)


def waiting_requests(
    session: Session,
    *,
    world: str,
    supplier_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> list[Any]:
    """Return requests for a supplier's performances, or all; one more than *limit*."""
    where = {"world": world, "supplier": supplier_id, "after": after, "most": limit + 1}
    return list(session.execute(_WAITING, where))
