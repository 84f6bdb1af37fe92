"""The postings of what happens to money alone: a pure function of the event."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.kernel.money import rated, split
from settlement.rules import accounts as to
from settlement.rules.events.records import (
    Chargeback,
    Deposit,
    DepositApplied,
    DepositReturned,
    Event,
    ForeignRemittance,
    Guarantee,
    Memo,
    Netted,
    Payout,
    PayoutMatched,
    PspPayout,
    Purchase,
    Reclassified,
    RefundPaid,
    Release,
    Remittance,
    ReserveReleased,
    SharePaid,
    TaxRounded,
    Unsold,
)
from settlement.rules.exchange import converted
from settlement.rules.facts import Leg


@dataclass(frozen=True, slots=True)
class Contracted:
    """Whose contract an event is of: side, partner, currency."""

    side: str
    partner_id: UUID
    currency: str

    @property
    def receivable(self) -> str:
        """The account of what the partner owes."""
        is_agent = self.side == "agent"
        return to.RECEIVABLE_AGENT if is_agent else to.RECEIVABLE_SUPPLIER

    @property
    def payable(self) -> str:
        """The account of what the partner is owed."""
        return to.PAYABLE_AGENT if self.side == "agent" else to.PAYABLE_SUPPLIER


_PAIRS: dict[type[Event], tuple[str, str]] = {
    Deposit: (to.BANK, to.DEPOSIT_AGENT),
    DepositApplied: (to.DEPOSIT_AGENT, to.RECEIVABLE_AGENT),
    DepositReturned: (to.DEPOSIT_AGENT, to.BANK),
    Remittance: (to.BANK, "receivable"),
    Payout: ("payable", to.IN_TRANSIT),
    PayoutMatched: (to.IN_TRANSIT, to.BANK),
    RefundPaid: (to.BUYER_REFUND, to.PSP),
    Release: (to.DEFERRED_SUPPLIER, to.PAYABLE_SUPPLIER),
    ReserveReleased: (to.RESERVE_SUPPLIER, to.PAYABLE_SUPPLIER),
    Purchase: (to.INVENTORY, to.PAYABLE_SUPPLIER),
    Unsold: (to.EXPENSE_GUARANTEE, to.INVENTORY),
    Reclassified: (to.RECEIVABLE_SUPPLIER, to.PAYABLE_SUPPLIER),
}
_AGENT_ONLY = (Deposit, DepositApplied, DepositReturned)
_SUPPLIER_ONLY = (Release, ReserveReleased, Purchase, Unsold, Reclassified)
_SHARES = {"special-fund": to.SPECIAL_FUND, "tax": to.BOX_OFFICE_TAX}


def side_of(event: Event) -> str | None:
    """Return which side's contract an event needs; None if either will do."""
    if isinstance(event, _AGENT_ONLY):
        return "agent"
    return "supplier" if isinstance(event, (*_SUPPLIER_ONLY, SharePaid)) else None


def legs(event: Event, whose: Contracted) -> list[Leg]:
    """Return the postings of an event: debit positive, zero per currency."""
    build = _BUILDERS.get(type(event), _pair)
    found = build(event, whose)
    return [leg for leg in found if leg.amount_minor]


def _leg(whose: Contracted, account: str, what: str, minor: int) -> Leg:
    """Make a leg; accounts named for a side are the partner's own."""
    named = {"receivable": whose.receivable, "payable": whose.payable}
    code = named.get(account, account)
    is_theirs = code.endswith((":agent", ":supplier", ":deferred", ":reserve"))
    party = whose.partner_id if is_theirs else None
    return Leg(code, party, what, whose.currency, minor)


def _pair(event: Any, whose: Contracted) -> Iterator[Leg]:
    debit, credit = _PAIRS[type(event)]
    what = type(event).__struct_config__.tag
    yield _leg(whose, debit, what, event.amount_minor)
    yield _leg(whose, credit, what, -event.amount_minor)


def _guarantee(event: Guarantee, whose: Contracted) -> Iterator[Leg]:
    if whose.side == "agent":
        yield _leg(whose, "receivable", "guarantee", event.amount_minor)
        yield _leg(whose, to.INCOME_GUARANTEE, "guarantee", -event.amount_minor)
    else:
        yield _leg(whose, to.EXPENSE_GUARANTEE, "guarantee", event.amount_minor)
        yield _leg(whose, "payable", "guarantee", -event.amount_minor)


def _psp_payout(event: PspPayout, whose: Contracted) -> Iterator[Leg]:
    what = "psp-payout"
    yield _leg(whose, to.BANK, what, event.amount_minor - event.fee_minor)
    yield _leg(whose, to.EXPENSE_PSP, what, event.fee_minor)
    yield _leg(whose, to.PSP, what, -event.amount_minor)


def _share_paid(event: SharePaid, whose: Contracted) -> Iterator[Leg]:
    what = f"share:{event.holder}"
    account = _SHARES.get(event.holder, to.PAYABLE_SHARE)
    yield _leg(whose, account, what, event.amount_minor)
    yield _leg(whose, to.IN_TRANSIT, what, -event.amount_minor)


def _foreign(event: ForeignRemittance, whose: Contracted) -> Iterator[Leg]:
    """Settle through trading accounts: each currency sums to zero by itself."""
    what, other = "foreign-remittance", event.paid_currency
    held = position(other, whose.currency)
    at_rate = converted(event.amount_minor, whose.currency, other, event.rate)
    spread = rated(at_rate, event.spread)
    yield Leg(to.BANK, None, what, other, at_rate + spread)
    yield Leg(to.TRADING, None, held, other, -at_rate)
    yield Leg(to.INCOME_SPREAD, None, "spread", other, -spread)
    yield _leg(whose, to.TRADING, held, event.amount_minor)
    yield _leg(whose, "receivable", what, -event.amount_minor)


def position(currency: str, home: str) -> str:
    """Return what trading legs of a foreign currency against another are for."""
    return f"fx:{currency}/{home}"


def _chargeback(event: Chargeback, whose: Contracted) -> Iterator[Leg]:
    sign = -1 if event.is_reversal else 1
    for what, minor, bearers in (
        ("chargeback", event.amount_minor, event.amount_by),
        ("chargeback-cost", event.cost_minor, event.cost_by),
    ):
        weights: dict[str, int] = {bearer.party: bearer.weight for bearer in bearers}
        for party, part in split(minor, weights).items():
            theirs = "receivable" if whose.side == "agent" else "payable"
            account = theirs if party == "partner" else to.EXPENSE_CHARGEBACK
            yield _leg(whose, account, what, sign * part)
        yield _leg(whose, to.PSP, what, -sign * minor)


def _netted(event: Netted, whose: Contracted) -> Iterator[Leg]:
    yield _leg(whose, "receivable", "netted", event.to_receivable_minor)
    yield _leg(whose, "payable", "netted", -event.to_receivable_minor)


_CORRECTED = {
    ("agent", "commission"): (to.EXPENSE_COMMISSION, to.TAX_INPUT),
    ("supplier", "commission"): (to.INCOME_COMMISSION, to.TAX_OUTPUT),
    ("agent", "service-fee"): (to.INCOME_SERVICE_FEE, to.TAX_OUTPUT),
    ("supplier", "service-fee"): (to.INCOME_SERVICE_FEE, to.TAX_OUTPUT),
}
_OTHERWISE = {
    "debit": (to.INCOME_ADJUSTMENT, to.TAX_OUTPUT),
    "credit": (to.EXPENSE_ADJUSTMENT, to.TAX_OUTPUT),
}


def _memo(event: Memo, whose: Contracted) -> Iterator[Leg]:
    """Put it where what it corrects was; a supplier's is netted with what it is due."""
    sign = 1 if event.kind == "debit" else -1
    what = "memo" if event.corrects == "other" else event.corrects
    theirs = "receivable" if whose.side == "agent" else "payable"
    account, tax = _CORRECTED.get((whose.side, event.corrects), _OTHERWISE[event.kind])
    yield _leg(whose, theirs, what, sign * event.amount_minor)
    yield _leg(whose, account, what, -sign * (event.amount_minor - event.tax_minor))
    yield _leg(whose, tax, what, -sign * event.tax_minor)


def _tax_rounded(event: TaxRounded, whose: Contracted) -> Iterator[Leg]:
    what, more = "tax-rounded", event.more_minor
    if event.seller == "hub":
        yield _leg(whose, to.INCOME_ADJUSTMENT, what, more)
        yield _leg(whose, to.TAX_OUTPUT, what, -more)
    else:
        yield _leg(whose, to.TAX_INPUT, what, more)
        yield _leg(whose, to.EXPENSE_ADJUSTMENT, what, -more)


@dataclass(frozen=True, slots=True)
class Charge:
    """A bill as its terms price it: gross, tax in it, what the partner withholds."""

    kind: str
    name: str
    gross_minor: int
    tax_minor: int
    withheld_minor: int


_INCOMES = {
    "advertising": to.INCOME_ADVERTISING,
    "value-added": to.INCOME_VALUE_ADDED,
    "service": to.INCOME_SERVICE_FEE,
}


def bill_legs(charge: Charge, whose: Contracted) -> list[Leg]:
    """Return the postings of a billable line: income by kind, tax, withholding."""
    what = f"{charge.kind}:{charge.name}"
    net = charge.gross_minor - charge.tax_minor
    due = charge.gross_minor - charge.withheld_minor
    found = (
        _leg(whose, "receivable", what, due),
        _leg(whose, to.WITHHOLDING_CLAIM, what, charge.withheld_minor),
        _leg(whose, _INCOMES[charge.kind], what, -net),
        _leg(whose, to.TAX_OUTPUT, what, -charge.tax_minor),
    )
    return [leg for leg in found if leg.amount_minor]


_BUILDERS: dict[type[Event], Callable[[Any, Contracted], Iterator[Leg]]] = {
    Guarantee: _guarantee,
    PspPayout: _psp_payout,
    SharePaid: _share_paid,
    ForeignRemittance: _foreign,
    Chargeback: _chargeback,
    Memo: _memo,
    Netted: _netted,
    TaxRounded: _tax_rounded,
}
