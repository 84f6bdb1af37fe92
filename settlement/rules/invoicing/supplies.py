"""What a line of a statement supplies: who sells what to whom, with which tax. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from hub.kernel.money import ratio
from settlement.rules import accounts as to
from settlement.rules.clauses import TaxRate
from settlement.rules.facts import Fact, Leg
from settlement.rules.postings import legs_by_amount, refund_fees
from settlement.rules.quotes import Side
from settlement.rules.taxes import category_of

HUB, PARTNER = "hub", "partner"
SELLERS = {
    to.INCOME_COMMISSION: HUB,
    to.INCOME_SERVICE_FEE: HUB,
    to.INCOME_REFUND_FEE: HUB,
    to.INCOME_ADVERTISING: HUB,
    to.INCOME_VALUE_ADDED: HUB,
    to.EXPENSE_COMMISSION: PARTNER,
}
OUTSIDE = "O"
_SIGNS = {HUB: -1, PARTNER: 1}  # income is a credit, an expense a debit
_TAXES = {to.TAX_OUTPUT, to.TAX_INPUT}


@dataclass(frozen=True, slots=True)
class TaxKind:
    """How something is taxed: UNTDID 5305's category, the rate, why not."""

    category: str
    rate: int | str = 0
    exemption: str = ""

    @property
    def is_taxed(self) -> bool:
        """Whether it is in the scope of VAT, if only at nothing."""
        return self.category != OUTSIDE

    @property
    def is_charged(self) -> bool:
        """Whether there is any tax."""
        return ratio(self.rate)[0] > 0


UNTAXED = TaxKind(OUTSIDE, 0, "Not subject to VAT")


def kind_of(rate: TaxRate) -> TaxKind:
    """Return how documents tell a tax code's rate."""
    return TaxKind(category_of(rate)[0], rate.rate, rate.exemption)


@dataclass(frozen=True, slots=True)
class Supply:
    """Something sold between the hub and a partner; minor units, the tax in *gross*."""

    seller: str
    what: str
    kind: TaxKind
    gross_minor: int
    tax_minor: int


def of_fact(
    fact: Fact,
    side: str,
    told: Callable[[str], TaxKind],
    fees: Callable[[Side], TaxKind],
) -> Iterator[Supply]:
    """Yield what a sale or cancellation supplies on one side's statement.

    *told*: what a tax as amounts say it means; *fees*: how a side's terms tax the fee
    for cancelling. That is supplied to who pays it; a buyer's, like a booking fee, is
    on no statement.
    """
    for amount, legs in legs_by_amount(fact):
        if amount is not None and amount.side == side:
            yield from of_legs(legs, told(amount.tax))
    for fee in refund_fees(fact):
        if fee.payer == side:
            kind = fees(fee.by)
            yield Supply(HUB, "refund-fee", kind, fee.minor, fee.tax_minor)


def of_legs(legs: Iterable[Leg], kind: TaxKind) -> Iterator[Supply]:
    """Yield the supply that the postings of one amount show, if they show one."""
    found = list(legs)
    for leg in found:
        seller = SELLERS.get(leg.account)
        if seller is not None:
            sign = _SIGNS[seller]
            taxes = sum(one.amount_minor for one in found if one.account in _TAXES)
            net = sign * leg.amount_minor
            yield Supply(seller, leg.what, kind, net + sign * taxes, sign * taxes)


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


Key = tuple[str, TaxKind, str]  # seller, how it is taxed, what
Sums = dict[Key, Sum]


def summed(supplies: Iterable[Supply]) -> Sums:
    """Return supplies by who sells them, how they are taxed, and what they are."""
    found: Sums = {}
    for one in supplies:
        key = (one.seller, one.kind, one.what)
        found[key] = found.get(key, Sum()).plus(one)
    return found
