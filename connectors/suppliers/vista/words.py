"""Vista's words, as the hub's: settings, result codes, seats."""

from typing import Any

from msgspec import Struct

from connectors.errors import NoAnswerError, SaidNoError
from connectors.feed.records import (
    AreaRecord,
    AuditoriumRecord,
    RowRecord,
    SeatRecord,
)
from connectors.ports import Available
from connectors.suppliers.settings import Place, PriceType, Selling

OK, EMPTY = "OK", "Empty"
NO = {
    "SeatsUnavailable": "seats-taken",
    "FailedSeatDataRetrieve": "not-on-sale",
    "PrepareOrderForCompleteError": "lock-expired",
    "FailedOrderValueProcess": "price-changed",
    "PaymentDeclined": "not-allowed",
    "UnpaidBookingsDisallowed": "not-allowed",
    "VouchersDisallowed": "not-allowed",
    "InvalidRequestData": "changed",
    "PaymentVoidSuccessPostCommit": "other",
    "PaymentVoidSuccessPreCommit": "other",
    "PaymentVoidSuccessPayTotalMismatch": "price-changed",
}
PLACEHOLDER, SEAT_SHIFT = "Placeholder", 100


class VistaSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a Vista is set up. *price_types*: its ticket type codes, as the hub's."""

    place: Place
    selling: Selling = Selling()
    client_class: str = "WWW"
    client_name: str = "hub"
    price_types: dict[str, PriceType] = {}


class VistaCredentials(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What it knows us by: a Vista trusts its network, and this."""

    client_id: str


def refuse_unless_ok(result: str | None, said: str | None) -> None:
    """Raise what a result code means: a refusal, or that nobody knows.

    Several mean that money moved and the booking is unsure; an unknown one may.
    """
    if result == OK:
        return
    if result in NO:
        raise SaidNoError(NO[result], f"{result}: {said or ''}")
    raise NoAnswerError(f"{result}: {said or ''}"[:200])


def code_of(area: str, position: Any) -> str:
    """Return the code of a seat: its place in the map, never what is printed on it."""
    place = f"{position.AreaNumber}-{position.RowIndex}-{position.ColumnIndex}"
    return f"{area}/{place}"


def place_of(code: str) -> dict[str, Any]:
    """Return the place in the map a seat's code stands for."""
    area, _, place = code.rpartition("/")
    number, row, column = (int(part) for part in place.split("-"))
    return {
        "AreaCategoryCode": area,
        "AreaNumber": number,
        "RowIndex": row,
        "ColumnIndex": column,
    }


def room(venue: str, ref: str, name: str, theatre: Any) -> AuditoriumRecord:
    """Return a seat map as a record; one price area for each of its categories."""
    rows: dict[str, list[RowRecord]] = {}
    names: dict[str, str] = {}
    counted: dict[str, int] = {}
    for area in theatre.Areas.Area:
        category = area.AreaCategoryCode
        names.setdefault(category, area.Description or category)
        if not area.IsAllocatedSeating:
            counted[category] = counted.get(category, 0) + area.NumberOfSeats
            continue
        found = rows.setdefault(category, [])
        for row in area.Rows.Row if area.Rows else ():
            seats = [_seat(category, seat) for seat in _seats(row)]
            if seats:
                found.append(RowRecord(name=row.PhysicalName, seats=seats))
    areas = [
        AreaRecord(ref=code, name={"en": names[code]}, rows=found)
        for code, found in rows.items()
        if found
    ] + [
        AreaRecord(ref=code, name={"en": names[code]}, capacity=seats)
        for code, seats in counted.items()
    ]
    return AuditoriumRecord(
        ref=ref, version=0, venue=venue, name={"en": name}, areas=areas
    )


def _seats(row: Any) -> list[Any]:
    seats = row.Seats.Seat if row.Seats else []
    return [seat for seat in seats if seat.Status != PLACEHOLDER]


def _seat(category: str, seat: Any) -> SeatRecord:
    at = seat.Position
    group = seat.SeatsInGroup.SeatPosition if seat.SeatsInGroup else []
    pair = min((place.ColumnIndex for place in group), default=None)
    return SeatRecord(
        number=seat.Id,
        code=code_of(category, at),
        x=at.ColumnIndex * SEAT_SHIFT,
        y=at.RowIndex * SEAT_SHIFT,
        kind="companion" if seat.OriginalStatus == "Companion" else "standard",
        pair=None if pair is None else f"{at.RowIndex}-{pair}",
    )


def left_of(theatre: Any) -> Available:
    """Return what is left: every seat that is not empty is gone, whatever it is."""
    left: dict[str, int | None] = {}
    gone: set[str] = set()
    for area in theatre.Areas.Area:
        category = area.AreaCategoryCode
        if not area.IsAllocatedSeating:
            left[category] = (left.get(category) or 0) + area.NumberOfSeats
            continue
        for row in area.Rows.Row if area.Rows else ():
            for seat in _seats(row):
                if seat.Status == EMPTY:
                    left[category] = (left.get(category) or 0) + 1
                else:
                    gone.add(code_of(category, seat.Position))
        left.setdefault(category, 0)
    return Available(left=left, gone=frozenset(gone))
