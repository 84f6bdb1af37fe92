"""Disputes: a line is not payable while it is open; the rest of the statement is."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.kernel.ids import new_id
from settlement.errors import DisputedError, StatementStateError
from settlement.models import Dispute, StatementLine
from settlement.services.memos import propose_memo
from settlement.services.statements import lock

OPEN, UPHELD, DISMISSED = "open", "upheld", "rejected"


def open_dispute(
    session: Session, who: Caller, statement_id: UUID, *, line: int, reason: str
) -> Dispute:
    """Dispute a line of a closed statement that is not paid yet; once at a time.

    NotFoundError for a statement that is not the partner's, or has no such line.
    """
    statement = lock(session, who, statement_id)
    if who.partner_id not in {None, statement.partner_id}:
        raise NotFoundError(statement_id=statement_id)
    if statement.state != "closed":
        raise StatementStateError(state=statement.state, wanted="closed")
    if statement.paid_minor:
        raise StatementStateError(state="paid in part", wanted="closed")
    if session.get(StatementLine, (statement_id, line)) is None:
        raise NotFoundError(line=line)
    found = Dispute(
        id=new_id(),
        world=statement.world,
        statement_id=statement_id,
        line=line,
        reason=reason,
        state=OPEN,
        opened_by=who.credential_id,
        opened_at=clock.now(session, who.world),
    )
    try:
        with session.begin_nested():
            session.add(found)
    except IntegrityError:
        raise DisputedError(line=line) from None
    return found


def decide_dispute(
    session: Session,
    who: Caller,
    dispute_id: UUID,
    *,
    decision: str,
    memo: dict[str, Any] | None,
) -> Dispute:
    """Reject a dispute, or uphold it with the memo that puts things right.

    The memo is proposed on the line; somebody else issues it.
    """
    found = session.get(Dispute, dispute_id, with_for_update=True)
    if found is None or found.world != who.world:
        raise NotFoundError(dispute_id=dispute_id)
    if found.state != OPEN:
        raise StatementStateError(state=found.state, wanted=OPEN)
    now = clock.now(session, who.world)
    memo_id = None
    if memo is not None:
        wanted = memo | {"line": found.line}
        memo_id = propose_memo(session, who, found.statement_id, wanted).id
    found.decided_by, found.decided_at = who.credential_id, now
    found.decision, found.memo_id = decision, memo_id
    found.state = DISMISSED if memo_id is None else UPHELD
    session.flush()
    return found


def disputes_of(session: Session, statement_id: UUID) -> list[Dispute]:
    """Return the disputes on a statement, oldest first."""
    wanted = select(Dispute).where(Dispute.statement_id == statement_id)
    return list(session.scalars(wanted.order_by(Dispute.id)))
