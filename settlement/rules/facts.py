"""What happened to an order line: sold, cancelled; and what it moves. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.kernel.money import part
from settlement.rules.quotes import Amount, Quote

SALE, CANCELLATION, VENUE_CANCELLATION = "sale", "cancellation", "venue-cancellation"


@dataclass(frozen=True, slots=True)
class Fact:
    """Tickets of one order line were sold or cancelled.

    ``cancelled`` counts those of the line cancelled before and after the fact; a sale
    has (0, 0). ``sequence`` numbers the facts of the line from 0. What the venue
    cancels (*is_venues*) returns all, also what the terms would keep, at no fee.
    """

    order_id: UUID
    line_no: int
    sequence: int
    quote: Quote
    cancelled: tuple[int, int]
    happened_at: datetime
    sold_at: datetime | None = None
    is_venues: bool = False

    @property
    def kind(self) -> str:
        if not self.sequence:
            return SALE
        return VENUE_CANCELLATION if self.is_venues else CANCELLATION

    @property
    def tickets(self) -> int:
        """Tickets that moved: positive when sold, negative when cancelled."""
        before, after = self.cancelled
        return before - after if self.sequence else self.quote.quantity

    def leaves(self, amount: Amount) -> bool:
        """Say whether the fact leaves an amount of the line as it is."""
        return bool(self.sequence) and amount.is_kept and not self.is_venues

    def stated_at(self, name: str) -> datetime | None:
        """Return when a side's statement has the fact; None if when it happened.

        By performance date: then, or later if it happened later.
        """
        side = self.quote.supplier if name == "supplier" else self.quote.agent
        performance_at = self.quote.place.performance_at
        if side is None or side.basis == "sale-date" or performance_at is None:
            return None
        return None if performance_at <= self.happened_at else performance_at


@dataclass(frozen=True, slots=True)
class Leg:
    """One movement: debit positive, in minor units of a currency or in tickets."""

    account: str
    party_id: UUID | None
    what: str
    currency: str
    amount_minor: int


def moved(total_minor: int, fact: Fact) -> int:
    """Return how much of a line's amount a fact moves: all, or part of it back."""
    if not fact.sequence:
        return total_minor
    quantity = fact.quote.quantity
    before, after = fact.cancelled
    return part(total_minor, quantity, before) - part(total_minor, quantity, after)
