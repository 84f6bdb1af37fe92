"""Paying a closed statement: what is due on it, but for what is disputed."""

from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from partners.models import Contract
from settlement.errors import OtherAmountError, StatementStateError
from settlement.models import Statement
from settlement.queries.entries import balances
from settlement.queries.payable import payable
from settlement.rules.events import Contracted, Netted, Payout, Remittance, legs
from settlement.services.movements import OWN, Booking, book, record, tag
from settlement.services.statements import lock, refuse_own_work


def pay(
    session: Session,
    who: Caller,
    statement_id: UUID,
    *,
    reference: str,
    amount_minor: int,
) -> Statement:
    """Book the payment of a closed statement; paid is when nothing is left of it.

    What an agent owes comes in, what the hub owes goes out; a sum below zero the other
    way round. OwnWorkError for who approved it, OtherAmountError when it is not what
    is payable.
    """
    statement = lock(session, who, statement_id)
    if statement.state != "closed":
        raise StatementStateError(state=statement.state, wanted="closed")
    refuse_own_work(session, who, statement.approved_by or statement.closed_by)
    found = payable(session, statement)
    if amount_minor != found.minor:
        raise OtherAmountError(payable_minor=found.minor, amount_minor=amount_minor)
    now = clock.now(session, who.world)
    if amount_minor:
        _book(session, who, statement, amount_minor, reference)
    statement.paid_minor += amount_minor
    statement.paid_at, statement.paid_by = now, who.credential_id
    if not found.disputed_minor:
        statement.state = "paid"
    session.flush()
    return statement


def _book(
    session: Session, who: Caller, statement: Statement, minor: int, reference: str
) -> None:
    """Book what comes in or goes out, and net what the partner owes and is owed."""
    is_owed_to_hub = (minor > 0) == (statement.side == "agent")
    kind = Remittance if is_owed_to_hub else Payout
    contract = session.get_one(Contract, statement.contract_id)
    event = kind(amount_minor=abs(minor))
    record(session, who, contract, event=event, reference=reference)
    whose = Contracted(statement.side, statement.partner_id, contract.currency)
    held = {
        row.account: row.balance_minor
        for row in balances(session, contract)
        if row.currency == contract.currency
    }
    # An agent's account is what it owes, a supplier's what it is owed.
    emptied = whose.payable if statement.side == "agent" else whose.receivable
    left = held.get(emptied, 0)
    if not left:
        return
    to_receivable = left if statement.side == "agent" else -left
    netted = Netted(to_receivable_minor=to_receivable)
    head = Booking(
        *(contract, statement.side, tag(netted), f"{OWN}netting/{reference}"),
        clock.now(session, who.world),
        made_by=who.credential_id,
    )
    book(session, head, legs(netted, whose), msgspec.to_builtins(netted))
