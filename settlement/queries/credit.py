"""Credit as it is read: lines, alerts, sales history, ageing."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from hub.kernel.errors import NotFoundError
from partners.models import Contract
from settlement.models import Credit, CreditAlert
from settlement.rules.credit import CreditLine

_SALES = text(
    "SELECT date_trunc('month', day)::date AS month, sum(due_minor)::bigint AS minor,"
    " extract(day FROM date_trunc('month', day) + interval '1 month - 1 day')::int"
    " AS days FROM (SELECT day, due_minor FROM total WHERE contract_id = :contract"
    " UNION ALL SELECT day, due_minor FROM total_delta WHERE contract_id = :contract) d"
    " WHERE day >= CAST(:since AS date) AND day < CAST(:until AS date)"
    " GROUP BY 1, 3 ORDER BY 1"
)
_MOVED = text(
    "SELECT (e.happened_at AT TIME ZONE :zone)::date AS day,"
    " sum(p.amount_minor)::bigint AS minor FROM journal_entry e"
    " JOIN posting p ON p.entry_id = e.id AND p.account = 'receivable:agent'"
    " WHERE e.agent_contract_id = :contract"
    " GROUP BY 1, e.id HAVING sum(p.amount_minor) <> 0 ORDER BY 1"
)


def get_credit_line(session: Session, contract: Contract) -> CreditLine:
    """Return the credit line of an agent's contract; NotFoundError for a supplier's."""
    found = session.get(Credit, contract.id, populate_existing=True)
    if found is None:
        raise NotFoundError(contract_id=contract.id, reason="suppliers have no credit")
    return _line(found)


def credit_lines(session: Session, partner_id: UUID) -> list[CreditLine]:
    """Return the credit lines of an agent, one per currency."""
    wanted = select(Credit).where(Credit.partner_id == partner_id)
    return [_line(row) for row in session.scalars(wanted.order_by(Credit.currency))]


def _line(row: Credit) -> CreditLine:
    return CreditLine(
        *(row.contract_id, row.world, row.currency, row.limit_minor),
        *(row.deposit_minor, row.exposure_minor, row.reserved_minor, row.alerted_bp),
    )


def alerts(session: Session, contract_id: UUID, *, most: int) -> Sequence[CreditAlert]:
    """Return the latest alerts of a contract, newest first."""
    wanted = select(CreditAlert).where(CreditAlert.contract_id == contract_id)
    return session.scalars(wanted.order_by(CreditAlert.id.desc()).limit(most)).all()


def monthly_sales(
    session: Session, contract_id: UUID, *, since: date, until: date
) -> list[tuple[int, int]]:
    """Return (due minor units, days) of each whole month with sales in a time."""
    where = {"contract": contract_id, "since": since, "until": until}
    return [(row.minor, row.days) for row in session.execute(_SALES, where)]


def receivable_moves(session: Session, contract: Contract) -> list[tuple[date, int]]:
    """Return what moved an agent's debt, by day of the contract's zone."""
    where = {"zone": contract.zone, "contract": contract.id}
    rows: Sequence[Row[Any]] = session.execute(_MOVED, where).all()
    return [(row.day, row.minor) for row in rows]
