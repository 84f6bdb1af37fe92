"""Fees: what the buyer pays on top, what the hub charges, and billable services."""

from typing import Annotated, Literal

from msgspec import Meta

from settlement.rules.clauses.words import Banded, Clause, Minor, Name, Rate


class Bracket(Banded, frozen=True, kw_only=True):
    """The fee in a band of the ticket's price (minor units)."""

    fixed_minor: Minor = 0
    rate: Rate = 0


class Fee(Clause, frozen=True, kw_only=True):
    """A fixed amount plus a part of the price, within bounds; or by brackets of price.

    *of*: the face value, the price after discount, or the total with this fee in it.
    """

    per: Literal["ticket", "order"] = "ticket"
    fixed_minor: Minor = 0
    rate: Rate = 0
    of: Literal["face", "price", "total"] = "face"
    minimum_minor: Minor = 0
    maximum_minor: Minor | None = None
    brackets: Annotated[tuple[Bracket, ...], Meta(max_length=50)] = ()


class BookingFee(Fee, frozen=True, kw_only=True):
    """What the buyer pays on top of the face value, and who gets it."""

    to: Literal["hub", "agent", "supplier"] = "hub"


class Billable(Clause, frozen=True, kw_only=True):
    """Advertising or another service the hub bills: an amount per unit."""

    name: Name
    kind: Literal["advertising", "value-added", "service"]
    unit_minor: Minor
