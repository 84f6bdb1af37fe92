"""Statements on their way: reviewed, approved, closed, paid; by different people."""

from importlib.metadata import version
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.db import unlimited
from hub.kernel.errors import NotFoundError
from hub.kernel.ids import new_id
from partners.models import Contract, Credential
from settlement.errors import (
    ChangedSinceDraftError,
    ChangedSinceReviewError,
    EarlierOpenError,
    OwnWorkError,
    StatementStateError,
)
from settlement.models import Statement
from settlement.queries.lines import Lines, carried_over, lines_of, stored_lines
from settlement.queries.running import lacking
from settlement.queries.statements import open_before
from settlement.rules import periods
from settlement.rules.statements import FORM, SETTLED
from settlement.services.drafting import DECIDED

_DRAW = text(
    "INSERT INTO document_number (legal_entity, last) VALUES (:entity, 1)"
    " ON CONFLICT (legal_entity) DO UPDATE SET last = document_number.last + 1"
    " RETURNING last"
)


def review(
    session: Session, who: Caller, statement_id: UUID, *, lines_sha256: str
) -> Statement:
    """Mark a draft as reviewed: the lines the reviewer saw are what may be closed.

    ChangedSinceDraftError when they are not the lines as they are now.
    """
    unlimited(session)
    statement = _in_state(session, who, statement_id, "draft")
    lines = current_lines(session, statement)
    found, sums = lines.told()
    if found.hex() != lines_sha256:
        raise ChangedSinceDraftError(now=found.hex())
    statement.form = FORM
    statement.totals = dict(sums)
    statement.lines_digest = found
    statement.state = "reviewed"
    statement.reviewed_by = who.credential_id
    statement.reviewed_at = clock.now(session, who.world)
    return statement


def approve(session: Session, who: Caller, statement_id: UUID) -> Statement:
    """Approve a reviewed statement; each approval has an id of its own.

    OwnWorkError for who drafted or reviewed it, ChangedSinceReviewError when its lines
    are no longer those reviewed.
    """
    unlimited(session)
    statement = _in_state(session, who, statement_id, "reviewed")
    refuse_own_work(session, who, statement.drafted_by, statement.reviewed_by)
    found, _ = current_lines(session, statement).told()
    _refuse_changed(found, statement)
    statement.approved_at = clock.now(session, who.world)
    statement.approval_id = new_id()
    statement.approved_by = who.credential_id
    statement.state = "approved"
    return statement


def reopen(session: Session, who: Caller, statement_id: UUID) -> Statement:
    """Make a statement a draft again; what is closed stays closed."""
    statement = _in_state(session, who, statement_id, "reviewed", "approved")
    statement.state = "draft"
    for name in DECIDED:
        setattr(statement, name, None)
    return statement


def close(
    session: Session, who: Caller, statement_id: UUID, *, watermark: int
) -> Statement:
    """Close an approved statement for good; the caller has passed the fence.

    ChangedSinceReviewError when its lines are no longer those reviewed. A number is
    drawn last, in the live world only, and not for a month without a single line.
    """
    unlimited(session)
    statement = closable(session, who, statement_id)
    contract = session.get_one(Contract, statement.contract_id)
    period = period_of(statement)
    earlier = open_before(session, statement)
    if earlier is not None:
        raise EarlierOpenError(stated_at=earlier.isoformat())
    if lacking(session, contract.id, statement.side, period):
        raise ChangedSinceReviewError(statement_id=statement_id)  # since it was drafted
    lines = lines_of(session, contract, statement.side, period)
    kept, sums = lines.keep(statement_id, statement.side)
    _refuse_changed(kept, statement)
    statement.totals = dict(sums)
    opening, payments = carried_over(session, contract, statement.side, period)
    statement.opening_minor, statement.payments_minor = opening, payments
    statement.closing_minor = opening + statement.totals["due_minor"] - payments
    statement.watermark = str(watermark)  # type: ignore[assignment]
    statement.code_version = version("ticket-hub")
    statement.closed_by = who.credential_id
    statement.closed_at = clock.now(session, who.world)
    if statement.world == clock.LIVE and statement.totals["lines"]:
        statement.number = draw_number(session, statement.legal_entity)
    statement.state = "closed"
    return statement


def draw_number(session: Session, legal_entity: str) -> int:
    """Draw a legal entity's next document number; without gaps, so others wait."""
    number: int = session.scalars(_DRAW, {"entity": legal_entity}).one()
    return number


def closable(session: Session, who: Caller, statement_id: UUID) -> Statement:
    """Return a statement, locked, that may be closed; or raise why not."""
    return _in_state(session, who, statement_id, "approved")


def _refuse_changed(digest: bytes, statement: Statement) -> None:
    if digest != statement.lines_digest:
        raise ChangedSinceReviewError(statement_id=statement.id)


def refuse_own_work(session: Session, who: Caller, *done_by: UUID | None) -> None:
    """Raise OwnWorkError if one of those was the same person: holder, or name."""
    for credential_id in done_by:
        found = session.get_one(Credential, credential_id)
        if found.holder_id == who.holder_id or found.name == who.name:
            raise OwnWorkError(done_by=found.name)


def _in_state(
    session: Session, who: Caller, statement_id: UUID, *wanted: str
) -> Statement:
    statement = lock(session, who, statement_id)
    if statement.state not in wanted:
        said = " or ".join(wanted)
        raise StatementStateError(state=statement.state, wanted=said)
    return statement


def lock(session: Session, who: Caller, statement_id: UUID) -> Statement:
    """Return a statement of the caller's world, locked; NotFoundError if none."""
    found = session.get(Statement, statement_id, with_for_update=True)
    if found is None or found.world != who.world:
        raise NotFoundError(statement_id=statement_id)
    return found


def period_of(statement: Statement) -> periods.Period:
    """Return the period of a statement."""
    return periods.Period(statement.period, statement.starts_at, statement.ends_at)


def current_lines(session: Session, statement: Statement) -> Lines:
    """Return the lines of a statement as the journal has them now."""
    contract = session.get_one(Contract, statement.contract_id)
    return lines_of(session, contract, statement.side, period_of(statement))


def shown_lines(session: Session, statement: Statement) -> Lines:
    """Return a statement's lines: as they were closed, or else as they are now."""
    if statement.state in SETTLED:
        return stored_lines(session, statement.id)
    return current_lines(session, statement)
