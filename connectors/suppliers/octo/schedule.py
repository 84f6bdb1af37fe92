"""OCTO's products, options and availability as records of ours. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.feed.records import (
    AreaRecord,
    AreaSoldRecord,
    AuditoriumRecord,
    OfferRecord,
    PerformanceRecord,
    ProductionRecord,
    VenueRecord,
)
from connectors.ports import Available
from connectors.suppliers.octo.words import APART, AREA, OctoSettings, moment
from connectors.suppliers.text import plain, ref_of
from hub.kernel.money import exponent

Said = Mapping[str, Any]
CLOSED, FREESALE = "CLOSED", "FREESALE"
REF_MAX = 128
CODE_MAX = 64


def venue(said: Said, settings: OctoSettings) -> VenueRecord:
    """Return the supplier as a venue: OCTO has no places, each product its own."""
    place = settings.place
    name = str(said["name"])
    return VenueRecord(
        ref=ref_of(said["id"]),
        version=0,
        name={place.language: name},
        zone=place.zone,
        country=place.country,
        city=name[:64],
        business_day_starts=place.business_day_starts,
    )


def production(said: Said, settings: OctoSettings) -> ProductionRecord:
    """Return a product."""
    language = settings.place.language
    title = said.get("title") or said["internalName"]
    return ProductionRecord(
        ref=ref_of(said["id"]),
        version=0,
        genre=settings.genre,
        title={language: str(title)},
    )


def room(
    venue_ref: str, product: Said, option: Said, capacity: int, language: str
) -> AuditoriumRecord:
    """Return an option of a product as a room of one area."""
    name = f"{product['internalName']}: {option['internalName']}"[:500]
    return AuditoriumRecord(
        ref=room_ref(product, option),
        version=0,
        venue=venue_ref,
        name={language: name},
        areas=[AreaRecord(ref=AREA, name={language: name}, capacity=capacity)],
    )


def room_ref(product: Said, option: Said) -> str:
    """Return the reference of an option as a room."""
    return ref_of(f"{product['id']}{APART}{option['id']}")


def ref(product: Said, option: Said, availability: Said) -> str:
    """Return the reference of a performance; ValueError if it cannot be told back."""
    ids = (product["id"], option["id"], availability["id"])
    found = APART.join(map(str, ids))
    if len(found) > REF_MAX or found.count(APART) != len(ids) - 1:
        message = f"its ids are too long, or have {APART} in them"
        raise ValueError(message)
    return found


def capacity(availability: Said, settings: OctoSettings) -> int:
    """Return how many there are in all; what is not counted has the agreed number."""
    told = availability.get("capacity")
    return settings.capacity if told is None else int(told)


def left(availability: Said) -> Available:
    """Return what is left, which may be a number that is not told."""
    if not availability["available"]:
        return Available({AREA: 0}, is_on_sale=availability["status"] != CLOSED)
    vacancies = availability.get("vacancies")
    if availability["status"] == FREESALE or vacancies is None:
        return Available({AREA: None})
    return Available({AREA: int(vacancies)})


def performance(
    product: Said, option: Said, availability: Said, settings: OctoSettings
) -> PerformanceRecord:
    """Return an availability as a performance; ValueError for what cannot be sold."""
    starts_at = moment(availability["localDateTimeStart"])
    if starts_at is None:
        message = "it has no start"
        raise ValueError(message)
    methods = product.get("deliveryMethods", ())
    return PerformanceRecord(
        ref=ref(product, option, availability),
        version=0,
        production=ref_of(product["id"]),
        auditorium=room_ref(product, option),
        starts_at=starts_at,
        ends_at=moment(availability.get("localDateTimeEnd")),
        open_dated=product.get("availabilityType") == "OPENING_HOURS",
        cut_off_at=moment(availability.get("utcCutoffAt")),
        admission="ticket" if "TICKET" in methods else "order",
        areas=[AreaSoldRecord(area=AREA, capacity=capacity(availability, settings))],
        offers=list(offers(option, availability, settings)),
    )


def offers(
    option: Said, availability: Said, settings: OctoSettings
) -> Iterator[OfferRecord]:
    """Yield the units with their retail prices; ValueError if one has none."""
    prices = {one["unitId"]: one for one in availability.get("unitPricing", ())}
    most = availability.get("maxUnits") or settings.selling.tickets_max
    seen: set[str] = set()
    for unit in option["units"]:
        code = str(unit["id"])
        priced = prices.get(unit["id"])
        if priced is None or len(code) > CODE_MAX:
            message = f"unit {code} has no price, or too long an id"
            raise ValueError(message)
        name = price_type(unit, seen)
        seen.add(name)
        asked = (unit.get("restrictions") or {}).get("maxQuantity") or most
        yield OfferRecord(
            area=AREA,
            price_type=name,
            currency=priced["currency"],
            face_minor=minor(priced),
            tickets_max=max(1, min(int(asked), int(most), 100)),
            code=code,
        )


def price_type(unit: Said, seen: set[str]) -> str:
    """Return what a unit is called: its type, or its name where two are of a type."""
    name = plain(str(unit["type"]))
    return plain(str(unit["internalName"])) if name in seen else name


def minor(priced: Said) -> int:
    """Return a retail price in minor units; ValueError if it has parts of one."""
    amount, digits = int(priced["retail"]), int(priced["currencyPrecision"])
    ours = exponent(priced["currency"])
    found = Decimal(amount).scaleb(ours - digits)
    if found != found.to_integral_value():
        message = f"{amount} at {digits} digits is no price"
        raise ValueError(message)
    return int(found)


def biggest(found: Sequence[Said], settings: OctoSettings) -> int:
    """Return the largest capacity there is: what a room has to hold."""
    return max((capacity(one, settings) for one in found), default=0)
