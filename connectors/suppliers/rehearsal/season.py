"""What a rehearsal supplier has on: one play, one room with an area a behaviour."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from connectors.feed.records import (
    AreaRecord,
    AreaSoldRecord,
    AuditoriumRecord,
    OfferRecord,
    PerformanceRecord,
    ProductionRecord,
    RowRecord,
    SeatRecord,
    VenueRecord,
)
from connectors.suppliers.rehearsal.words import BEHAVIOURS, STALLS, RehearsalSettings

VENUE, ROOM, PLAY = "rehearsal-cinema", "screen-1", "by-its-word"
CAPACITY, SEATS = 500, 10
FACE_MINOR = {"adult": 1_200, "child": 800}
EVENING = time(20, 0)


def venue(settings: RehearsalSettings) -> VenueRecord:
    """Return the cinema."""
    return VenueRecord(
        ref=VENUE,
        version=1,
        name={"en": "Rehearsal cinema"},
        zone=settings.zone,
        country="AT",
        city="Sandbox",
    )


def room() -> AuditoriumRecord:
    """Return its room: standing areas, and stalls with a row a behaviour."""
    standing = [
        AreaRecord(ref=name, name={"en": said}, capacity=CAPACITY)
        for name, said in BEHAVIOURS.items()
    ]
    rows = [
        RowRecord(
            name=name,
            seats=[
                SeatRecord(number=str(no), x=no, y=y, code=f"{name}/{no}")
                for no in range(1, SEATS + 1)
            ],
        )
        for y, name in enumerate(BEHAVIOURS)
    ]
    stalls = AreaRecord(ref=STALLS, name={"en": "Stalls"}, rows=rows)
    return AuditoriumRecord(
        ref=ROOM,
        version=1,
        venue=VENUE,
        name={"en": "Screen 1"},
        areas=[stalls, *standing],
    )


def play() -> ProductionRecord:
    """Return what is on."""
    said = "Sold by its supplier's word: the area, or the row, says how that goes"
    return ProductionRecord(
        ref=PLAY,
        version=1,
        genre="film",
        title={"en": "Sold by its word"},
        description={"en": said},
        runtime_min=100,
    )


def performances(settings: RehearsalSettings) -> Iterator[PerformanceRecord]:
    """Yield a performance for each day of the season."""
    first = date.fromisoformat(settings.first)
    zone = ZoneInfo(settings.zone)
    areas = [AreaSoldRecord(area=name, capacity=CAPACITY) for name in BEHAVIOURS]
    areas.append(AreaSoldRecord(area=STALLS, capacity=SEATS * len(BEHAVIOURS)))
    offers = [
        OfferRecord(
            area=area.area,
            price_type=price_type,
            currency=settings.currency,
            face_minor=face,
            code=price_type,
        )
        for area in areas
        for price_type, face in FACE_MINOR.items()
    ]
    for day in settings.days:
        on = first + timedelta(days=day)
        starts_at = datetime.combine(on, EVENING, zone)
        yield PerformanceRecord(
            ref=f"{PLAY}-{on.isoformat()}",
            version=1,
            production=PLAY,
            auditorium=ROOM,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=100),
            areas=areas,
            offers=offers,
        )
