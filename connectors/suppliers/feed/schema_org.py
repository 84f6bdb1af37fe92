"""schema.org Event as JSON-LD, as records. Source: schema.org/Event."""

from collections.abc import Iterator
from typing import Any

from connectors.suppliers.feed.events import moment, place_of, records
from connectors.suppliers.feed.found import FilesSettings, Found, Json
from connectors.suppliers.settings import Place
from connectors.suppliers.text import ref_of

GENRES = {
    "ScreeningEvent": "film",
    "TheaterEvent": "stage",
    "MusicEvent": "stage",
    "DanceEvent": "stage",
    "ComedyEvent": "stage",
    "SportsEvent": "sport",
}
STATES = {"EventCancelled": "cancelled", "EventPostponed": "postponed"}


def read_schema_org(said: Json, settings: FilesSettings) -> Found:
    """Read JSON-LD: an event, a list of them, or a graph."""
    found, place = Found(), place_of(settings)
    for event in _events(said):
        try:
            found.add(_of_schema_org(event, settings, place))
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            found.skipped.append(f"{event.get('name')}: {error!r}")
    return found


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
    starts_at, ends = moment(event["startDate"], place.zone), event.get("endDate")
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
    return records(
        {
            "ref": ref_of(ref if isinstance(ref, str) else ref.get("value")),
            "name": name,
            "description": event.get("description") or "",
            "genre": genre,
            "starts_at": starts_at,
            "ends_at": moment(ends, place.zone) if ends else None,
            "status": STATES.get(status, "scheduled"),
            "venue": where["name"],
            "city": address.get("addressLocality") or where["name"],
            "country": str(address.get("addressCountry") or place.country)[:2].upper(),
            "capacity": int(event.get("maximumAttendeeCapacity") or settings.capacity),
            "prices": prices,
        },
        settings,
        place,
    )
