"""What another hub shows its agent as records of ours: its ids are references. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from connectors.feed.records import (
    AreaRecord,
    AreaSoldRecord,
    AuditoriumRecord,
    OfferRecord,
    PerformanceRecord,
    ProductionRecord,
    ResaleRecord,
    RowRecord,
    SeatRecord,
    VenueRecord,
)
from connectors.ports import Available
from connectors.suppliers.hub.words import moment

Said = Mapping[str, Any]
OPENS_LATER = {"sales-not-open"}


def venue(said: Said) -> VenueRecord:
    """Return a venue."""
    return VenueRecord(
        ref=str(said["id"]),
        version=0,
        name=dict(said["name"]),
        zone=said["zone"],
        country=said["country"],
        city=said["city"],
    )


def room(said: Said, seats: Sequence[Said]) -> AuditoriumRecord:
    """Return an auditorium, with its seats as a performance there has them."""
    areas = []
    for area in said["areas"]:
        own = [seat for seat in seats if seat["area"] == area["area"]]
        named = {"ref": area["area"], "name": dict(area["name"])}
        if area["is_seated"] and not own:
            continue  # nobody has told its seats: it is not empty, but unknown
        if area["is_seated"]:
            areas.append(AreaRecord(**named, rows=_rows(own)))
        else:
            areas.append(AreaRecord(**named, capacity=area["capacity"]))
    return AuditoriumRecord(
        ref=str(said["id"]),
        version=0,
        venue=str(said["venue_id"]),
        name=dict(said["name"]),
        areas=areas,
    )


def _rows(seats: Sequence[Said]) -> list[RowRecord]:
    rows: dict[str, list[SeatRecord]] = {}
    for seat in sorted(seats, key=lambda one: (one["y"], one["x"])):
        made = SeatRecord(
            number=seat["number"],
            code=str(seat["id"]),
            x=seat["x"],
            y=seat["y"],
            kind=seat["kind"],
            pair=seat["pair"],
        )
        rows.setdefault(seat["row"], []).append(made)
    return [RowRecord(name=name, seats=found) for name, found in rows.items()]


def production(said: Said) -> ProductionRecord:
    """Return the production of a performance."""
    return ProductionRecord(
        ref=str(said["production_id"]),
        version=0,
        genre=said["genre"],
        title=dict(said["title"]),
    )


def is_ours(said: Said, told: Said) -> bool:
    """Say whether we can sell a performance: it has offers, and wants no names."""
    return said["names"] == "none" and any(area["offers"] for area in told["areas"])


def performance(
    said: Said, told: Said, rooms: Mapping[str, int], tickets_max: int
) -> PerformanceRecord:
    """Return a performance with what its availability offers us."""
    cut_off, on_sale, ends = said["cut_off_at"], said["on_sale_at"], said["ends_at"]
    offered = [
        area for area in told["areas"] if area["offers"] and area["area"] in rooms
    ]
    return PerformanceRecord(
        ref=str(said["id"]),
        version=0,
        production=str(said["production_id"]),
        auditorium=str(said["auditorium_id"]),
        starts_at=moment(said["starts_at"]),
        ends_at=None if ends is None else moment(ends),
        business_on=said["business_on"],
        open_dated=said["is_open_dated"],
        on_sale_at=None if on_sale is None else moment(on_sale),
        cut_off_at=None if cut_off is None else moment(cut_off),
        status=said["status"],
        admission=said["admission"],
        areas=[
            AreaSoldRecord(area=area["area"], capacity=rooms[area["area"]])
            for area in offered
        ],
        offers=[offer for area in offered for offer in _offers(area, tickets_max)],
    )


def _offers(area: Said, tickets_max: int) -> Iterator[OfferRecord]:
    for one in area["offers"]:
        floor, ceiling = one["resale_floor_minor"], one["resale_ceiling_minor"]
        bounds = ResaleRecord(floor_minor=floor, ceiling_minor=ceiling)
        is_bound = floor is not None or ceiling is not None
        yield OfferRecord(
            area=area["area"],
            price_type=one["price_type"],
            currency=one["currency"],
            face_minor=one["face_minor"],
            booking_fee_minor=one["booking_fee_minor"],
            tax_bp=one["tax_bp"],
            tickets_min=one["tickets_min"],
            tickets_max=min(one["tickets_max"], tickets_max),
            resale=bounds if is_bound else UNSET,
            code=str(one["offer_id"]),
        )


def left(told: Said) -> Available:
    """Return what we may sell of a performance: our allotment there, as it stands."""
    numbers = {
        area["area"]: area["available"] for area in told["areas"] if area["offers"]
    }
    opens = told["not_on_sale_because"] in OPENS_LATER  # which we are told beside
    return Available(numbers, is_on_sale=told["is_on_sale"] or opens)
