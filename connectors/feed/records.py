"""The records of a feed, as msgspec reads them; the JSON Schema is made from these."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Ref = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7E]+\Z",
        description="The supplier's own reference: printable ASCII without spaces",
    ),
]
Version = Annotated[
    int,
    Meta(
        ge=0,
        le=2**53,
        description="Grows with every change; older ones change nothing",
    ),
]
Names = Annotated[
    dict[
        Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")],
        Annotated[str, Meta(min_length=1, max_length=500)],
    ],
    Meta(min_length=1, description="Language tag to text"),
]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with a zone offset")]
Minor = Annotated[int, Meta(ge=0, le=100_000_000_00, description="Minor units")]
Count = Annotated[int, Meta(ge=0, le=500_000)]
Position = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Short = Annotated[str, Meta(min_length=1, max_length=64)]


class Record(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", kw_only=True
):
    """What every record carries."""

    ref: Ref
    version: Version


class VenueRecord(Record, tag="venue", frozen=True, kw_only=True):
    """A building, in its own IANA zone."""

    name: Names
    zone: Short
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
    city: Short
    business_day_starts: Annotated[
        str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d\Z", description="Local, HH:MM")
    ] = "00:00"


class SeatRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A seat in its row; x and y are in the supplier's own units."""

    number: Short
    x: Position = 0
    y: Position = 0
    kind: Literal["standard", "wheelchair", "companion", "restricted"] = "standard"
    pair: Annotated[
        Short | None, Meta(description="Seats of one pair in a row are sold together")
    ] = None
    aisle_after: bool = False
    # Unset where it is not said: what was delivered before keeps its digest.
    code: (
        Annotated[Short, Meta(description="The supplier's own code of the seat")]
        | UnsetType
    ) = UNSET


class RowRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row: its seats in the order they stand."""

    name: Short
    seats: Annotated[list[SeatRecord], Meta(min_length=1, max_length=2_000)]


class AreaRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An area: seated, with rows from the best on, or general admission, counted."""

    ref: Ref
    name: Names
    rows: list[RowRecord] | None = None
    capacity: Count | None = None


class AuditoriumRecord(Record, tag="auditorium", frozen=True, kw_only=True):
    """A room with its seat map."""

    venue: Ref
    name: Names
    areas: Annotated[list[AreaRecord], Meta(min_length=1, max_length=500)]


class ImageRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image, where it is to be had; width and height are in pixels."""

    url: Annotated[str, Meta(pattern=r"^https://[\x21-\x7E]{1,1000}\Z")]
    kind: Literal["poster", "still", "logo"] = "poster"
    width: Annotated[int, Meta(ge=1, le=20_000)] | None = None
    height: Annotated[int, Meta(ge=1, le=20_000)] | None = None


class ProductionRecord(Record, tag="production", frozen=True, kw_only=True):
    """What is shown."""

    genre: Literal["film", "stage", "sport", "general"]
    title: Names
    description: dict[str, str] = {}
    runtime_min: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    # Unset where it is not said: what was delivered before keeps its digest.
    images: Annotated[tuple[ImageRecord, ...], Meta(max_length=20)] | UnsetType = UNSET


class AreaSoldRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Seats of an area that the supplier lets the hub sell."""

    area: Ref
    capacity: Count


class ResaleRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the public may be asked for a ticket; both the same is parity."""

    floor_minor: Minor | None = None
    ceiling_minor: Minor | None = None


class OfferRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A price: area x price type; the face value includes the tax (basis points)."""

    area: Ref
    price_type: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}\Z")]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    face_minor: Minor
    booking_fee_minor: Minor = 0
    tax_bp: Annotated[int, Meta(ge=0, le=10_000)] = 0
    tickets_min: Annotated[int, Meta(ge=1, le=100)] = 1
    tickets_max: Annotated[int, Meta(ge=1, le=100)] = 10
    resale: ResaleRecord | UnsetType = UNSET
    code: (
        Annotated[Short, Meta(description="The supplier's own code of the price type")]
        | UnsetType
    ) = UNSET


class PerformanceRecord(Record, tag="performance", frozen=True, kw_only=True):
    """One showing: when, where, what is sold and for how much."""

    production: Ref
    auditorium: Ref
    starts_at: Moment
    ends_at: Moment | None = None
    business_on: date | None = None
    open_dated: bool = False
    announce_at: Moment | None = None
    on_sale_at: Moment | None = None
    cut_off_at: Moment | None = None
    status: Annotated[
        Literal["scheduled", "postponed", "cancelled"],
        Meta(description="Postponed: it has no date now, its tickets stay valid"),
    ] = "scheduled"
    admission: (
        Annotated[
            Literal["ticket", "order"],
            Meta(description="By a code for each ticket, or one for all of an order"),
        ]
        | UnsetType
    ) = UNSET
    names: (
        Annotated[
            Literal["none", "order", "ticket"],
            Meta(
                description="Whose names are asked for: the buyer's, or each holder's"
            ),
        ]
        | UnsetType
    ) = UNSET
    areas: Annotated[list[AreaSoldRecord], Meta(min_length=1, max_length=500)]
    offers: Annotated[list[OfferRecord], Meta(min_length=1, max_length=2_000)]


AnyRecord = VenueRecord | AuditoriumRecord | ProductionRecord | PerformanceRecord


class Named(Struct, frozen=True):
    """What can be said of a line even when the record is refused."""

    ref: str | None = None
    type: str | None = None


decoder = msgspec.json.Decoder(AnyRecord)
name_decoder = msgspec.json.Decoder(Named)
encoder = msgspec.json.Encoder()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one line of a feed."""
    schema = msgspec.json.schema(AnyRecord)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A record of a ticket hub feed: one JSON object a line",
        **schema,
    }
