"""What formats of events share: one event as venue, room, production, performance.

Low-grade inventory: none of them counts seats. What is sold of it is what ``capacity``
of the settings, or the event's own, lets the hub sell: general admission.
"""

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
from connectors.suppliers.feed.found import FilesSettings
from connectors.suppliers.settings import Place
from connectors.suppliers.text import minor, plain, ref_of

AREA = "GA"


def place_of(settings: FilesSettings) -> Place:
    """Return where events are; ValueError if the settings do not say."""
    if settings.place is None:
        message = "this format needs settings.place: zone, country, currency"
        raise ValueError(message)
    return settings.place


def _offers(
    event: dict[str, Any], settings: FilesSettings, place: Place
) -> list[OfferRecord]:
    """Return an event's prices, or the one the settings give; ValueError without."""
    offers = {
        plain(name): OfferRecord(
            area=AREA,
            price_type=plain(name),
            currency=currency or place.currency,
            face_minor=minor(Decimal(str(price)), currency or place.currency),
        )
        for name, price, currency in event["prices"]
    }
    if offers:
        return list(offers.values())
    if settings.face_minor is None:
        message = "it has no price, and the settings give none"
        raise ValueError(message)
    return [
        OfferRecord(
            area=AREA,
            price_type="standard",
            currency=place.currency,
            face_minor=settings.face_minor,
        )
    ]


def _named(text: str, language: str) -> dict[str, str]:
    return {language: text} if text else {}


def records(event: dict[str, Any], settings: FilesSettings, place: Place) -> list[Any]:
    """Return the four records of an event; ValueError if it has no price."""
    venue, language = ref_of(event["venue"]), place.language
    room = f"{venue[:120]}/room"
    area = AreaRecord(
        ref=AREA,
        name={language: "GA"},
        capacity=max(event["capacity"], settings.capacity),
    )
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
            areas=[area],
        ),
        ProductionRecord(
            ref=ref_of(event["name"]),
            version=0,
            genre=event["genre"],
            title={language: event["name"]},
            description=_named(event["description"], language),
        ),
        _performance(event, room, _offers(event, settings, place)),
    ]


def _performance(
    event: dict[str, Any], room: str, offers: list[OfferRecord]
) -> PerformanceRecord:
    return PerformanceRecord(
        ref=event["ref"],
        version=0,
        production=ref_of(event["name"]),
        auditorium=room,
        starts_at=event["starts_at"],
        ends_at=event["ends_at"],
        status=event["status"],
        areas=[AreaSoldRecord(area=AREA, capacity=event["capacity"])],
        offers=offers,
    )


def moment(said: str, zone: str) -> datetime:
    """Read a date-time; one without an offset is of the place's wall clock."""
    found = datetime.fromisoformat(said)
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(zone))
    return found.astimezone(UTC)
