"""The clauses of a contract's terms, as msgspec reads them; the schema is made here."""

from typing import Annotated, Literal

from msgspec import Meta

from settlement.rules.clauses.cinema import (
    BoxOfficeSplit,
    Distribution,
    FilmHire,
    Share,
    Week,
)
from settlement.rules.clauses.commission import (
    Bounds,
    Cell,
    Commission,
    Fixed,
    Matrix,
    Percent,
    Tier,
    Tiers,
)
from settlement.rules.clauses.fees import Billable, BookingFee, Bracket, Fee
from settlement.rules.clauses.money import (
    Discount,
    Funder,
    Memos,
    MinimumGuarantee,
    Payout,
    Refund,
    RoundingClause,
    Taxes,
    TaxRate,
    Withholding,
)
from settlement.rules.clauses.words import Clause, Days, Minor

Basis = Literal["sale-date", "performance-date", "per-performance"]


class Clauses(Clause, frozen=True, kw_only=True):
    """What one version of a contract's terms says; what is left out is not agreed."""

    commission: Commission | None = None
    booking_fees: Annotated[tuple[BookingFee, ...], Meta(max_length=20)] = ()
    service_fees: Annotated[tuple[Fee, ...], Meta(max_length=20)] = ()
    billables: Annotated[tuple[Billable, ...], Meta(max_length=100)] = ()
    collector: Literal["agent", "hub", "venue"] = "agent"
    remit: Literal["net", "gross"] = "net"
    discount: Discount | None = None
    agreed_price_minor: Minor | None = None
    refund: Refund = Refund()
    rounding: RoundingClause = RoundingClause()
    basis: Basis = "sale-date"
    capacity: Literal["agent", "principal"] = "agent"
    payout: Payout = Payout()
    payment_days: Days = 14
    taxes: Taxes = Taxes()
    withholding: Annotated[tuple[Withholding, ...], Meta(max_length=3)] = ()
    distribution: Distribution | None = None
    minimum_guarantee: MinimumGuarantee | None = None
    memos: Memos = Memos()
    week: Week = Week()


__all__ = [
    "Basis",
    "Billable",
    "BookingFee",
    "Bounds",
    "BoxOfficeSplit",
    "Bracket",
    "Cell",
    "Clauses",
    "Commission",
    "Discount",
    "Distribution",
    "Fee",
    "FilmHire",
    "Fixed",
    "Funder",
    "Matrix",
    "Memos",
    "MinimumGuarantee",
    "Payout",
    "Percent",
    "Refund",
    "RoundingClause",
    "Share",
    "TaxRate",
    "Taxes",
    "Tier",
    "Tiers",
    "Week",
    "Withholding",
]
