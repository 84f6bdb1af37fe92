"""Statements as they are read."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.kernel.errors import NotFoundError
from settlement.models import Statement
from settlement.rules.statements import ACCOUNTS, SETTLED, STATED


def get_statement(
    session: Session, statement_id: UUID, *, world: str, partner_id: UUID | None
) -> Statement:
    """Return a statement: a partner's own once closed, or for finance any."""
    found = session.get(Statement, statement_id)
    is_theirs = partner_id is None or (
        found is not None and found.partner_id == partner_id and found.state in SETTLED
    )
    if found is None or found.world != world or not is_theirs:
        raise NotFoundError(statement_id=statement_id)
    return found


def list_statements(
    session: Session,
    *,
    world: str,
    partner_id: UUID | None,
    period: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Statement]:
    """Return statements by id, one more than *limit*; partners see closed ones."""
    wanted = select(Statement).where(Statement.world == world)
    if partner_id is not None:
        wanted = wanted.where(
            Statement.partner_id == partner_id, Statement.state.in_(SETTLED)
        )
    if period is not None:
        wanted = wanted.where(Statement.period == period)
    if after is not None:
        wanted = wanted.where(Statement.id > after)
    return session.scalars(wanted.order_by(Statement.id).limit(limit + 1)).all()


_OPEN_BEFORE = {
    side: text(
        f"SELECT coalesce(e.{side}_stated_at, e.happened_at) AS at"  # noqa: S608 - our own words
        f" FROM journal_entry e WHERE e.{side}_contract_id = :contract"
        " AND e.kind = ANY(:kinds)"
        f" AND coalesce(e.{side}_stated_at, e.happened_at) >= (SELECT"
        " coalesce(max(s.ends_at), '-infinity') FROM statement s"
        "  WHERE s.contract_id = :contract AND s.state IN ('closed', 'paid')"
        "  AND s.ends_at <= :starts)"
        f" AND coalesce(e.{side}_stated_at, e.happened_at) < :starts"
        " UNION ALL SELECT s.starts_at FROM statement s"
        " WHERE s.contract_id = :contract AND s.ends_at <= :starts"
        " AND s.state NOT IN ('closed', 'paid') ORDER BY 1 LIMIT 1"
    )
    for side in ACCOUNTS
}
_LATER = text(
    "SELECT EXISTS (SELECT FROM statement WHERE contract_id = :contract"
    " AND state IN ('closed', 'paid') AND starts_at >= :ends)"
)


def open_before(session: Session, statement: Statement) -> datetime | None:
    """Return when something before a statement's period is stated that is not closed.

    All before the last closed period is on some statement, for they close in order.
    """
    where = {
        "contract": statement.contract_id,
        "kinds": list(STATED),
        "starts": statement.starts_at,
    }
    found: datetime | None = session.scalar(_OPEN_BEFORE[statement.side], where)
    return found


def is_later_closed(session: Session, contract_id: UUID, ends_at: datetime) -> bool:
    """Say whether a period of a contract after a moment is closed."""
    where = {"contract": contract_id, "ends": ends_at}
    return bool(session.scalar(_LATER, where))


def of_period(session: Session, *, world: str, period: str) -> Sequence[Statement]:
    """Return the statements of a period, in a fixed order."""
    wanted = select(Statement).where(
        Statement.world == world, Statement.period == period
    )
    return session.scalars(wanted.order_by(Statement.id)).all()
