"""What suppliers' settings share: read strictly, so that a typo is not a silence."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

Zone = Annotated[str, Meta(min_length=1, max_length=64)]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
Language = Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")]
PriceType = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}\Z")]

Said = Mapping[str, Any]  # settings and credentials before they are read
S = TypeVar("S", bound=Struct)


class Place(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a supplier's venues are, unless it says so itself.

    *zones*: its own names of time zones, as IANA's. *business_day_starts*: HH:MM.
    """

    zone: Zone
    country: Country
    currency: Currency
    language: Language = "en"
    zones: dict[str, Zone] = {}
    business_day_starts: str = "06:00"


class Selling(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a supplier sells: how long it locks, when the hub stops before a start."""

    lock_s: Annotated[int, Meta(ge=30, le=86_400)] = 900
    stop_selling_min: Annotated[int, Meta(ge=0, le=1_440)] = 0
    tickets_max: Annotated[int, Meta(ge=1, le=100)] = 10


def read(kind: type[S], said: Said) -> S:
    """Read settings; ValueError names what is wrong."""
    return msgspec.convert(said, kind, strict=True)
