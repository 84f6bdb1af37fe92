"""Drafting a month: what running totals lack is posted, then each contract is told."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.db import unlimited
from hub.kernel.ids import new_id
from hub.kernel.pools import each_of
from partners.models import Contract
from partners.queries import contracts_with_partners
from settlement.errors import PeriodOpenError
from settlement.models import Statement
from settlement.queries.lines import lines_of
from settlement.queries.statements import is_later_closed
from settlement.rules import periods
from settlement.rules.statements import FORM, SETTLED
from settlement.services.fencing import fence
from settlement.services.true_ups import Settling, true_up

# What a draft has not gone through yet, or not again.
DECIDED = (
    *("reviewed_by", "reviewed_at", "approved_by", "approved_at", "approval_id"),
)
_HAS_TERMS = text(
    "SELECT EXISTS (SELECT FROM terms WHERE contract_id = :contract"
    " AND valid && tstzrange(:starts, :ends))"
)


def draft_period(
    transaction: Callable[[], AbstractContextManager[Session]],
    who: Caller,
    period: str,
    *,
    at_once: int = 1,
    on_contract: Callable[[int, int], object] = lambda _, __: None,
) -> list[UUID]:
    """Draft, or draft again, every statement of a month that is not closed yet.

    What running totals and guarantees of the month lack is posted first, each
    contract's in a transaction of its own: agents go on selling meanwhile. A contract
    without terms or sales in the month has no statement. PeriodOpenError when the
    month has not ended in one of the contracts' zones. *on_contract* hears how many
    contracts have been drafted, and how many there are.
    """
    settling = _to_settle(transaction, who, period)
    fence(transaction)  # what is sold in the month's last moment counts
    drafted = []

    def work(one: Settling) -> UUID | None:
        with transaction() as session:
            unlimited(session)
            if not _settle(session, one):
                return None
        with transaction() as session:
            unlimited(session)
            return _draft(session, who, one)

    for no, made in enumerate(each_of(settling, work, at_once=at_once), start=1):
        on_contract(no, len(settling))
        if made is not None:
            drafted.append(made)
    return drafted


def _to_settle(
    transaction: Callable[[], AbstractContextManager[Session]], who: Caller, period: str
) -> list[Settling]:
    """Return the contracts of a world with their month, if that has ended for all."""
    periods.month(period, "UTC")  # what is no month is said even without contracts
    with transaction() as session:
        settling = _settling(session, who.world, period)
        now = clock.now(session, who.world)
    for one in settling:
        if now < one.period.ends_at:
            ends_at = one.period.ends_at.isoformat()
            raise PeriodOpenError(period=period, ends_at=ends_at)
    return settling


def not_drafted(session: Session, world: str, period: str) -> int:
    """Return how many contracts with terms in a month have no statement of it."""
    return sum(
        _has_terms(session, one.contract, one.period)
        and _find(session, one) is None
        and not is_later_closed(session, one.contract.id, one.period.ends_at)
        for one in _settling(session, world, period)
    )


def _settling(session: Session, world: str, period: str) -> list[Settling]:
    return [
        Settling(contract, partner.kind, periods.month(period, contract.zone))
        for contract, partner in contracts_with_partners(session, world=world)
    ]


def _settle(session: Session, settling: Settling) -> bool:
    """Post what a contract's totals lack, unless its month is closed.

    False if it had nothing to state when a later month was closed.
    """
    if is_later_closed(session, settling.contract.id, settling.period.ends_at):
        return _find(session, settling) is not None
    if not _is_closed(session, settling):
        true_up(session, settling)
    return True


def _is_closed(session: Session, settling: Settling) -> bool:
    found = _find(session, settling)
    return found is not None and found.state in SETTLED


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
    if found is not None and found.state in SETTLED:
        return found.id
    lines = lines_of(session, contract, side, period)
    made, sums = lines.told()
    if found is not None and (found.form, found.lines_digest) == (FORM, made):
        return found.id  # as it was drafted, or as far as it has come since
    if not sums["lines"] and not _has_terms(session, contract, period):
        return None
    now = clock.now(session, who.world)
    said = {"totals": sums, "lines_digest": made, "drafted_at": now}
    values = _drafted(who, settling) | said
    drafted = insert(Statement).values(
        id=new_id(), contract_id=contract.id, period=period.name, **values
    )
    upsert = drafted.on_conflict_do_update(
        index_elements=["contract_id", "period"], set_=values
    )
    return session.scalars(upsert.returning(Statement.id)).one()


def _drafted(who: Caller, settling: Settling) -> dict[str, Any]:
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
        "drafted_by": who.credential_id,
        **dict.fromkeys(DECIDED),
    }


def _has_terms(session: Session, contract: Contract, period: periods.Period) -> bool:
    where = {"starts": period.starts_at, "ends": period.ends_at}
    return bool(session.scalar(_HAS_TERMS, {"contract": contract.id, **where}))
