"""The postings of a fact: a pure function of the frozen quote and what happened."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from hub.kernel.money import rounded
from settlement.rules.quotes import Quote

TICKETS = "TKT"
AGENT_ACCOUNT = "receivable:agent"
SUPPLIER_ACCOUNT = "payable:supplier"


@dataclass(frozen=True, slots=True)
class Fact:
    """Tickets of one order line were sold or cancelled.

    ``cancelled`` counts those of the line cancelled before and after the fact; a sale
    has (0, 0). ``sequence`` numbers the facts of the line from 0.
    """

    order_id: UUID
    line_no: int
    sequence: int
    quote: Quote
    cancelled: tuple[int, int]
    happened_at: datetime

    @property
    def kind(self) -> str:
        return "cancellation" if self.sequence else "sale"

    @property
    def tickets(self) -> int:
        """Tickets that moved: positive when sold, negative when cancelled."""
        before, after = self.cancelled
        return before - after if self.sequence else self.quote.quantity


@dataclass(frozen=True, slots=True)
class Leg:
    """One movement: debit positive, in minor units of a currency or in tickets."""

    account: str
    party_id: UUID | None
    what: str
    currency: str
    amount_minor: int


def part(total_minor: int, quantity: int, cancelled: int) -> int:
    """Return what of a line's amount goes with its first *cancelled* tickets.

    Cumulative, so that the parts of any sequence of cancellations telescope: all of
    them together return exactly the amount.
    """
    return rounded(Fraction(total_minor * cancelled, quantity))


def moved(total_minor: int, fact: Fact) -> int:
    """Return how much of a line's amount a fact moves: all, or part of it back."""
    if not fact.sequence:
        return total_minor
    quantity = fact.quote.quantity
    before, after = fact.cancelled
    return part(total_minor, quantity, before) - part(total_minor, quantity, after)


def postings(fact: Fact) -> list[Leg]:
    """Return the legs of a fact: they sum to zero in money and in tickets."""
    quote = fact.quote
    agent, supplier = quote.agent_id, quote.supplier_id
    face = moved(quote.face_minor, fact)
    booking = moved(quote.booking_fee_minor, fact)
    earned = moved(quote.supplier.commission_minor, fact)
    paid = moved(quote.agent.commission_minor, fact)
    agent_fee = moved(quote.agent.service_fee_minor, fact)
    supplier_fee = moved(quote.supplier.service_fee_minor, fact)
    money = [
        (AGENT_ACCOUNT, agent, "face", face),
        (AGENT_ACCOUNT, agent, "booking-fee", booking),
        (AGENT_ACCOUNT, agent, "service-fee", agent_fee),
        (AGENT_ACCOUNT, agent, "commission", -paid),
        (SUPPLIER_ACCOUNT, supplier, "face", -face),
        (SUPPLIER_ACCOUNT, supplier, "booking-fee", -booking),
        (SUPPLIER_ACCOUNT, supplier, "service-fee", supplier_fee),
        (SUPPLIER_ACCOUNT, supplier, "commission", earned),
        ("income:commission", None, "commission", -earned),
        ("income:service-fee", None, "service-fee", -agent_fee - supplier_fee),
        ("expense:commission", None, "commission", paid),
    ]
    return [
        Leg(account, party, what, quote.currency, minor)
        for account, party, what, minor in money
        if minor
    ] + [
        Leg("tickets:agent", agent, "tickets", TICKETS, fact.tickets),
        Leg("tickets:supplier", supplier, "tickets", TICKETS, -fact.tickets),
    ]
