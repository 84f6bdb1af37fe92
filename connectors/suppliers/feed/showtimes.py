"""The open cinema showtimes JSON (cinemashowtimes-json/1.0), as records.

Source: jamiegau/CinemaShowtimes-JSON (MIT). Classes of seats are price areas; capacity
is the class's ``seats_total``, what is left is not taken over: the hub does not sell
what it only reads of, unless an agreement says so.
"""

from datetime import datetime
from decimal import Decimal

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
from connectors.suppliers.settings import Place
from connectors.suppliers.text import minor, plain, ref_of

SPEC = "cinemashowtimes-json/1"
TICKETS_MAX = 10


def read(said: Json, settings: FilesSettings) -> Found:
    """Read a file of one cinema; ValueError if it is of another kind."""
    if not str(said.get("spec", "")).startswith(SPEC):
        message = f"not {SPEC}: {said.get('spec')!r}"
        raise ValueError(message)
    place = settings.place
    if place is None:
        message = "this format needs settings.place: country and currency"
        raise ValueError(message)
    found = Found()
    cinema = said["cinema"]
    venue = ref_of(cinema["cinema_id"])
    found.add([_venue(cinema, place)])
    language = place.language
    for film in said.get("films", ()):
        found.add(
            [
                ProductionRecord(
                    ref=ref_of(film["film_id"]),
                    version=0,
                    genre="film",
                    title={language: film["title"]},
                    runtime_min=film.get("runtime_minutes"),
                )
            ]
        )
    sessions = said.get("sessions", ())
    sizes = _sizes(sessions)
    for room in said.get("auditoria", ()):
        found.add([_room(room, venue, language, sizes.get(room["auditorium_id"], {}))])
    for session in sessions:
        try:
            found.add([_performance(session, place)])
        except (KeyError, ValueError) as error:
            found.skipped.append(f"{session.get('session_id')}: {error!r}")
    return found


def _venue(cinema: Json, place: Place) -> VenueRecord:
    return VenueRecord(
        ref=ref_of(cinema["cinema_id"]),
        version=0,
        name={place.language: cinema["name"]},
        zone=cinema.get("timezone") or place.zone,
        country=place.country,
        city=str(cinema.get("address") or cinema["name"])[:64],
        business_day_starts=place.business_day_starts,
    )


def _sizes(sessions: Json) -> dict[str, dict[str, int]]:
    """Return the size of each class of each room: the largest a session tells."""
    found: dict[str, dict[str, int]] = {}
    for session in sessions:
        room = found.setdefault(session["auditorium_id"], {})
        for one in session.get("availability_by_class", ()):
            name = one["class_id"]
            room[name] = max(room.get(name, 0), int(one.get("seats_total") or 0))
    return found


def _room(
    room: Json, venue: str, language: str, sizes: dict[str, int]
) -> AuditoriumRecord:
    classes = room.get("seat_classes") or [{"class_id": "ALL", "display_name": "All"}]
    alone = len(classes) == 1
    return AuditoriumRecord(
        ref=ref_of(room["auditorium_id"]),
        version=0,
        venue=venue,
        name={language: room["name"]},
        areas=[
            AreaRecord(
                ref=ref_of(one["class_id"]),
                name={language: one.get("display_name") or one["class_id"]},
                capacity=sizes.get(one["class_id"])
                or (int(room.get("seat_count") or 0) if alone else 0),
            )
            for one in classes
        ],
    )


def _performance(session: Json, place: Place) -> PerformanceRecord:
    starts_at = _moment(session, "start_time_utc", "start_time_local")
    if starts_at is None:
        message = "it says no start"
        raise ValueError(message)
    offers = [
        OfferRecord(
            area=ref_of(one["class_id"]),
            price_type=plain(one["category"]),
            currency=one.get("currency") or place.currency,
            face_minor=minor(
                Decimal(str(one["price"])), one.get("currency") or place.currency
            ),
            tickets_max=TICKETS_MAX,
        )
        for one in session.get("pricing", ())
    ]
    totals = {
        ref_of(one["class_id"]): int(one.get("seats_total") or 0)
        for one in session.get("availability_by_class", ())
    }
    priced = {offer.area for offer in offers}
    return PerformanceRecord(
        ref=ref_of(session["session_id"]),
        version=0,
        production=ref_of(session["film_id"]),
        auditorium=ref_of(session["auditorium_id"]),
        starts_at=starts_at,
        ends_at=_moment(session, "end_time_utc", "end_time_local"),
        status="cancelled" if session.get("status") == "cancelled" else "scheduled",
        areas=[
            AreaSoldRecord(area=ref, capacity=totals.get(ref, 0))
            for ref in sorted(priced)
        ],
        offers=offers,
    )


def _moment(session: Json, *names: str) -> datetime | None:
    said = next((session[name] for name in names if session.get(name)), None)
    return None if said is None else datetime.fromisoformat(said)
