"""The Tiqets supplier API's words as ours: settings, slots, refusals. Pure.

Source: the published document of the API and its mock server (v2).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from connectors.errors import NoAnswerError, SaidNoError
from connectors.feed.records import (
    AreaRecord,
    AreaSoldRecord,
    AuditoriumRecord,
    OfferRecord,
    PerformanceRecord,
    ProductionRecord,
    VenueRecord,
)
from connectors.ports import Available, OrderWanted, Sold, TicketSold
from connectors.rules.times import at
from connectors.suppliers.amounts import minor_of
from connectors.suppliers.halls import cinema
from connectors.suppliers.rest import Reply
from connectors.suppliers.settings import Place, Selling
from connectors.suppliers.text import plain, ref_of

AREA, APART = "GA", "|"
DIGITS = 12
ALREADY_CANCELLED = 3003
BOOKING = "booking:"  # before its key, for a reservation may have the same
FILES = {"PDF", "PKPASS"}
REASONS = {
    1001: "not-on-sale",
    2000: "changed",
    2002: "changed",
    2003: "changed",
    2009: "past-cancellation",  # a date that is too near, or past
    3000: "seats-taken",
    3001: "lock-expired",
    3002: "lock-expired",
    3004: "past-cancellation",
    3005: "past-cancellation",
}
Said = Mapping[str, Any]


class Customer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """In whose name it is reserved: the hub's, never a buyer's."""

    email: Annotated[str, Meta(pattern=r"^\S+@\S+\Z")]
    phone: str
    country: Annotated[str, Meta(pattern=r"^[a-z]{2}\Z")]
    first_name: str = "-"
    last_name: str = "Hub"


class TiqetsSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A venue, which tells its products only.

    *prices* in minor units by ``product/variant``, where it tells none; *capacity* of a
    slot, for it tells what is left and no more; *days* ahead, half a year at the most.
    """

    place: Place
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    city: Annotated[str, Meta(min_length=1, max_length=64)]
    capacity: Annotated[int, Meta(ge=1, le=500_000)]
    customer: Customer
    selling: Selling = Selling()
    prices: dict[str, Annotated[int, Meta(ge=0)]] = {}
    days: Annotated[int, Meta(ge=1, le=180)] = 60
    genre: Literal["film", "stage", "sport", "general"] = "general"


class TiqetsCredentials(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The key the venue has given out."""

    api_key: Annotated[str, Meta(min_length=1)]


def reference(key: str) -> str:
    """Return our key as it takes references: twelve digits, to find an order by."""
    found = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return f"{found % 10**DIGITS:0{DIGITS}d}"


def parts(performance: str) -> tuple[str, str]:
    """Return the product and the slot of a performance's reference."""
    product, _, slot = performance.rpartition(APART)
    return product, slot


def refused(reply: Reply) -> SaidNoError:
    """Return a refusal in our words; NoAnswerError for one that is not known."""
    said = reply.said if isinstance(reply.said, Mapping) else {}
    code = said.get("error_code")
    told = f"{code} {said.get('error')}: {said.get('message')}"
    if not isinstance(code, int):
        raise NoAnswerError(f"{reply.status} without a code")
    if code not in REASONS:
        return SaidNoError("other", told)
    return SaidNoError(REASONS[code], told)


def is_ours(product: Said) -> bool:
    """Say whether a product wants nobody's data: we have none to give."""
    return not (
        product.get("required_visitor_data") or product.get("required_order_data")
    )


def venue(settings: TiqetsSettings) -> VenueRecord:
    """Return the venue, which is one at each address."""
    ref = ref_of(settings.name)
    return cinema(ref, settings.name, settings.city, settings.place)


def room(product: Said, settings: TiqetsSettings) -> AuditoriumRecord:
    """Return a product as a room of one area."""
    name = {settings.place.language: str(product["name"])}
    return AuditoriumRecord(
        ref=ref_of(product["id"]),
        version=0,
        venue=ref_of(settings.name),
        name=name,
        areas=[AreaRecord(ref=AREA, name=name, capacity=settings.capacity)],
    )


def production(product: Said, settings: TiqetsSettings) -> ProductionRecord:
    """Return a product."""
    return ProductionRecord(
        ref=ref_of(product["id"]),
        version=0,
        genre=settings.genre,
        title={settings.place.language: str(product["name"])},
    )


def performance(
    product: Said, slot: str, said: Said, settings: TiqetsSettings
) -> PerformanceRecord:
    """Return a slot as a performance; without slots a product is open all that day.

    ValueError for one that cannot be read.
    """
    begins, zone = datetime.fromisoformat(slot), settings.place.zone
    starts_at, stop = at(begins, zone), settings.selling.stop_selling_min
    is_open = not product["use_timeslots"]
    return PerformanceRecord(
        ref=f"{product['id']}{APART}{slot}",
        version=0,
        production=ref_of(product["id"]),
        auditorium=ref_of(product["id"]),
        starts_at=starts_at,
        ends_at=at(begins + timedelta(days=1), zone) if is_open else None,
        open_dated=is_open,
        cut_off_at=starts_at - timedelta(minutes=stop) if stop else None,
        admission="ticket",
        areas=[AreaSoldRecord(area=AREA, capacity=settings.capacity)],
        offers=list(_offers(product, said, settings)),
    )


def is_priced(product: Said, said: Said, settings: TiqetsSettings) -> bool:
    """Say whether something in a slot has a price, told or agreed."""
    variants = said.get("variants") or ()
    return any(_price(product, one, settings) is not None for one in variants)


def _offers(
    product: Said, said: Said, settings: TiqetsSettings
) -> Iterator[OfferRecord]:
    seen: set[str] = set()
    most = product.get("max_tickets_per_order") or settings.selling.tickets_max
    for variant in said["variants"]:
        name = plain(str(variant["name"]))
        name = plain(f"{name[:24]}-{variant['id']}") if name in seen else name
        seen.add(name)
        priced = _price(product, variant, settings)
        if priced is not None:
            yield OfferRecord(
                area=AREA,
                price_type=name,
                currency=priced[1],
                face_minor=priced[0],
                tickets_max=min(int(most), settings.selling.tickets_max),
                code=str(variant["id"]),
            )


def _price(
    product: Said, variant: Said, settings: TiqetsSettings
) -> tuple[int, str] | None:
    told = variant.get("price")
    if told:
        return minor_of(str(told["amount"]), told["currency"]), str(told["currency"])
    agreed = settings.prices.get(f"{product['id']}/{variant['id']}")
    return None if agreed is None else (agreed, settings.place.currency)


def is_sold_out(said: Said) -> bool:
    """Say whether a slot has nothing left, and so tells nothing of what it has."""
    return not said.get("variants") and said.get("available_tickets") == 0


def left(said: Said) -> Available:
    """Return what is left of a slot."""
    return Available({AREA: int(said["available_tickets"])})


def total(wanted: OrderWanted, prices: Mapping[str, Said] | None) -> int | None:
    """Return what a reservation comes to; None where it tells no prices."""
    if not prices:
        return None
    return sum(
        line.quantity * minor_of(str(prices[line.type_code]["amount"]), line.currency)
        for line in wanted.lines
    )


def until(said: str) -> datetime:
    """Return when a reservation ends: it is told in UTC, with its zone or without."""
    found = datetime.fromisoformat(said)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def sold(wanted: OrderWanted, said: Said) -> Sold:
    """Return what a booking has sold: codes by variant, or one for all.

    NoAnswerError if it has no code, or a file for one: it is sold, and nobody could be
    let in by what we can show.
    """
    theirs = f"{BOOKING}{said['booking_id']}"
    if said.get("barcode_format") in FILES:
        raise NoAnswerError(f"booking {said['booking_id']} has a file for a code")
    if said.get("barcode_scope") == "order":
        code = str(said.get("barcode") or "")
        if not code:
            raise NoAnswerError("it says sold, without a code")
        return Sold(theirs, (TicketSold(code),) * wanted.quantity, is_shared=True)
    rest = {key: list(codes) for key, codes in said["tickets"].items()}
    tickets: list[TicketSold] = []
    for line in wanted.lines:
        codes: Sequence[str] = rest.get(line.type_code, [])[: line.quantity]
        rest[line.type_code] = rest.get(line.type_code, [])[line.quantity :]
        tickets += [TicketSold(str(code)) for code in codes]
    if not tickets:
        raise NoAnswerError("it says sold, without a ticket")
    return Sold(theirs, tuple(tickets))
