"""OTSAPI's words as ours: settings, results, sessions, seats. Pure.

Source: GY/T 276 as its users send and read it (elements, attributes, vocabularies).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

from lxml import etree
from msgspec import Meta, Struct

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
from connectors.ports import Answer, Available, OrderWanted, Sold, Standing, TicketSold
from connectors.rules.times import at
from connectors.suppliers import xml
from connectors.suppliers.amounts import minor_of
from connectors.suppliers.halls import cinema, hall
from connectors.suppliers.settings import Place, Selling

DONE, YES, NOT, AVAILABLE = "Success", "Yes", "No", "Available"
NO = {
    "10208": ("seats-taken", False),
    "10210": ("lock-expired", False),
    "10252": ("price-changed", False),
    "10301": ("not-on-sale", False),
    "10401": ("past-cancellation", False),
    "10001": ("not-allowed", True),
}
Row = Mapping[str, str]


class OtsapiSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How it is read: *cinemas* by their national codes, as it lists none.

    *keeps_code*: an order keeps its code when it is sold. Where it does not, one that
    is not known may be sold all the same, and somebody asks.
    """

    place: Place
    cinemas: Annotated[list[str], Meta(min_length=1, max_length=1_000)]
    selling: Selling = Selling()
    days_ahead: Annotated[int, Meta(ge=0, le=60)] = 3
    keeps_code: bool = True


class OtsapiCredentials(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom it knows us as; our key, and its certificate, both as PEM."""

    user: Annotated[str, Meta(min_length=1)]
    password: Annotated[str, Meta(min_length=1)]
    key: Annotated[str, Meta(min_length=1)]
    certificate: Annotated[str, Meta(min_length=1)]


def refuse_unless_done(reply: etree._Element) -> None:
    """Raise what a result means; what is not in the table is not known."""
    code, said = reply.get("ErrorCode", ""), reply.get("ErrorMessage", "")
    if reply.get("Status") == DONE:
        return
    if code in NO:
        reason, is_permanent = NO[code]
        raise SaidNoError(reason, f"{code} {said}", is_permanent=is_permanent)
    raise NoAnswerError(f"unknown result {reply.get('Status')} {code} {said}"[:200])


def venue(told: etree._Element, settings: OtsapiSettings) -> VenueRecord:
    """Return a cinema."""
    return cinema(told.attrib["Code"], told.attrib["Name"], None, settings.place)


def room(
    venue_ref: str, ref: str, seats: Sequence[Row], settings: OtsapiSettings
) -> AuditoriumRecord:
    """Return a screen: its groups of seats are the price areas."""
    told = (
        (
            row["GroupCode"],
            row["GroupCode"],
            row["RowNum"],
            SeatRecord(
                number=row["ColumnNum"],
                code=row["Code"],
                x=int(row["XCoord"]),
                y=int(row["YCoord"]),
            ),
        )
        for row in seats
    )
    return hall(venue_ref, ref, ref.rpartition("/")[2], told, settings.place.language)


def production(films: Sequence[Row], settings: OtsapiSettings) -> ProductionRecord:
    """Return what a session shows: a film, or several that are shown as one."""
    return ProductionRecord(
        ref=film_ref(films),
        version=0,
        genre="film",
        title={settings.place.language: " + ".join(film["Name"] for film in films)},
        runtime_min=runtime(films) or None,
    )


def films_of(session: etree._Element) -> Sequence[Row]:
    """Return the films of a session in their order; ValueError if it has none."""
    found = sorted(xml.rows(session, "Film"), key=lambda row: int(row["Sequence"]))
    if not found:
        message = "it has no film"
        raise ValueError(message)
    return found


def film_ref(films: Sequence[Row]) -> str:
    """Return the reference of what is shown: the codes of all films."""
    return "+".join(film["Code"] for film in films)


def runtime(films: Sequence[Row]) -> int:
    """Return how long all films take, in minutes."""
    return sum(int(film["Duration"] or 0) for film in films)


def performance(
    session: etree._Element,
    place: VenueRecord,
    rooms: Mapping[str, int],
    settings: OtsapiSettings,
) -> PerformanceRecord:
    """Return a session; ValueError or KeyError for one that cannot be read."""
    films, stop = films_of(session), settings.selling.stop_selling_min
    begins = datetime.fromisoformat(session.findtext("StartTime") or "")
    starts_at = at(begins, place.zone)
    currency, minutes = settings.place.currency, runtime(films)
    price = minor_of(session.findtext("Price/StandardPrice") or "", currency)
    return PerformanceRecord(
        ref=f"{place.ref}/{session.findtext('Code')}",
        version=0,
        production=film_ref(films),
        auditorium=f"{place.ref}/{session.attrib['ScreenCode']}",
        starts_at=starts_at,
        ends_at=at(begins + timedelta(minutes=minutes), place.zone)
        if minutes
        else None,
        cut_off_at=starts_at - timedelta(minutes=stop) if stop else None,
        admission="order",
        areas=[AreaSoldRecord(area=ref, capacity=n) for ref, n in rooms.items()],
        offers=[
            OfferRecord(
                area=ref,
                price_type="adult",
                currency=currency,
                face_minor=price,
                tickets_max=settings.selling.tickets_max,
            )
            for ref in rooms
        ],
    )


def left_of(seats: Sequence[Row], groups: Mapping[str, str]) -> Available:
    """Return what is left of a session: *groups* are those of the seats, by code."""
    left: dict[str, int | None] = dict.fromkeys(groups.values(), 0)
    gone = set()
    for row in seats:
        if row["Status"] == AVAILABLE:
            group = groups[row["Code"]]
            left[group] = (left[group] or 0) + 1
        else:
            gone.add(row["Code"])
    return Available(left, gone=frozenset(gone))


def unlocks_at(order: etree._Element, zone: str, agreed: datetime) -> datetime:
    """Return until when seats are locked there; as was *agreed* if it does not say."""
    try:
        return at(datetime.fromisoformat(order.get("AutoUnlockDatetime", "")), zone)
    except ValueError:
        return agreed


def sold(order: OrderWanted, theirs: str, print_no: str, verify: str) -> Sold:
    """Return what was sold: tickets are fetched by one number and its check code."""
    if not print_no or not verify:
        raise NoAnswerError("it says sold, without a number to fetch the tickets by")
    tickets = tuple(
        TicketSold(f"{print_no} {verify}", code) for code in order.seat_codes()
    )
    return Sold(theirs, tickets, is_shared=True)


def answer(wanted: OrderWanted, order: etree._Element) -> Answer:
    """Return how an order stands: locked until it has a number, sold, given back."""
    theirs = order.attrib["OrderCode"]
    seats = xml.rows(order, "Seat")
    if {row["SeatCode"] for row in seats} != set(wanted.seat_codes()):
        raise NoAnswerError("an order of other seats")
    print_no = order.findtext("PrintNo") or ""
    if not print_no:
        return Answer(Standing.LOCKED, theirs=theirs)
    if all(row.get("RefundStatus") == YES for row in seats):
        return Answer(Standing.CANCELLED, theirs=theirs)
    verify = order.findtext("VerifyCode") or ""
    return Answer(Standing.SOLD, sold(wanted, theirs, print_no, verify), theirs)


def order_of(wanted: OrderWanted, **named: str) -> etree._Element:
    """Return an order as queries have it: its seats, and how many."""
    codes = wanted.seat_codes()
    order = etree.Element("Order", {**named, "Count": str(len(codes))})
    for code in codes:
        etree.SubElement(order, "Seat", SeatCode=code)
    return order


def key_of(wanted: OrderWanted) -> str:
    """Return their key; NoAnswerError if it was never told, for then nobody knows."""
    if wanted.theirs is None:
        raise NoAnswerError("its key was in a reply that was lost")
    return wanted.theirs
