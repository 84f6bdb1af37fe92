"""CGR's words as ours: settings, refusals, showings. Pure.

Source: the WSDL of GestionCinemaWS as published by its users, with what they send and
read; its refusals are told apart by their French texts, for there is one code for all.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
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
from connectors.ports import Available, Sold, TicketSold
from connectors.rules.times import at
from connectors.suppliers.amounts import minor_of
from connectors.suppliers.halls import cinema
from connectors.suppliers.settings import Place, Selling

AREA = "GA"
DONE, ALREADY_CANCELLED = 0, 1
Said = Mapping[str, Any]
TEXTS = (
    (r"Impossible de délivrer \d+ places", "seats-taken", False),
    (r"Séance inconnue", "not-on-sale", False),
    (r".*IdSeance\(\d+\) inconnu", "not-on-sale", False),
    (r".*(utilisateur|mot de passe)", "not-allowed", True),
)


class CgrSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A cinema: *number* is what its chain calls it; it tells no more of itself.

    *capacity*: places of its largest room, for it tells what is left and no more.
    *first_name*, *last_name*, *email*: in whose name it books, never a buyer's.
    *silence_is_refusal*: that it takes back what it cannot answer in time was agreed,
    and is relied on; else somebody asks it.
    """

    place: Place
    selling: Selling = Selling()
    number: Annotated[int, Meta(ge=1)]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    city: Annotated[str, Meta(min_length=1, max_length=200)]
    capacity: Annotated[int, Meta(ge=1, le=500_000)]
    email: Annotated[str, Meta(pattern=r"^\S+@\S+\Z")]
    first_name: str = "-"
    last_name: str = "Hub"
    genre: Literal["film", "stage", "sport", "general"] = "film"
    silence_is_refusal: bool = False


class CgrCredentials(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom it knows us as."""

    user: Annotated[str, Meta(min_length=1)]
    password: Annotated[str, Meta(min_length=1)]


class Showing(Struct, frozen=True):
    """What is sold of a showing at this moment: how many, at one price."""

    film: str
    left: int
    price_minor: int
    starts: str


def refused(code: int, text: str) -> SaidNoError | NoAnswerError:
    """Return what a code and its text mean; a text that is not known is no refusal."""
    for pattern, reason, is_permanent in TEXTS:
        if re.match(pattern, text):
            return SaidNoError(reason, f"{code} {text}", is_permanent=is_permanent)
    return NoAnswerError(f"error {code}, which is not known: {text}"[:200])


def venue(settings: CgrSettings) -> VenueRecord:
    """Return the cinema."""
    number = str(settings.number)
    return cinema(number, settings.name, settings.city, settings.place)


def room(venue_ref: str, ref: str, settings: CgrSettings) -> AuditoriumRecord:
    """Return all of a cinema's rooms as one, for it does not tell them apart."""
    name = {settings.place.language: settings.name}
    area = AreaRecord(ref=AREA, name=name, capacity=settings.capacity)
    return AuditoriumRecord(
        ref=ref, version=0, venue=venue_ref, name=name, areas=[area]
    )


def each(films: Sequence[Said]) -> Iterator[tuple[Said, Said]]:
    """Yield each showing with its film."""
    for film in films:
        for showing in film["Seances"]:
            yield film, showing


def showing(film: Said, said: Said, settings: CgrSettings) -> Showing:
    """Return what is sold of a showing; ValueError for an amount that is none."""
    price = minor_of(str(said["PrixUnitaire"]), settings.place.currency)
    return Showing(
        film=str(film["IDFilmAlloCine"]),
        left=int(said["NbPlacesRestantes"]),
        price_minor=price,
        starts=f"{said['Date']}T{said['Heure']}",
    )


def left(found: Showing) -> Available:
    """Return what is left of a showing."""
    return Available({AREA: found.left})


def production(film: Said, settings: CgrSettings) -> ProductionRecord:
    """Return a film."""
    return ProductionRecord(
        ref=str(film["IDFilm"]),
        version=0,
        genre=settings.genre,
        title={settings.place.language: str(film["Titre"])},
        runtime_min=int(film["Duree"] or 0) or None,
    )


def performance(film: Said, said: Said, settings: CgrSettings) -> PerformanceRecord:
    """Return a showing; ValueError or KeyError for one that cannot be read."""
    zone, stop = settings.place.zone, settings.selling.stop_selling_min
    day, hour = date.fromisoformat(said["Date"]), time.fromisoformat(said["Heure"])
    begins = datetime.combine(day, hour)
    starts_at = at(begins, zone)
    minutes = int(film["Duree"] or 0)
    found = showing(film, said, settings)
    return PerformanceRecord(
        ref=f"{settings.number}/{said['IDSeance']}",
        version=0,
        production=str(film["IDFilm"]),
        auditorium=str(settings.number),
        starts_at=starts_at,
        ends_at=at(begins + timedelta(minutes=minutes), zone) if minutes else None,
        cut_off_at=starts_at - timedelta(minutes=stop) if stop else None,
        admission="order",
        areas=[AreaSoldRecord(area=AREA, capacity=settings.capacity)],
        offers=[
            OfferRecord(
                area=AREA,
                price_type="adult",
                currency=settings.place.currency,
                face_minor=found.price_minor,
                tickets_max=settings.selling.tickets_max,
            )
        ],
    )


def sold(said: Said, quantity: int) -> Sold:
    """Return what a reservation has sold: one code lets all in, each to its seat.

    NoAnswerError if it has no code: it is sold, and nobody could be let in.
    """
    code = str(said.get("QrCode") or "")
    if not code:
        raise NoAnswerError("it says sold, without a code")
    told = str(said.get("Placement") or "").strip()
    seats = [one.strip() for one in told.split(",") if one.strip()]
    places: Sequence[str | None] = seats
    if len(seats) != quantity:  # it is text, and no list: all of it on each
        places = [told or None] * quantity
    tickets = tuple(TicketSold(code, placement=one) for one in places)
    return Sold(code, tickets, is_shared=True)
