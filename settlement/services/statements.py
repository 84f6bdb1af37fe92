"""Statements: draft, review, close; two people, and then immutable."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from importlib.metadata import version
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.kernel.ids import new_id
from partners.models import Contract, Credential
from partners.queries import contracts_with_partners
from settlement.errors import (
    ChangedSinceDraftError,
    ChangedSinceReviewError,
    ClosingWaitsError,
    OwnWorkError,
    PeriodOpenError,
    StatementStateError,
)
from settlement.models import Statement, StatementLine
from settlement.queries.journal import statement_rows
from settlement.queries.statements import stored_rows
from settlement.rules import periods
from settlement.rules.statements import FORM, StatementRow, digest, totals
from settlement.services.true_ups import Settling, true_up

FENCE_TIMEOUT_S = 30.0
FENCE_POLL_S = 0.05
_MARK = text("SELECT pg_current_xact_id()::text")
_OLDEST = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
_HAS_TERMS = text(
    "SELECT EXISTS (SELECT FROM terms WHERE contract_id = :contract"
    " AND valid && tstzrange(:starts, :ends))"
)
_DRAW = text(
    "INSERT INTO document_number (legal_entity, last) VALUES (:entity, 1)"
    " ON CONFLICT (legal_entity) DO UPDATE SET last = document_number.last + 1"
    " RETURNING last"
)


def fence(
    transaction: Callable[[], AbstractContextManager[Session]],
    *,
    timeout_s: float = FENCE_TIMEOUT_S,
) -> int:
    """Wait until every transaction open at the call has ended; return the watermark.

    The watermark is a transaction id of our own: all that were open then are below
    it. ClosingWaitsError when one of them stays open past the time-out.
    """
    with transaction() as session:
        mark = int(session.scalars(_MARK).one())
    deadline = time.monotonic() + timeout_s
    while True:
        with transaction() as session:
            oldest = int(session.scalars(_OLDEST).one())
        if oldest > mark:
            return mark
        if time.monotonic() > deadline:
            raise ClosingWaitsError(waited_s=timeout_s, oldest=oldest, mark=mark)
        time.sleep(FENCE_POLL_S)


def draft_period(
    transaction: Callable[[], AbstractContextManager[Session]], who: Caller, period: str
) -> list[UUID]:
    """Draft, or draft again, every statement of a month that is not closed yet.

    What running totals and guarantees of the month lack is posted first, each
    contract's in a transaction of its own: agents go on selling meanwhile. A contract
    without terms or sales in the month has no statement. PeriodOpenError when the
    month has not ended in one of the contracts' zones.
    """
    periods.month(period, "UTC")  # what is no month is said even without contracts
    with transaction() as session:
        found = contracts_with_partners(session, world=who.world)
        now = clock.now(session, who.world)
    settling = [
        Settling(contract, partner.kind, periods.month(period, contract.zone))
        for contract, partner in found
    ]
    for one in settling:
        if now < one.period.ends_at:
            ends_at = one.period.ends_at.isoformat()
            raise PeriodOpenError(period=period, ends_at=ends_at)
    drafted = []
    for one in settling:
        with transaction() as session:
            if not _is_closed(session, one):
                true_up(session, one)
        with transaction() as session:
            drafted.append(_draft(session, who, one))
    return [statement_id for statement_id in drafted if statement_id is not None]


def _is_closed(session: Session, settling: Settling) -> bool:
    found = _find(session, settling)
    return found is not None and found.state == "closed"


def _find(session: Session, settling: Settling) -> Statement | None:
    """Return the statement of a contract's period, locked, if there is one."""
    return session.scalar(
        select(Statement)
        .where(
            Statement.contract_id == settling.contract.id,
            Statement.period == settling.period.name,
        )
        .with_for_update()
    )


def _draft(session: Session, who: Caller, settling: Settling) -> UUID | None:
    contract, side, period = settling.contract, settling.side, settling.period
    found = _find(session, settling)
    if found is not None and found.state == "closed":
        return found.id
    rows = statement_rows(session, contract, side, period)
    if found is not None and (found.form, found.lines_digest) == (FORM, digest(rows)):
        return found.id  # as it was drafted, or reviewed
    if not rows and not _has_terms(session, contract, period):
        return None
    now = clock.now(session, who.world)
    values = _drafted(who, settling, rows) | {"drafted_at": now}
    made = insert(Statement).values(
        id=new_id(), contract_id=contract.id, period=period.name, **values
    )
    upsert = made.on_conflict_do_update(
        index_elements=["contract_id", "period"], set_=values
    )
    return session.scalars(upsert.returning(Statement.id)).one()


def _drafted(
    who: Caller, settling: Settling, rows: Sequence[StatementRow]
) -> dict[str, Any]:
    contract, period = settling.contract, settling.period
    return {
        "world": who.world,
        "legal_entity": contract.legal_entity,
        "partner_id": contract.partner_id,
        "side": settling.side,
        "starts_at": period.starts_at,
        "ends_at": period.ends_at,
        "currency": contract.currency,
        "state": "draft",
        "form": FORM,
        "totals": totals(rows),
        "lines_digest": digest(rows),
        "drafted_by": who.credential_id,
        "reviewed_by": None,
        "reviewed_at": None,
    }


def _has_terms(session: Session, contract: Contract, period: periods.Period) -> bool:
    where = {"starts": period.starts_at, "ends": period.ends_at}
    return bool(session.scalar(_HAS_TERMS, {"contract": contract.id, **where}))


def review(
    session: Session, who: Caller, statement_id: UUID, *, lines_sha256: str
) -> Statement:
    """Mark a draft as reviewed: the lines the reviewer saw are what may be closed.

    ChangedSinceDraftError when they are not the lines as they are now.
    """
    statement = _lock(session, who, statement_id)
    if statement.state != "draft":
        raise StatementStateError(state=statement.state, wanted="draft")
    rows = current_rows(session, statement)
    found = digest(rows, statement.form)
    if found.hex() != lines_sha256:
        raise ChangedSinceDraftError(now=found.hex())
    statement.totals = dict(totals(rows, statement.form))
    statement.lines_digest = found
    statement.state = "reviewed"
    statement.reviewed_by = who.credential_id
    statement.reviewed_at = clock.now(session, who.world)
    return statement


def close(
    session: Session, who: Caller, statement_id: UUID, *, watermark: int
) -> Statement:
    """Close a reviewed statement for good; the caller has passed the fence.

    OwnWorkError when the reviewer closes, ChangedSinceReviewError when its lines are
    no longer those reviewed. A number is drawn last, in the live world only, and not
    for a month without a single line.
    """
    statement = closable(session, who, statement_id)
    rows = current_rows(session, statement)
    if digest(rows, statement.form) != statement.lines_digest:
        raise ChangedSinceReviewError(statement_id=statement_id)
    _keep(session, statement, rows)
    statement.watermark = str(watermark)  # type: ignore[assignment]
    statement.code_version = version("ticket-hub")
    statement.closed_by = who.credential_id
    statement.closed_at = clock.now(session, who.world)
    if statement.world == clock.LIVE and rows:
        entity = {"entity": statement.legal_entity}
        statement.number = session.scalars(_DRAW, entity).one()
    statement.state = "closed"
    return statement


def closable(session: Session, who: Caller, statement_id: UUID) -> Statement:
    """Return a statement, locked, that *who* may close; or raise why not."""
    statement = _lock(session, who, statement_id)
    if statement.state != "reviewed":
        raise StatementStateError(state=statement.state, wanted="reviewed")
    reviewer = session.get_one(Credential, statement.reviewed_by)
    if reviewer.holder_id == who.holder_id or reviewer.name == who.name:
        raise OwnWorkError(reviewed_by=reviewer.name)
    return statement


def _lock(session: Session, who: Caller, statement_id: UUID) -> Statement:
    found = session.get(Statement, statement_id, with_for_update=True)
    if found is None or found.world != who.world:
        raise NotFoundError(statement_id=statement_id)
    return found


def current_rows(session: Session, statement: Statement) -> list[StatementRow]:
    """Return the lines of a statement as the journal has them now."""
    contract = session.get_one(Contract, statement.contract_id)
    period = periods.Period(statement.period, statement.starts_at, statement.ends_at)
    return statement_rows(session, contract, statement.side, period)


def rows_of(session: Session, statement: Statement) -> list[StatementRow]:
    """Return a statement's lines: as they were closed, or else as they are now."""
    if statement.state == "closed":
        return stored_rows(session, statement.id)
    return current_rows(session, statement)


def _keep(session: Session, statement: Statement, rows: Sequence[StatementRow]) -> None:
    session.flush()  # the lines refer to the statement while it is still open
    where = {"statement_id": statement.id, "side": statement.side}
    if rows:
        session.execute(insert(StatementLine), [asdict(row) | where for row in rows])
