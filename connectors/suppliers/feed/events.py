"""schema.org Event as JSON-LD, and Google's Events feed, as records.

Low-grade inventory: neither counts seats. What is sold of it is what ``capacity`` of
the settings, or ``maximumAttendeeCapacity``, lets the hub sell: general admission.
Sources: schema.org/Event; Google Actions Center, Events feed (eventdata schema).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.feed.records import (
    AreaRecord,
    AreaSoldRecord,
    AuditoriumRecord,
    OfferRecord,
    PerformanceRecord,
    ProductionRecord,
    VenueRecord,
)
from connectors.suppliers.feed.found import FilesSettings, Found, Json
from connectors.suppliers.feed.text import minor, plain, ref_of
from connectors.suppliers.settings import Place

AREA = "GA"
GENRES = {
    "ScreeningEvent": "film",
    "TheaterEvent": "stage",
    "MusicEvent": "stage",
    "DanceEvent": "stage",
    "ComedyEvent": "stage",
    "SportsEvent": "sport",
}
CANCELLED, POSTPONED = "EventCancelled", "EventPostponed"


def read_schema_org(said: Json, settings: FilesSettings) -> Found:
    """Read JSON-LD: an event, a list of them, or a graph."""
    found, place = Found(), _place(settings)
    for event in _events(said):
        try:
            found.add(_of_schema_org(event, settings, place))
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            found.skipped.append(f"{event.get('name')}: {error!r}")
    return found


def read_google(said: Json, settings: FilesSettings) -> Found:
    """Read an EventFeed: ``{"data": [...]}``."""
    found, place = Found(), _place(settings)
    for event in said["data"]:
        try:
            found.add(_of_google(event, settings, place))
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            found.skipped.append(f"{event.get('id')}: {error!r}")
    return found


def _place(settings: FilesSettings) -> Place:
    if settings.place is None:
        message = "this format needs settings.place: zone, country, currency"
        raise ValueError(message)
    return settings.place


def _events(said: Json) -> Iterator[Json]:
    if isinstance(said, list):
        for one in said:
            yield from _events(one)
    elif "@graph" in said:
        yield from _events(said["@graph"])
    elif any(str(kind).endswith("Event") for kind in _kinds(said)):
        yield said


def _kinds(event: Json) -> list[str]:
    kind = event.get("@type", ())
    return [kind] if isinstance(kind, str) else list(kind)


def _of_schema_org(event: Json, settings: FilesSettings, place: Place) -> list[Any]:
    where = event["location"]
    address = where.get("address") or {}
    if isinstance(address, str):
        address = {"addressLocality": address}
    starts_at = _moment(event["startDate"], place.zone)
    name = event["name"]
    ref = (
        event.get("identifier")
        or event.get("@id")
        or event.get("url")
        or (f"{name} {starts_at.isoformat()}")
    )
    status = str(event.get("eventStatus", "")).rpartition("/")[2]
    offers = event.get("offers") or []
    prices = [
        (one.get("name") or "standard", one["price"], one.get("priceCurrency"))
        for one in (offers if isinstance(offers, list) else [offers])
    ]
    genre = next((GENRES[k] for k in _kinds(event) if k in GENRES), settings.genre)
    return _records(
        {
            "ref": ref_of(ref if isinstance(ref, str) else ref.get("value")),
            "name": name,
            "description": event.get("description") or "",
            "genre": genre,
            "starts_at": starts_at,
            "ends_at": _moment(event["endDate"], place.zone)
            if event.get("endDate")
            else None,
            "status": {CANCELLED: "cancelled", POSTPONED: "postponed"}.get(
                status, "scheduled"
            ),
            "venue": where["name"],
            "city": address.get("addressLocality") or where["name"],
            "country": str(address.get("addressCountry") or place.country)[:2].upper(),
            "capacity": int(event.get("maximumAttendeeCapacity") or settings.capacity),
            "prices": prices,
        },
        settings,
        place,
    )


def _of_google(event: Json, settings: FilesSettings, place: Place) -> list[Any]:
    starts_at = datetime.fromtimestamp(int(event["time_info"]["start_seconds"]), UTC)
    ends = event["time_info"].get("end_seconds")
    where = event.get("venue") or {}
    address = (where.get("location") or {}).get("address") or {}
    prices = [
        (one.get("title") or "standard", _amount(one["price"]), _currency(one["price"]))
        for one in event.get("tickets", ())
    ]
    return _records(
        {
            "ref": ref_of(event["id"]),
            "name": event["title"],
            "description": event.get("description") or "",
            "genre": settings.genre,
            "starts_at": starts_at,
            "ends_at": datetime.fromtimestamp(int(ends), UTC) if ends else None,
            "status": "scheduled",
            "venue": where.get("name") or where.get("id") or "venue",
            "city": address.get("locality") or where.get("name") or "unknown",
            "country": address.get("country") or place.country,
            "capacity": settings.capacity,
            "prices": prices,
        },
        settings,
        place,
    )


def _amount(price: Json) -> Decimal:
    """Return a google.type.Money or a micro price as a decimal."""
    if "price_micros" in price:
        return Decimal(price["price_micros"]) / 1_000_000
    return Decimal(price.get("units") or 0) + Decimal(price.get("nanos") or 0).scaleb(
        -9
    )


def _currency(price: Json) -> str | None:
    said = price.get("currency_code") or price.get("currency")
    return said and str(said)


def _records(event: dict[str, Any], settings: FilesSettings, place: Place) -> list[Any]:
    venue, language = ref_of(event["venue"]), place.language
    room = f"{venue[:120]}/room"
    offers = {
        plain(name): OfferRecord(
            area=AREA,
            price_type=plain(name),
            currency=currency or place.currency,
            face_minor=minor(Decimal(str(price)), currency or place.currency),
        )
        for name, price, currency in event["prices"]
    }
    if not offers and settings.face_minor is not None:
        offers["standard"] = OfferRecord(
            area=AREA,
            price_type="standard",
            currency=place.currency,
            face_minor=settings.face_minor,
        )
    if not offers:
        message = "it has no price, and the settings give none"
        raise ValueError(message)
    capacity = max(event["capacity"], settings.capacity)
    description = event["description"]
    return [
        VenueRecord(
            ref=venue,
            version=0,
            name={language: event["venue"]},
            zone=place.zone,
            country=event["country"],
            city=event["city"][:64],
            business_day_starts=place.business_day_starts,
        ),
        AuditoriumRecord(
            ref=room,
            version=0,
            venue=venue,
            name={language: event["venue"]},
            areas=[AreaRecord(ref=AREA, name={language: "GA"}, capacity=capacity)],
        ),
        ProductionRecord(
            ref=ref_of(event["name"]),
            version=0,
            genre=event["genre"],
            title={language: event["name"]},
            description={language: description} if description else {},
        ),
        PerformanceRecord(
            ref=event["ref"],
            version=0,
            production=ref_of(event["name"]),
            auditorium=room,
            starts_at=event["starts_at"],
            ends_at=event["ends_at"],
            status=event["status"],
            areas=[AreaSoldRecord(area=AREA, capacity=event["capacity"])],
            offers=list(offers.values()),
        ),
    ]


def _moment(said: str, zone: str) -> datetime:
    """Read a date-time; one without an offset is of the place's wall clock."""
    found = datetime.fromisoformat(said)
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(zone))
    return found.astimezone(UTC)
