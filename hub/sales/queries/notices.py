"""Notices of what was disrupted, and refund runs, as they are listed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from hub.kernel.callers import Caller, Kind
from hub.kernel.errors import NotFoundError
from hub.sales.models import RefundRun

_STATES = {
    "open": "n.acknowledged_at IS NULL",
    "overdue": "n.acknowledged_at IS NULL AND n.acknowledge_by <= :now",
    "acknowledged": "n.acknowledged_at IS NOT NULL",
    None: "true",
}
_NOTICES = (
    "SELECT n.id, a.ref AS agent, n.performance_id, d.kind, d.starts_at_before,"
    " d.starts_at, n.tickets, n.made_at, n.acknowledge_by, n.refund_until,"
    " n.acknowledged_at FROM notice n JOIN disruption d ON d.seq = n.disruption_seq"
    " JOIN partner a ON a.id = n.agent_id JOIN performance p ON p.id = n.performance_id"
    " WHERE n.world = :world AND (CAST(:id AS uuid) IS NULL OR n.id = :id)"
    " AND (CAST(:agent AS uuid) IS NULL OR n.agent_id = :agent)"
    " AND (CAST(:supplier AS uuid) IS NULL OR p.supplier_id = :supplier)"
    " AND (CAST(:performance AS uuid) IS NULL OR n.performance_id = :performance)"
    " AND (CAST(:after AS uuid) IS NULL OR n.id > :after)"
)
_BY_STATE = {
    state: text(f"{_NOTICES} AND {where} ORDER BY n.id LIMIT :most")
    for state, where in _STATES.items()
}


def notices(
    session: Session,
    who: Caller,
    *,
    now: datetime,
    most: int,
    state: str | None = None,
    notice_id: UUID | None = None,
    performance_id: UUID | None = None,
    after: UUID | None = None,
) -> Sequence[Row[Any]]:
    """Return an agent's notices, or those of a supplier's performances, or all."""
    where = {
        "world": who.world,
        "agent": who.partner_id if who.kind is Kind.AGENT else None,
        "supplier": who.partner_id if who.kind is Kind.SUPPLIER else None,
        "id": notice_id,
        "performance": performance_id,
        "after": after,
        "now": now,
        "most": most,
    }
    return session.execute(_BY_STATE[state], where).all()


def get_refund_run(session: Session, who: Caller, run_id: UUID) -> RefundRun:
    """Return a refund run, a supplier's own or any; NotFoundError for any other."""
    own = text(
        "EXISTS (SELECT FROM performance p WHERE p.id = refund_run.performance_id"
        " AND (CAST(:supplier AS uuid) IS NULL OR p.supplier_id = :supplier))"
    ).bindparams(supplier=who.partner_id)
    wanted = select(RefundRun).where(
        RefundRun.id == run_id, RefundRun.world == who.world, own
    )
    found = session.scalar(wanted)
    if found is None:
        raise NotFoundError(refund_run_id=run_id)
    return found
