"""Paying a closed statement: what is due on it, but for what is disputed."""

from uuid import UUID

from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from partners.models import Contract
from settlement.errors import OtherAmountError, StatementStateError
from settlement.models import Statement
from settlement.rules.events import Payout, Remittance
from settlement.services.disputes import disputed_minor
from settlement.services.movements import record
from settlement.services.statements import lock, refuse_own_work


def payable_minor(session: Session, statement: Statement) -> int:
    """Return what is to be paid on a statement, as its side says it."""
    due: int = statement.totals["due_minor"]
    return due - disputed_minor(session, statement)


def pay(
    session: Session,
    who: Caller,
    statement_id: UUID,
    *,
    reference: str,
    amount_minor: int,
) -> Statement:
    """Book the payment of a closed statement, and mark it as paid.

    What an agent owes comes in, what the hub owes goes out; a sum below zero the other
    way round. OwnWorkError for who approved it, OtherAmountError when it is not what
    is payable.
    """
    statement = lock(session, who, statement_id)
    if statement.state != "closed":
        raise StatementStateError(state=statement.state, wanted="closed")
    refuse_own_work(session, who, statement.approved_by or statement.closed_by)
    payable = payable_minor(session, statement)
    if amount_minor != payable:
        raise OtherAmountError(payable_minor=payable, amount_minor=amount_minor)
    is_owed_to_hub = (payable > 0) == (statement.side == "agent")
    if payable:
        kind = Remittance if is_owed_to_hub else Payout
        contract = session.get_one(Contract, statement.contract_id)
        event = kind(amount_minor=abs(payable))
        record(session, who, contract, event=event, reference=reference)
    statement.paid_at = clock.now(session, who.world)
    statement.paid_by = who.credential_id
    statement.state = "paid"
    return statement
