"""Shipments as they are listed."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.kernel.callers import Caller, Kind
from hub.kernel.errors import NotFoundError

_SHIPMENTS = (
    "SELECT s.id, s.order_id, CASE WHEN s.dispatched_at IS NULL THEN 'waiting'"
    " ELSE 'dispatched' END AS state, m.ref AS method, s.address, s.fee_minor,"
    " s.currency, s.asked_at, s.carrier, s.tracking, s.dispatched_at FROM shipment s"
    " JOIN delivery_method m ON m.id = s.method_id JOIN sale_order o"
    " ON o.id = s.order_id WHERE s.world = :world"
)
_ONE = text(
    f"{_SHIPMENTS} AND (s.id = :shipment OR s.order_id = :order)"
    " AND (CAST(:agent AS uuid) IS NULL OR o.agent_id = :agent)"
)
_WAITING = text(
    f"{_SHIPMENTS} AND s.dispatched_at IS NULL"
    " AND (CAST(:after AS uuid) IS NULL OR s.id > :after) ORDER BY s.id LIMIT :most"
)


def get_shipment(
    session: Session,
    who: Caller,
    *,
    shipment_id: UUID | None = None,
    order_id: UUID | None = None,
) -> dict[str, Any]:
    """Return a shipment, of an agent its own; NotFoundError for any other."""
    agent = who.partner_id if who.kind is Kind.AGENT else None
    where = {"world": who.world, "shipment": shipment_id, "order": order_id}
    found = session.execute(_ONE, where | {"agent": agent}).one_or_none()
    if found is None:
        raise NotFoundError(shipment_id=shipment_id, order_id=order_id)
    return dict(found._mapping)  # noqa: SLF001 - documented


def shipments_waiting(
    session: Session, who: Caller, *, after: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Return shipments that wait, by id, one more than *limit*."""
    where = {"world": who.world, "after": after, "most": limit + 1}
    rows = session.execute(_WAITING, where)
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 - documented
