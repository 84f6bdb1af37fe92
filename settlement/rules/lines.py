"""What is sold: a line of an order, as quotes see it. Pure."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from settlement.rules.clauses.words import Minor

Count = Annotated[int, Meta(ge=1, le=500_000)]
Key = Annotated[str, Meta(max_length=128)]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with a zone offset")]
Code = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", description="ISO 4217")]


class Line(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some tickets of one offer.

    *face_minor* and *booking_fee_minor* (the supplier's own) are for one ticket,
    *discount_minor* is off the whole line; without it the terms' discount applies.
    Lines of one *order* share its per-order amounts.
    """

    quantity: Count
    currency: Code
    face_minor: Minor
    sold_at: Moment
    booking_fee_minor: Minor = 0
    discount_minor: Minor | None = None
    order: Key = ""
    supplier: Key = ""
    venue: Key = ""
    production: Key = ""
    performance: Key = ""
    performance_at: Moment | None = None
    area: Key = ""
    price_type: Key = ""
    channel: Key = ""
