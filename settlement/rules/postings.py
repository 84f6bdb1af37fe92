"""The postings of a sale or cancellation: a pure function of the frozen quote."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from settlement.rules import accounts as to
from settlement.rules.facts import CANCELLATION, Fact, Leg, moved
from settlement.rules.quotes import Amount, Quote, Side

Money = tuple[str, str, str, int]  # account, whose, what, minor units
HOLDERS = {
    "agent": (to.RECEIVABLE_AGENT, "agent"),
    "hub": (to.PSP, ""),
    "venue": (to.RECEIVABLE_SUPPLIER, "supplier"),
}
REFUNDED = HOLDERS | {"hub": (to.BUYER_REFUND, "")}
_SHARES = {"special-fund": to.SPECIAL_FUND, "tax": to.BOX_OFFICE_TAX}
_LATER = {"deferred": to.DEFERRED_SUPPLIER, "reserve": to.RESERVE_SUPPLIER}


@dataclass(frozen=True, slots=True)
class Sale:
    """Whose sale it is; *holder* is the account of who has the buyer's money."""

    quote: Quote
    holder: tuple[str, str]

    def is_principal(self) -> bool:
        """Say whether the hub sells tickets it has bought."""
        return self.quote.capacity == "principal"


def postings(fact: Fact) -> list[Leg]:
    """Return the legs of a fact: they sum to zero in money and in tickets.

    Gross and net parts of an amount move by tickets, the tax is what lies between.
    """
    return [leg for _, legs in legs_by_amount(fact) for leg in legs]


def legs_by_amount(fact: Fact) -> list[tuple[Amount | None, list[Leg]]]:
    """Return the legs of a fact by the amount of the quote that makes them.

    Those of no amount (fees of cancelling, tickets) come last, under None.
    """
    quote = fact.quote
    agent, supplier = UUID(quote.agent_id), UUID(quote.supplier_id)
    parties = {"": None, "agent": agent, "supplier": supplier}
    found = [
        (
            amount,
            [
                Leg(account, parties[whose], what, quote.currency, minor)
                for account, whose, what, minor in money
                if minor
            ],
        )
        for amount, money in _money(fact)
    ]
    tickets = [
        Leg(to.TICKETS_AGENT, agent, "tickets", to.TICKETS, fact.tickets),
        Leg(to.TICKETS_SUPPLIER, supplier, "tickets", to.TICKETS, -fact.tickets),
    ]
    return [*found, (None, tickets)]


def _money(fact: Fact) -> Iterator[tuple[Amount | None, Iterator[Money]]]:
    quote = fact.quote
    holders = REFUNDED if fact.sequence else HOLDERS
    sale = Sale(quote, holders[quote.collector])
    for amount in quote.amounts:
        if fact.leaves(amount):
            continue
        minor = moved(amount.minor, fact)
        net = moved(amount.net_minor, fact) if amount.tax_minor else minor
        yield amount, _LEGS[amount.what](sale, amount, minor, net)
    if fact.kind == CANCELLATION:
        yield None, _refund_fees(fact)


def _face(sale: Sale, _: Amount, minor: int, __: int) -> Iterator[Money]:
    yield (*sale.holder, "face", minor)
    if sale.is_principal():  # the hub's own tickets: sold from its inventory
        yield (to.INCOME_TICKETS, "", "face", -minor)
        yield (to.EXPENSE_TICKETS, "", "cost", minor)
        yield (to.INVENTORY, "", "cost", -minor)
    else:
        yield (to.PAYABLE_SUPPLIER, "supplier", "face", -minor)


def _discount(sale: Sale, amount: Amount, minor: int, _: int) -> Iterator[Money]:
    """Yield who bears it; an agent that collected less owes its own part."""
    funder, what = amount.to, "discount"
    if not (funder == "agent" and sale.quote.collector == "agent"):
        yield (*sale.holder, what, -minor)
    if funder == "supplier":
        yield from _from_supplier(sale, what, minor)
    elif funder == "hub":
        yield (to.EXPENSE_PROMOTION, "", what, minor)
    elif sale.quote.collector != "agent":
        yield (to.RECEIVABLE_AGENT, "agent", what, minor)


def _from_supplier(sale: Sale, what: str, minor: int) -> Iterator[Money]:
    """Take money off what the hub pays for the tickets, or paid as principal."""
    if sale.is_principal():
        yield (to.INCOME_TICKETS, "", what, minor)
        yield (to.EXPENSE_TICKETS, "", what, -minor)
        yield (to.INVENTORY, "", what, minor)
    else:
        yield (to.PAYABLE_SUPPLIER, "supplier", what, minor)


def _booking_fee(sale: Sale, amount: Amount, minor: int, net: int) -> Iterator[Money]:
    what = "booking-fee"
    if amount.to == "agent" and sale.quote.collector == "agent":
        return  # the agent charges it and keeps it
    yield (*sale.holder, what, minor)
    if amount.to == "supplier":
        yield (to.PAYABLE_SUPPLIER, "supplier", what, -minor)
    elif amount.to == "agent":
        yield (to.PAYABLE_AGENT, "agent", what, -minor)
    else:
        yield (to.INCOME_BOOKING_FEE, "", what, -net)
        yield (to.TAX_OUTPUT, "", what, net - minor)


def _charged_to(quote: Quote, side: str) -> tuple[str, str]:
    """Return where what a partner owes the hub is debited: netted, or claimed."""
    if side == "agent":
        return to.RECEIVABLE_AGENT, "agent"
    said = quote.supplier
    is_netted = said is not None and said.remit == "net"
    account = to.PAYABLE_SUPPLIER if is_netted else to.RECEIVABLE_SUPPLIER
    return account, "supplier"


def _service_fee(sale: Sale, amount: Amount, minor: int, net: int) -> Iterator[Money]:
    what = "service-fee"
    yield (*_charged_to(sale.quote, amount.side), what, minor)
    yield (to.INCOME_SERVICE_FEE, "", what, -net)
    yield (to.TAX_OUTPUT, "", what, net - minor)


def _commission(sale: Sale, amount: Amount, minor: int, net: int) -> Iterator[Money]:
    what = "commission"
    if amount.side == "agent":
        yield (_paid_to_agent(sale.quote), "agent", what, -minor)
        yield (to.EXPENSE_COMMISSION, "", what, net)
        yield (to.TAX_INPUT, "", what, minor - net)
    elif sale.is_principal():  # the hub bought at face less commission
        yield (to.INVENTORY, "", what, minor)
        yield (to.EXPENSE_TICKETS, "", what, -minor)
    else:
        yield (*_charged_to(sale.quote, "supplier"), what, minor)
        yield (to.INCOME_COMMISSION, "", what, -net)
        yield (to.TAX_OUTPUT, "", what, net - minor)


def _paid_to_agent(quote: Quote) -> str:
    """Return where commission is credited: netted with what it owes, or payable."""
    agent = quote.agent
    is_netted = quote.collector == "agent" and agent is not None
    if is_netted and agent is not None and agent.remit == "net":
        return to.RECEIVABLE_AGENT
    return to.PAYABLE_AGENT


def _distribution(_: Sale, amount: Amount, minor: int, __: int) -> Iterator[Money]:
    what = f"share:{amount.to}"
    yield (to.PAYABLE_SUPPLIER, "supplier", what, minor)
    yield (_SHARES.get(amount.to, to.PAYABLE_SHARE), "", what, -minor)


def _withholding(sale: Sale, amount: Amount, minor: int, _: int) -> Iterator[Money]:
    """Who pays a leg keeps its tax back: the hub an agent's, a partner the hub's."""
    what = "withholding"
    if (amount.side, amount.to) == ("agent", "commission"):
        yield (_paid_to_agent(sale.quote), "agent", what, minor)
        yield (to.TAX_WITHHELD, "", what, -minor)
    else:
        yield (*_charged_to(sale.quote, amount.side), what, -minor)
        yield (to.WITHHOLDING_CLAIM, "", what, minor)


def _payout(_: Sale, amount: Amount, minor: int, __: int) -> Iterator[Money]:
    what = amount.to
    yield (to.PAYABLE_SUPPLIER, "supplier", what, minor)
    yield (_LATER[amount.to], "supplier", what, -minor)


_LEGS: dict[str, Callable[[Sale, Amount, int, int], Iterator[Money]]] = {
    "face": _face,
    "discount": _discount,
    "booking-fee": _booking_fee,
    "service-fee": _service_fee,
    "commission": _commission,
    "distribution": _distribution,
    "withholding": _withholding,
    "payout": _payout,
}


@dataclass(frozen=True, slots=True)
class RefundFee:
    """What is charged for cancelling by a side's terms, tax in it; and to whom.

    *payer*: agent, supplier, or "" for the buyer; *account* is where it is debited.
    """

    by: Side
    payer: str
    account: str
    minor: int
    tax_minor: int


def refund_fees(fact: Fact) -> Iterator[RefundFee]:
    """Yield what the hub charges for what a cancellation gave back, per ticket."""
    if fact.kind != CANCELLATION:
        return
    quote, tickets = fact.quote, fact.cancelled[1] - fact.cancelled[0]
    charged = (REFUNDED[quote.collector], _charged_to(quote, "supplier"))
    for side, (account, payer) in zip(
        (quote.agent, quote.supplier), charged, strict=True
    ):
        if side is not None and side.refund_fee_minor:
            minor = side.refund_fee_minor * tickets
            tax = side.refund_tax_minor * tickets
            yield RefundFee(side, payer, account, minor, tax)


def _refund_fees(fact: Fact) -> Iterator[Money]:
    what = "refund-fee"
    for fee in refund_fees(fact):
        yield (fee.account, fee.payer, what, fee.minor)
        yield (to.INCOME_REFUND_FEE, "", what, fee.tax_minor - fee.minor)
        yield (to.TAX_OUTPUT, "", what, -fee.tax_minor)
