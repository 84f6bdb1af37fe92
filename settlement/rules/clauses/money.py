"""Whose money it is when: discounts, refunds, taxes, payout, guarantees."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from hub.kernel.money import Rounding
from settlement.rules.clauses.words import Clause, Days, Minor, Name, Rate

Returned = Literal["returned", "kept"]
Category = Annotated[
    Literal["S", "Z", "E", "AE", "O"],
    Meta(
        description="As invoices say it (UNTDID 5305): S standard, Z zero-rated,"
        " E exempt, AE reverse charge, O outside the scope of VAT"
    ),
]


class Funder(Clause, frozen=True, kw_only=True):
    """Who bears a part of a discount: a fixed amount a ticket, a rate, or the rest."""

    funder: Literal["supplier", "hub", "agent"]
    rate: Rate | None = None
    per_ticket_minor: Minor | None = None
    residual: bool = False


class Discount(Clause, frozen=True, kw_only=True):
    """What a ticket is cheaper by, and who funds it; fixed parts come first."""

    rate: Rate = 0
    per_ticket_minor: Minor = 0
    funding: Annotated[list[Funder], Meta(min_length=1, max_length=3)]


class Refund(Clause, frozen=True, kw_only=True):
    """What goes back with cancelled tickets.

    *running*: a refund on a running total returns what its line earned
    (``frozen-rate``) or what the total loses by it (``true-up``).
    """

    booking_fee: Returned = "returned"
    service_fee: Returned = "returned"
    commission: Returned = "returned"
    fee_per_ticket_minor: Minor = 0
    running: Literal["frozen-rate", "true-up"] = "true-up"


class RoundingClause(Clause, frozen=True, kw_only=True):
    """How parts of a minor unit are rounded; tax: of the net amount or of the tax."""

    commission: Rounding = Rounding.HALF_EVEN
    fee: Rounding = Rounding.HALF_EVEN
    tax: Rounding = Rounding.HALF_UP
    tax_on: Literal["net", "tax"] = "net"


class TaxRate(Clause, frozen=True, kw_only=True):
    """What a tax code means between two days (half-open): in the price, or on top.

    *category* is what invoices call it: S where there is a rate, else Z, if not said;
    E, AE and O say why, as *exemption*.
    """

    code: Name
    valid_from: date
    valid_until: date | None = None
    rate: Rate
    method: Literal["included", "on-top"] = "included"
    category: Category | None = None
    exemption: Annotated[str, Meta(max_length=200)] = ""


class Taxes(Clause, frozen=True, kw_only=True):
    """Which tax code each leg has."""

    commission: Name | None = None
    service_fee: Name | None = None
    booking_fee: Name | None = None
    refund_fee: Name | None = None
    billable: Name | None = None


class Withholding(Clause, frozen=True, kw_only=True):
    """Tax the payer keeps back from a leg's net amount, if that is at least so much."""

    leg: Literal["commission", "service-fee", "billable"]
    rate: Rate
    from_minor: Minor = 0


class Payout(Clause, frozen=True, kw_only=True):
    """When a supplier's money is due to it.

    ``performed``: *days* after the performance, but *advance* of it at the sale.
    *retention* of it is kept as a reserve for *retention_days* more.
    """

    when: Literal["sale", "performed"] = "sale"
    days: Days = 0
    advance: Rate = 0
    retention: Rate = 0
    retention_days: Days = 0


class Memos(Clause, frozen=True, kw_only=True):
    """Within what a closed statement may be corrected by a debit or credit memo.

    *window_days* from the end of its month; nothing below *floor_minor*; each for one
    of the *reasons*. As the resolutions on agency debit memos have it: one reason each.
    """

    window_days: Days = 270
    floor_minor: Minor = 0
    reasons: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=50)] = (
        *("rate", "fee", "tax", "ticket-count", "refund", "chargeback"),
        *("dispute", "other"),
    )


class MinimumGuarantee(Clause, frozen=True, kw_only=True):
    """The least a period comes to; what lacks is trued up at its end.

    Supplier: the hub guarantees it what it is due. Agent: it guarantees the hub what
    the hub keeps (``due`` of the sales), or the hub guarantees its commission.
    """

    amount_minor: Minor
    period: Literal["month", "year"] = "month"
    of: Literal["due", "commission"] = "due"
