"""Booking what happens to money alone: each under a reference, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.db import take_turns
from hub.kernel.errors import InvalidRequestError
from hub.kernel.money import is_currency, rated
from partners.models import Contract, Partner
from settlement.errors import (
    DepositShortError,
    NotBilledError,
    NotItsSideError,
    NotKeptBackError,
    ReferenceUsedError,
)
from settlement.models import MEASURES
from settlement.queries.kept import kept_back
from settlement.queries.terms import tax_book, valid_terms
from settlement.rules.accounts import (
    DEFERRED_SUPPLIER,
    DEPOSIT_AGENT,
    RESERVE_SUPPLIER,
)
from settlement.rules.adding import Added
from settlement.rules.events import (
    Bill,
    Charge,
    Contracted,
    DepositApplied,
    DepositReturned,
    Event,
    ForeignRemittance,
    Release,
    ReserveReleased,
    bill_legs,
    legs,
    side_of,
)
from settlement.rules.facts import Leg
from settlement.rules.statements import STATED, seen_by
from settlement.services.credit import Move, lock_credit, move_credit
from settlement.services.journal import add_totals, debt, post_event

NO_TERMS = UUID(int=0)
RELEASES = {"release": DEFERRED_SUPPLIER, "reserve-released": RESERVE_SUPPLIER}
OWN = "hub:"  # references of what the hub books by itself begin so


@dataclass(frozen=True, slots=True)
class Booking:
    """An entry to be made under a contract: what, when, and in whose name."""

    contract: Contract
    side: str
    kind: str
    reference: str
    at: datetime
    made_by: UUID | None = None
    terms_id: UUID = NO_TERMS
    bucket: str = ""
    accrued_minor: int = 0


def record(
    session: Session, who: Caller, contract: Contract, *, event: Event, reference: str
) -> dict[str, Any]:
    """Book an event under a contract; return the entry with its postings.

    NotItsSideError for an event of the other kind of contract, ReferenceUsedError
    for a repeat, DepositShortError, NotKeptBackError, NotBilledError when the terms
    price no such thing.
    """
    side = session.get_one(Partner, contract.partner_id).kind
    _refuse(session, contract, side, event, reference)
    whose = Contracted(side, contract.partner_id, contract.currency)
    now = clock.now(session, who.world)
    detail, terms_id = msgspec.to_builtins(event), NO_TERMS
    if isinstance(event, Bill):
        charge, terms_id = _priced(session, contract, side, event, now)
        made = bill_legs(charge, whose)
        detail |= {"charge": msgspec.to_builtins(charge), "terms_id": str(terms_id)}
    else:
        made = legs(event, whose)
    booking = Booking(
        *(contract, side, tag(event), reference, now, who.credential_id, terms_id)
    )
    entry_id = book(session, booking, made, detail)
    if entry_id is None:
        raise ReferenceUsedError(event=tag(event), reference=reference)
    return {
        "id": entry_id,
        "kind": tag(event),
        "reference": reference,
        "happened_at": now,
        "detail": detail,
        "postings": made,
    }


def _refuse(
    session: Session, contract: Contract, side: str, event: Event, reference: str
) -> None:
    """Raise why an event cannot be booked; what it takes from is locked by then."""
    if reference.startswith(OWN):
        raise InvalidRequestError(field="reference", reason=f"{OWN} is the hub's own")
    if side_of(event) not in {None, side}:
        raise NotItsSideError(event=tag(event), side=side)
    if isinstance(event, ForeignRemittance):
        if not is_currency(event.paid_currency):
            raise InvalidRequestError(field="paid_currency", reason="not of ISO 4217")
        if event.paid_currency == contract.currency:
            raise InvalidRequestError(field="paid_currency", reason="is not foreign")
    if isinstance(event, DepositApplied | DepositReturned):
        deposit = lock_credit(session, [contract.id])[contract.id].deposit_minor
        if event.amount_minor > deposit:
            raise DepositShortError(deposit_minor=deposit, wanted=event.amount_minor)
    if isinstance(event, Release | ReserveReleased):
        take_turns(session, f"release/{contract.id}")
        account = RELEASES[tag(event)]
        kept = kept_back(session, contract.id, event.performance_id, account)
        if event.amount_minor > kept:
            raise NotKeptBackError(kept_minor=kept, wanted=event.amount_minor)


def tag(event: Event) -> str:
    """Return what an event is called."""
    return str(type(event).__struct_config__.tag)


def book(
    session: Session, booking: Booking, made: Sequence[Leg], detail: dict[str, Any]
) -> UUID | None:
    """Post an entry of money alone, with what it adds to credit and totals.

    None if its kind has the reference already; the credit is locked here.
    """
    contract = booking.contract
    is_agent = booking.side == "agent"
    entry = {
        "world": contract.world,
        "entity": contract.legal_entity,
        "kind": booking.kind,
        "at": booking.at,
        "supplier": None if is_agent else contract.id,
        "agent": contract.id if is_agent else None,
        "reference": booking.reference,
        "made_by": booking.made_by,
    }
    entry_id = post_event(session, made, entry=entry, detail=detail)
    if entry_id is None:
        return None
    if booking.kind in STATED:
        add_totals(
            session, contract.world, contract.legal_entity, [_added(booking, made)]
        )
    deposit = -sum(leg.amount_minor for leg in made if leg.account == DEPOSIT_AGENT)
    move_credit(session, {contract.id: Move(deposit=deposit, exposure=debt(made))})
    return entry_id


def _added(booking: Booking, made: Sequence[Leg]) -> Added:
    contract = booking.contract
    measures = dict.fromkeys(MEASURES, 0) | seen_by(made)[booking.side]
    measures["accrued_minor"] = booking.accrued_minor
    day = booking.at.astimezone(ZoneInfo(contract.zone)).date()
    return Added(str(contract.id), str(booking.terms_id), day, booking.bucket, measures)


def bill_price(session: Session, contract: Contract, bill: Bill, at: datetime) -> int:
    """Return what an agent would be billed, tax included; NotBilledError if nothing."""
    side = session.get_one(Partner, contract.partner_id).kind
    return _priced(session, contract, side, bill, at)[0].gross_minor


def _priced(
    session: Session, contract: Contract, side: str, bill: Bill, at: datetime
) -> tuple[Charge, UUID]:
    """Price a bill by the terms valid now; the most specific that name it decide."""
    found = [
        (terms, priced)
        for terms in valid_terms(session, contract, side, at=at)
        for priced in terms.clauses.billables
        if priced.name == bill.name
    ]
    if not found:
        raise NotBilledError(name=bill.name)
    terms, priced = max(found, key=lambda pair: pair[0].scope.specificity)
    clauses, day = terms.clauses, at.astimezone(ZoneInfo(contract.zone)).date()
    taxed = tax_book(session, contract.legal_entity).taxed(
        priced.unit_minor * bill.units, clauses.taxes.billable, day, clauses.rounding
    )
    net = taxed.gross_minor - taxed.tax_minor
    withheld = sum(
        rated(net, clause.rate)
        for clause in clauses.withholding
        if clause.leg == "billable" and net >= clause.from_minor
    )
    charge = Charge(
        *(priced.kind, bill.name, taxed.gross_minor, taxed.tax_minor, withheld)
    )
    return charge, UUID(terms.terms_id)
