"""What a line of a statement supplies: who sells what to whom, with which tax. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from settlement.rules import accounts as to
from settlement.rules.postings import CANCELLATION, Fact, Leg, legs_by_amount

HUB, PARTNER = "hub", "partner"
SELLERS = {
    to.INCOME_COMMISSION: HUB,
    to.INCOME_SERVICE_FEE: HUB,
    to.INCOME_REFUND_FEE: HUB,
    to.INCOME_ADVERTISING: HUB,
    to.INCOME_VALUE_ADDED: HUB,
    to.EXPENSE_COMMISSION: PARTNER,
}
_SIGNS = {HUB: -1, PARTNER: 1}  # income is a credit, an expense a debit
_TAXES = {to.TAX_OUTPUT, to.TAX_INPUT}


@dataclass(frozen=True, slots=True)
class Supply:
    """Something sold between the hub and a partner; minor units, the tax in *gross*.

    *tax* is how it was taxed, as quotes say it (``code rate method``), or "" for not.
    """

    seller: str
    what: str
    tax: str
    gross_minor: int
    tax_minor: int


def of_fact(fact: Fact, side: str, refund_tax: str) -> Iterator[Supply]:
    """Yield what a sale or cancellation supplies on one side's statement.

    *refund_tax* is how the side's fee for cancelling is taxed.
    """
    for amount, legs in legs_by_amount(fact):
        if amount is not None and amount.side == side:
            yield from of_legs(legs, amount.tax)
    own = fact.quote.agent if side == "agent" else fact.quote.supplier
    if fact.kind == CANCELLATION and own is not None and own.refund_fee_minor:
        count = -fact.tickets
        fee, tax = own.refund_fee_minor * count, own.refund_tax_minor * count
        yield Supply(HUB, "refund-fee", refund_tax if tax else "", fee, tax)


def of_legs(legs: Iterable[Leg], tax: str) -> Iterator[Supply]:
    """Yield the supply that the postings of one amount show, if they show one."""
    found = list(legs)
    for leg in found:
        seller = SELLERS.get(leg.account)
        if seller is not None:
            sign = _SIGNS[seller]
            taxes = sum(one.amount_minor for one in found if one.account in _TAXES)
            net = sign * leg.amount_minor
            yield Supply(seller, leg.what, tax, net + sign * taxes, sign * taxes)


def of_event(
    kind: str, detail: Mapping[str, Any], legs: Iterable[Leg], bill_tax: str
) -> Iterator[Supply]:
    """Yield what an entry of money alone supplies: a bill, or a commission trued up.

    Memos are documents of their own. *bill_tax* is how a bill is taxed.
    """
    if kind == "bill":
        yield from of_legs(legs, bill_tax)
    elif kind == "true-up":
        yield from of_legs(legs, detail.get("tax", ""))


@dataclass(frozen=True, slots=True)
class Sum:
    """What supplies of one kind come to."""

    gross_minor: int = 0
    tax_minor: int = 0

    def plus(self, supply: Supply) -> "Sum":
        """Return it with one more."""
        return Sum(
            self.gross_minor + supply.gross_minor, self.tax_minor + supply.tax_minor
        )


Key = tuple[str, str, str]  # seller, tax, what
Sums = dict[Key, Sum]


def summed(supplies: Iterable[Supply]) -> Sums:
    """Return supplies by who sells them, how they are taxed, and what they are."""
    found: Sums = {}
    for one in supplies:
        key = (one.seller, one.tax, one.what)
        found[key] = found.get(key, Sum()).plus(one)
    return found
