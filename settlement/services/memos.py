"""Debit and credit memos: one corrects a closed statement, another issues it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.kernel.ids import new_id
from partners.models import Contract
from settlement.errors import (
    MemoFloorError,
    MemoReasonError,
    MemoWindowError,
    StatementStateError,
)
from settlement.models import Memo, Statement, StatementLine
from settlement.queries.terms import widest_terms
from settlement.rules import events
from settlement.rules.events import Contracted, legs
from settlement.rules.statements import SETTLED
from settlement.services.movements import OWN, Booking, book, tag
from settlement.services.statements import draw_number, lock, refuse_own_work

_DISPUTED_STILL = text(
    "UPDATE dispute SET state = 'open', memo_id = NULL, decided_by = NULL,"
    " decided_at = NULL, decision = NULL WHERE memo_id = :memo"
)
PROPOSED, ISSUED, REJECTED = "proposed", "issued", "rejected"


def propose_memo(
    session: Session, who: Caller, statement_id: UUID, wanted: dict[str, Any]
) -> Memo:
    """Propose a memo on a closed statement, or on a line of it.

    *wanted*: kind, corrects, reason, note, amount_minor, tax_minor, line. The terms
    valid now say for which reasons, from what amount, and how long after the month.
    """
    statement = lock(session, who, statement_id)
    if statement.state not in SETTLED:
        raise StatementStateError(state=statement.state, wanted="closed or paid")
    line = wanted.get("line")
    if line is not None and session.get(StatementLine, (statement_id, line)) is None:
        raise NotFoundError(line=line)
    if wanted["tax_minor"] > wanted["amount_minor"]:
        raise InvalidRequestError(field="tax_minor", reason="is more than the amount")
    now = clock.now(session, who.world)
    _refuse_outside(session, statement, wanted, now)
    memo = Memo(
        id=new_id(),
        world=statement.world,
        legal_entity=statement.legal_entity,
        contract_id=statement.contract_id,
        statement_id=statement_id,
        state=PROPOSED,
        proposed_by=who.credential_id,
        proposed_at=now,
        **wanted,
    )
    session.add(memo)
    session.flush()
    return memo


def _refuse_outside(
    session: Session, statement: Statement, wanted: dict[str, Any], now: datetime
) -> None:
    """Raise why the terms do not allow a memo: its reason, its amount, or the time."""
    contract = session.get_one(Contract, statement.contract_id)
    agreed = widest_terms(session, contract, statement.side, at=now).clauses.memos
    if wanted["reason"] not in agreed.reasons:
        raise MemoReasonError(reason=wanted["reason"], agreed=list(agreed.reasons))
    if wanted["amount_minor"] < agreed.floor_minor:
        raise MemoFloorError(
            amount_minor=wanted["amount_minor"], floor_minor=agreed.floor_minor
        )
    until = statement.ends_at + timedelta(days=agreed.window_days)
    if now >= until:
        raise MemoWindowError(period=statement.period, until=until.isoformat())


def decide_memo(
    session: Session, who: Caller, memo_id: UUID, *, is_issued: bool
) -> Memo:
    """Issue a proposed memo, or reject it; not by who proposed it (OwnWorkError).

    Issued, it is booked now, in the month that is open, and has a number drawn last in
    the live world.
    """
    memo = session.get(Memo, memo_id, with_for_update=True)
    if memo is None or memo.world != who.world:
        raise NotFoundError(memo_id=memo_id)
    if memo.state != PROPOSED:
        raise StatementStateError(state=memo.state, wanted=PROPOSED)
    refuse_own_work(session, who, memo.proposed_by)
    now = clock.now(session, who.world)
    entry_id = _booked(session, who, memo, now) if is_issued else None
    number = None
    if is_issued and memo.world == clock.LIVE:
        number = draw_number(session, memo.legal_entity)
    memo.decided_by, memo.decided_at = who.credential_id, now
    memo.entry_id, memo.number = entry_id, number
    memo.state = ISSUED if is_issued else REJECTED
    session.flush()
    if not is_issued:  # what it was to put right is disputed still
        session.execute(_DISPUTED_STILL, {"memo": memo_id})
    return memo


def _booked(session: Session, who: Caller, memo: Memo, now: datetime) -> UUID | None:
    statement = session.get_one(Statement, memo.statement_id)
    contract = session.get_one(Contract, memo.contract_id)
    origin = None
    if memo.line is not None:
        line = session.get_one(StatementLine, (memo.statement_id, memo.line))
        origin = line.entry_id
    event = msgspec.convert(
        {
            "event": "memo",
            "amount_minor": memo.amount_minor,
            "kind": memo.kind,
            "corrects": memo.corrects,
            "reason": memo.reason,
            "tax_minor": memo.tax_minor,
            "origin_period": statement.period,
            "origin_entry_id": origin and str(origin),
        },
        events.Memo,
    )
    whose = Contracted(statement.side, statement.partner_id, contract.currency)
    head = Booking(
        *(contract, statement.side, tag(event), f"{OWN}memo/{memo.id}", now),
        made_by=who.credential_id,
    )
    return book(session, head, legs(event, whose), msgspec.to_builtins(event))


def memos_of(session: Session, statement_id: UUID) -> list[Memo]:
    """Return the memos on a statement, oldest first."""
    wanted = select(Memo).where(Memo.statement_id == statement_id)
    return list(session.scalars(wanted.order_by(Memo.id)))
