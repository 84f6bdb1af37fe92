"""HFH's words as ours: settings, results, shows, seats. Pure."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from connectors.errors import NoAnswerError, SaidNoError
from connectors.feed.records import (
    AreaSoldRecord,
    AuditoriumRecord,
    OfferRecord,
    PerformanceRecord,
    ProductionRecord,
    SeatRecord,
    VenueRecord,
)
from connectors.ports import Available
from connectors.rules.times import at, wall, wall_date
from connectors.suppliers.amounts import minor_of
from connectors.suppliers.halls import cinema, hall
from connectors.suppliers.settings import Place, Selling

DONE = "0"
NO = {
    "10": ("seats-taken", False),
    "11": ("not-on-sale", False),
    "12": ("lock-expired", False),
    "14": ("price-changed", False),
    "15": ("past-cancellation", False),
    "90": ("not-allowed", True),
}
CONFIRMED, UNKNOWN, CANCELLED = "1", "2", "3"
AISLE, LOVE = "road", "love"
Row = Mapping[str, str]


class HfhSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How an HFH is set up: *ticket_type* is what our sales are booked as."""

    place: Place
    selling: Selling = Selling()
    ticket_type: str = "A"
    days_ahead: int = 3


class HfhCredentials(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom it knows us as."""

    user: str
    password: str


class Show(Struct, frozen=True):
    """A show: every call about it wants all of this."""

    cinema: str
    hall: str
    number: str
    film: str
    on: str
    time: str

    @property
    def ref(self) -> str:
        """The reference of the performance, which stays when it moves."""
        return f"{self.cinema}/{self.number}"

    def named(self) -> dict[str, str]:
        """Return it as calls name it."""
        return {
            "cinemaId": self.cinema,
            "hallId": self.hall,
            "filmId": self.film,
            "showSeqNo": self.number,
            "showDate": self.on,
            "showTime": self.time,
        }


def refuse_unless_done(result: str | None, said: str) -> None:
    """Raise what a result means; what is not in the table is not known."""
    if result == DONE:
        return
    if result in NO:
        reason, is_permanent = NO[result]
        raise SaidNoError(reason, f"{result} {said}", is_permanent=is_permanent)
    raise NoAnswerError(f"unknown result {result} {said}"[:200])


def venue(row: Row, settings: HfhSettings) -> VenueRecord:
    """Return a cinema."""
    city = row.get("cityName")
    return cinema(row["cinemaId"], row["cinemaName"], city, settings.place)


def seat_code(row: Row) -> str:
    """Return the code of a seat: its section, and where it is in the grid."""
    return f"{row['sectionId']}/{row['rowId']}:{row['colId']}"


def room(
    venue_ref: str, ref: str, name: str, seats: Sequence[Row], settings: HfhSettings
) -> AuditoriumRecord:
    """Return a hall: its sections are the price areas; an aisle is no seat."""
    told = (
        (
            row["sectionId"],
            row.get("sectionName") or row["sectionId"],
            row["rowName"],
            _seat(row),
        )
        for row in seats
        if row["type"] != AISLE
    )
    return hall(venue_ref, ref, name, told, settings.place.language)


def _seat(row: Row) -> SeatRecord:
    return SeatRecord(
        number=row["colName"],
        code=seat_code(row),
        x=int(row["colId"]),
        y=int(row["rowId"]),
        pair=row["pairValue"] if row["type"] == LOVE else None,
    )


def production(row: Row, settings: HfhSettings) -> ProductionRecord:
    """Return the film of a show."""
    return ProductionRecord(
        ref=row["filmId"],
        version=0,
        genre="film",
        title={settings.place.language: row["filmName"]},
        runtime_min=int(row["duration"]),
    )


def show_of(venue_ref: str, row: Row) -> Show:
    """Return the show of a row."""
    return Show(
        *(venue_ref, row["hallId"], row["showSeqNo"], row["filmId"]),
        *(row["showDate"], row["showTime"]),
    )


def performance(
    row: Row, place: VenueRecord, rooms: Mapping[str, int], settings: HfhSettings
) -> PerformanceRecord:
    """Return a show: its time is a number (205 is five past two), local."""
    day = wall_date(row["showDate"])
    if day is None:
        message = "it has no date"
        raise ValueError(message)
    begins = wall(day, row["showTime"])
    starts_at = at(begins, place.zone)
    currency, stop = settings.place.currency, settings.selling.stop_selling_min
    prices = dict(
        zip(row["sectionIds"].split("|"), row["prices"].split("|"), strict=True)
    )
    return PerformanceRecord(
        ref=show_of(place.ref, row).ref,
        version=0,
        production=row["filmId"],
        auditorium=f"{place.ref}/{row['hallId']}",
        starts_at=starts_at,
        ends_at=at(begins + timedelta(minutes=int(row["duration"])), place.zone),
        cut_off_at=starts_at - timedelta(minutes=stop) if stop else None,
        status="cancelled" if row["updateType"] == "D" else "scheduled",
        admission="ticket",
        areas=[AreaSoldRecord(area=ref, capacity=n) for ref, n in rooms.items()],
        offers=[
            OfferRecord(
                area=ref,
                price_type="adult",
                currency=currency,
                face_minor=minor_of(prices[ref], currency),
                tickets_max=settings.selling.tickets_max,
            )
            for ref in rooms
        ],
    )


def left_of(seats: Sequence[Row], unsellable: Sequence[Row]) -> Available:
    """Return what is left of a hall: all but what may not be sold."""
    gone = {seat_code(row) for row in unsellable}
    left: dict[str, int | None] = {}
    for row in seats:
        if row["type"] != AISLE:
            section = row["sectionId"]
            left[section] = (left.get(section) or 0) + (seat_code(row) not in gone)
    return Available(left=left, gone=frozenset(gone))
