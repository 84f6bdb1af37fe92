"""pretix's events, series, quotas and seats as records of ours. Pure."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

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
from connectors.ports import Available
from connectors.suppliers.amounts import minor_of
from connectors.suppliers.pretix.shows import (
    Said,
    Sellable,
    Show,
    areas,
    capacity,
    code_of,
    count,
    price,
    quotas_of,
)
from connectors.suppliers.pretix.words import PretixSettings
from connectors.suppliers.text import plain

Names = Mapping[str, str]
WHERE_BYTES = 6
LASTS_MIN = 120  # where it says no end


def names(said: Any, settings: PretixSettings) -> Names:
    """Return a text in its languages; one that has none is in the place's."""
    if isinstance(said, Mapping):
        found = {str(tag): str(one) for tag, one in said.items() if one}
        return found or {settings.place.language: "-"}
    return {settings.place.language: str(said or "-")}


def said_in(told: Names, settings: PretixSettings) -> str:
    """Return a text in the place's language, or in any."""
    return told.get(settings.place.language) or next(iter(told.values()))


def where(event: Said, settings: PretixSettings) -> str:
    """Return the reference of the place of an event: what it says of it.

    In the place's own language: a translation more is no other place.
    """
    told = said_in(names(event["location"] or "", settings), settings)
    told = repr((told, event["timezone"]))
    return hashlib.blake2b(told.encode(), digest_size=WHERE_BYTES).hexdigest()


def venue(event: Said, settings: PretixSettings) -> VenueRecord:
    """Return the place of an event."""
    told = names(event["location"] or event["name"], settings)
    first = {tag: one.splitlines()[0].split(",")[0] for tag, one in told.items()}
    place = settings.place
    return VenueRecord(
        ref=where(event, settings),
        version=0,
        name=first,
        zone=str(event["timezone"]),
        country=place.country,
        city=settings.city,
        business_day_starts=place.business_day_starts,
    )


def left(
    show: Show,
    free: Mapping[int, int],
    gone: frozenset[str] | None,
    settings: PretixSettings,
) -> Available:
    """Return what is left of a show; *free* are the seats of each product."""
    told: dict[str, int | None] = {}
    for ref, sold in areas(show, settings).items():
        numbers = [count(show, sellable) for sellable, _ in sold]
        known = [one for one in numbers if one is not None]
        number = max(known) if len(known) == len(numbers) else None
        if ref.startswith("s"):
            seats = free.get(sold[0][0][0], 0)
            number = seats if number is None else min(seats, number)
        told[ref] = number
    return Available(told, gone=gone if show.seated else None)


def room(
    show: Show, seats: Sequence[Said], venue_ref: str, settings: PretixSettings
) -> AuditoriumRecord:
    """Return what is sold of a show as a room: with seats where it has them."""
    event_name = names(show.event["name"], settings)
    found: list[AreaRecord] = []
    for ref, sold in areas(show, settings).items():
        item = sold[0][0][0]
        if item in show.seated:
            named = {settings.place.language: show.seated[item]}
            rows = _rows([one for one in seats if one["product"] == item])
            found.append(AreaRecord(ref=ref, name=named, rows=rows))
        else:
            told = " + ".join(one["name"] for one in quotas_of(show, sold[0][0]))
            named = {settings.place.language: told[:200]}
            most = capacity(show, sold[0][0], settings)
            found.append(AreaRecord(ref=ref, name=named, capacity=most))
    return AuditoriumRecord(
        ref=show.room_ref,
        version=0,
        venue=venue_ref,
        name=dict(event_name),
        areas=found,
    )


def _rows(seats: Sequence[Said]) -> list[RowRecord]:
    """Return seats by row, as they are listed; rows of zones have their names."""
    has_zones = len({one["zone_name"] for one in seats}) > 1
    rows: dict[str, list[SeatRecord]] = {}
    for one in seats:
        name = str(one["row_label"] or one["row_name"] or "-")
        row = rows.setdefault(f"{one['zone_name']} {name}" if has_zones else name, [])
        number = one["seat_label"] or one["seat_number"] or one["seat_guid"]
        at = SeatRecord(
            number=str(number),
            code=str(one["seat_guid"]),
            x=len(row),
            y=list(rows.values()).index(row),
        )
        row.append(at)
    return [RowRecord(name=name, seats=found) for name, found in rows.items()]


def production(event: Said, settings: PretixSettings) -> ProductionRecord:
    """Return an event as a production: a series is one."""
    return ProductionRecord(
        ref=str(event["slug"]),
        version=0,
        genre=settings.genre,
        title=dict(names(event["name"], settings)),
    )


def performance(
    show: Show, seats: Mapping[str, int], settings: PretixSettings
) -> PerformanceRecord:
    """Return a show; ValueError for one that cannot be sold as it is told.

    *seats*: how many there are of each area of the room, where that is known.
    """
    said = show.said
    starts_at = _moment(said["date_from"])
    if starts_at is None:
        message = "it has no start"
        raise ValueError(message)
    stop = settings.selling.stop_selling_min
    ends = _moment(said["date_to"])
    cut_offs = [_moment(said["presale_end"]), starts_at - timedelta(minutes=stop)]
    sold = areas(show, settings)
    return PerformanceRecord(
        ref=show.ref,
        version=0,
        production=str(show.event["slug"]),
        auditorium=show.room_ref,
        starts_at=starts_at,
        ends_at=ends or starts_at + timedelta(minutes=LASTS_MIN),
        cut_off_at=min(one for one in cut_offs if one is not None),
        on_sale_at=_moment(said["presale_start"]),
        admission="ticket",
        areas=[
            AreaSoldRecord(
                area=ref,
                capacity=seats.get(ref) or capacity(show, own[0][0], settings),
            )
            for ref, own in sold.items()
        ],
        offers=[
            offer
            for ref, own in sold.items()
            for offer in _offers(show, ref, own, settings)
        ],
    )


def _offers(
    show: Show,
    ref: str,
    sold: Sequence[tuple[Sellable, Said]],
    settings: PretixSettings,
) -> Iterator[OfferRecord]:
    seen: set[str] = set()
    currency = str(show.event["currency"])
    for sellable, item in sold:
        variation = next(
            (one for one in item["variations"] if one["id"] == sellable[1]), None
        )
        said = item["name"] if variation is None else variation["value"]
        name = plain(said_in(names(said, settings), settings))
        if name in seen:
            name = plain(f"{name[:16]}-{sellable[0]}-{sellable[1] or 0}")
        seen.add(name)
        most = item["max_per_order"] or settings.selling.tickets_max
        yield OfferRecord(
            area=ref,
            price_type=name,
            currency=currency,
            face_minor=minor_of(price(show, item, variation), currency),
            tax_bp=round(float(item["tax_rate"] or 0) * 100),
            tickets_min=item["min_per_order"] or 1,
            tickets_max=min(int(most), settings.selling.tickets_max),
            code=code_of(sellable),
        )


def _moment(said: str | None) -> datetime | None:
    return None if said is None else datetime.fromisoformat(said).astimezone(UTC)
