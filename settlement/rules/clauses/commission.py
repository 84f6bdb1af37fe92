"""What is earned on a sale: percent, fixed, matrix, tiers on a running total."""

from typing import Annotated, Literal

from msgspec import Meta

from settlement.rules.clauses.words import (
    Banded,
    Base,
    Clause,
    Measure,
    Minor,
    Name,
    Period,
    Rate,
)


class Bounds(Clause, frozen=True, kw_only=True):
    """The least and the most that is earned per ticket, line, order or month."""

    per: Literal["ticket", "line", "order", "period"]
    minimum_minor: Minor = 0
    maximum_minor: Minor | None = None


class Percent(Clause, frozen=True, kw_only=True, tag_field="kind", tag="percent"):
    """A part of the base."""

    rate: Rate
    base: Base = "gross"
    bounds: Bounds | None = None


class Fixed(Clause, frozen=True, kw_only=True, tag_field="kind", tag="fixed"):
    """An amount per ticket, per order, or both; an order's is shared by its lines."""

    per_ticket_minor: Minor = 0
    per_order_minor: Minor = 0
    bounds: Bounds | None = None


class Cell(Clause, frozen=True, kw_only=True):
    """What holds for a price type, an area, or one in the other."""

    price_type: Name | None = None
    area: Name | None = None
    rate: Rate = 0
    per_ticket_minor: Minor = 0


class Matrix(Clause, frozen=True, kw_only=True, tag_field="kind", tag="matrix"):
    """Cells by price type and area: both named beats one, price type beats area."""

    cells: Annotated[list[Cell], Meta(min_length=1, max_length=500)]
    otherwise: Rate = 0
    base: Base = "gross"
    bounds: Bounds | None = None


class Tier(Banded, frozen=True, kw_only=True):
    """What holds in a band of the measure; *flat_minor* is due once it is entered."""

    rate: Rate = 0
    per_ticket_minor: Minor = 0
    flat_minor: Minor = 0


class Tiers(Clause, frozen=True, kw_only=True, tag_field="kind", tag="tiers"):
    """Bands of a running total.

    ``marginal``: each band's rate for what lies in it. ``whole-volume``: the rate of
    the band reached, for everything. The rate is of the measure; of *base* where
    that is said, in whole-volume tiers and in those on tickets.
    """

    shape: Literal["marginal", "whole-volume"]
    measure: Measure = "gross"
    period: Period = "month"
    tiers: Annotated[list[Tier], Meta(min_length=1, max_length=50)]
    base: Base | None = None
    bounds: Bounds | None = None


Commission = Percent | Fixed | Matrix | Tiers
