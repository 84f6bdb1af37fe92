"""Statements as they are read."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.kernel.errors import NotFoundError
from settlement.models import Statement, StatementLine
from settlement.rules.statements import StatementRow

_LINE = [
    StatementLine.no,
    StatementLine.entry_id,
    StatementLine.order_id,
    StatementLine.order_line,
    StatementLine.kind,
    StatementLine.happened_at,
    StatementLine.tickets,
    StatementLine.face_minor,
    StatementLine.booking_fee_minor,
    StatementLine.service_fee_minor,
    StatementLine.commission_minor,
    StatementLine.other_minor,
    StatementLine.due_minor,
]


def get_statement(
    session: Session, statement_id: UUID, *, world: str, partner_id: UUID | None
) -> Statement:
    """Return a statement: a partner's own once closed, or for finance any."""
    found = session.get(Statement, statement_id)
    is_theirs = partner_id is None or (
        found is not None and found.partner_id == partner_id and found.state == "closed"
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
            Statement.partner_id == partner_id, Statement.state == "closed"
        )
    if period is not None:
        wanted = wanted.where(Statement.period == period)
    if after is not None:
        wanted = wanted.where(Statement.id > after)
    return session.scalars(wanted.order_by(Statement.id).limit(limit + 1)).all()


def of_period(session: Session, *, world: str, period: str) -> Sequence[Statement]:
    """Return the statements of a period, in a fixed order."""
    wanted = select(Statement).where(
        Statement.world == world, Statement.period == period
    )
    return session.scalars(wanted.order_by(Statement.id)).all()


def stored_rows(session: Session, statement_id: UUID) -> list[StatementRow]:
    """Return the lines of a closed statement as they were when it was closed."""
    wanted = select(*_LINE).where(StatementLine.statement_id == statement_id)
    rows = session.execute(wanted.order_by(StatementLine.no)).mappings()
    return [StatementRow(**row) for row in rows]
