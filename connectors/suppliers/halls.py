"""What cinemas' systems tell alike: the cinema, and the seats of a hall by section."""

from collections.abc import Iterable

from connectors.feed.records import (
    AreaRecord,
    AuditoriumRecord,
    RowRecord,
    SeatRecord,
    VenueRecord,
)
from connectors.suppliers.settings import Place

Told = tuple[str, str, str, SeatRecord]  # section, its name, the row, a seat of it


def cinema(ref: str, name: str, city: str | None, place: Place) -> VenueRecord:
    """Return a cinema that says no more of where it is than its city."""
    return VenueRecord(
        ref=ref,
        version=0,
        name={place.language: name},
        zone=place.zone,
        country=place.country,
        city=city or name,
        business_day_starts=place.business_day_starts,
    )


def hall(
    venue_ref: str, ref: str, name: str, seats: Iterable[Told], language: str
) -> AuditoriumRecord:
    """Return a hall: its sections are the price areas, rows as they are first told."""
    sections: dict[str, dict[str, list[SeatRecord]]] = {}
    names: dict[str, str] = {}
    for section, section_name, row, seat in seats:
        names.setdefault(section, section_name)
        sections.setdefault(section, {}).setdefault(row, []).append(seat)
    return AuditoriumRecord(
        ref=ref,
        version=0,
        venue=venue_ref,
        name={language: name},
        areas=[
            AreaRecord(
                ref=section,
                name={language: names[section]},
                rows=[RowRecord(name=n, seats=found) for n, found in rows.items()],
            )
            for section, rows in sections.items()
        ],
    )
