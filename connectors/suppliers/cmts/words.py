"""CMTS's words, as the hub's: settings, result codes and texts, halls, plans, seats."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

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
from connectors.rules.times import at, ending, wall, wall_date
from connectors.suppliers.amounts import minor_of
from connectors.suppliers.halls import cinema, hall
from connectors.suppliers.settings import Place, Selling

NOT_ON_SALE = datetime(2000, 1, 1, tzinfo=UTC)
DONE, FREE, USABLE, OPEN = "0", "0", "0", "0"
ENDED = "1"
NO = {
    "2": ("not-allowed", True),
    "3": ("not-allowed", True),
    "10": ("seats-taken", False),
    "11": ("not-on-sale", False),
    "12": ("lock-expired", False),
    "13": ("lock-expired", False),
    "14": ("price-changed", False),
    "15": ("past-cancellation", False),
}
TEXTS = [
    (re.compile("签名|验证信息"), "not-allowed"),
    (re.compile("座位.*(已售|已锁|被锁|不可售)"), "seats-taken"),
    (re.compile("(场次|排期).*(不存在|停售|关闭)"), "not-on-sale"),
    (re.compile("订单.*(不存在|已取消|已释放)"), "lock-expired"),
    (re.compile("价格.*(不符|变更|错误)"), "price-changed"),
    (re.compile("(已打印|已取票|不允许退)"), "past-cancellation"),
]
ISSUED, REFUNDED = {"8", "9"}, "7"
NOT_A_SEAT = {"aisle", "空"}
Row = Mapping[str, str]


class CmtsSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a CMTS is set up. *pay_type*: how the cinema books sales of ours."""

    place: Place
    selling: Selling = Selling()
    pay_type: str = "70"
    days_ahead: int = 3
    poll_times: int = 2
    poll_s: float = 0.2


class CmtsCredentials(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The code it knows us by, and the secret we sign with."""

    app_code: str
    check_key: str


class TokenEndedError(Exception):
    """The token is too old: nothing was done, a new one is to be fetched."""


def refuse_unless_done(code: str, said: str) -> None:
    """Raise what a result means; what is not in the tables is not known."""
    if code == DONE:
        return
    if code == ENDED:
        raise TokenEndedError
    if code in NO:
        reason, is_permanent = NO[code]
        raise SaidNoError(reason, f"{code} {said}", is_permanent=is_permanent)
    for pattern, reason in TEXTS:
        if pattern.search(said):
            raise SaidNoError(reason, f"{code} {said}")
    raise NoAnswerError(f"unknown result {code} {said}"[:200])


def venue(row: Row, settings: CmtsSettings) -> VenueRecord:
    """Return a cinema as a record."""
    city = row.get("CityName")
    return cinema(row["CinemaNo"], row["CinemaName"], city, settings.place)


def room(
    venue_ref: str, ref: str, name: str, seats: Sequence[Row], settings: CmtsSettings
) -> AuditoriumRecord:
    """Return a hall as a record: its pieces are the price areas; gaps are no seats."""
    told = (
        (
            seat["SeatPieceNo"],
            seat.get("SeatPieceName") or seat["SeatPieceNo"],
            seat["SeatRow"],
            _seat(seat),
        )
        for seat in seats
        if seat.get("SeatType") not in NOT_A_SEAT
    )
    return hall(venue_ref, ref, name, told, settings.place.language)


def _seat(row: Row) -> SeatRecord:
    x, y = int(row["GraphCol"]), int(row["GraphRow"])
    return SeatRecord(number=row["SeatCol"], code=row["SeatNo"], x=x, y=y)


def production(row: Row, settings: CmtsSettings) -> ProductionRecord:
    """Return the film of a plan as a record."""
    return ProductionRecord(
        ref=row["FilmNo"],
        version=0,
        genre="film",
        title={settings.place.language: row["FilmName"]},
    )


def starts(row: Row) -> datetime:
    """Return when a plan starts, by the cinema's wall clock; ValueError undated."""
    day = wall_date(row["FeatureDate"])
    if day is None:
        message = "it has no date"
        raise ValueError(message)
    return wall(day, row["FeatureTime"])


def performance(
    row: Row, place: VenueRecord, rooms: Mapping[str, int], settings: CmtsSettings
) -> PerformanceRecord:
    """Return a plan as a record; its end is told as a time of day."""
    begins = starts(row)
    starts_at = at(begins, place.zone)
    face = minor_of(row["StandPric"], settings.place.currency)
    stop = timedelta(minutes=settings.selling.stop_selling_min)
    cut_off = starts_at - stop if stop else None
    return PerformanceRecord(
        ref=ref(place, row),
        version=0,
        production=row["FilmNo"],
        auditorium=f"{place.ref}/{row['HallNo']}",
        starts_at=starts_at,
        ends_at=at(ending(begins, row["TotalTime"]), place.zone),
        cut_off_at=cut_off if is_on_sale(row) else NOT_ON_SALE,
        status="cancelled" if row.get("UseSign") == "9" else "scheduled",
        admission="ticket",
        areas=[AreaSoldRecord(area=ref, capacity=n) for ref, n in rooms.items()],
        offers=[
            OfferRecord(
                area=ref,
                price_type="adult",
                currency=settings.place.currency,
                face_minor=face,
                tickets_max=settings.selling.tickets_max,
            )
            for ref in rooms
        ],
    )


def ref(place: VenueRecord, row: Row) -> str:
    """Return the reference of a plan: numbers are the cinema's own."""
    return f"{place.ref}/{row['FeatureAppNo']}"


def left(place: VenueRecord, row: Row) -> tuple[str, Available]:
    """Return a plan's reference, and what is left of all its areas together."""
    seats = {"": int(row["AvailableSeats"])}
    return ref(place, row), Available(left=seats, is_on_sale=is_on_sale(row))


def is_on_sale(row: Row) -> bool:
    """Say whether a plan may be sold."""
    return row.get("UseSign") == USABLE and row.get("SetClose") == OPEN


def left_of(seats: Sequence[Row]) -> Available:
    """Return what is left: a seat whose state is not free is gone."""
    left: dict[str, int | None] = {}
    gone = set()
    for seat in seats:
        piece = seat["SeatPieceNo"]
        left.setdefault(piece, 0)
        if seat["SeatState"] == FREE:
            left[piece] = (left[piece] or 0) + 1
        else:
            gone.add(seat["SeatNo"])
    return Available(left=left, gone=frozenset(gone))
