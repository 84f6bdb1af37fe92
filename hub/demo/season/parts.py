"""What all the sample feeds are put together from: moments, seats, areas, offers."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Record = dict[str, Any]

_FACTS = Path(__file__).with_name("facts.json")


def facts() -> dict[str, Any]:
    """Read the facts that the feeds are made from."""
    found: dict[str, Any] = json.loads(_FACTS.read_text(encoding="utf-8"))
    return found


def moment(day: date, clock: time, zone: str) -> datetime:
    """Return a local wall time with the offset that the zone has on that day."""
    return datetime.combine(day, clock, ZoneInfo(zone))


def moved(day: str, weeks: int) -> date:
    """Return a day some whole weeks later, so that it stays the same weekday."""
    return date.fromisoformat(day) + timedelta(weeks=weeks)


def record(kind: str, ref: str, **fields: Any) -> Record:
    """Return the first version of a record."""
    return {"type": kind, "ref": ref, "version": 1, **fields}


def row(name: str, places: Iterable[tuple[int, int]]) -> Record:
    """Return a row of seats, numbered from 1 in the order of their places."""
    seats = [
        {"number": str(number), "x": x, "y": y}
        for number, (x, y) in enumerate(places, start=1)
    ]
    return {"name": name, "seats": seats}


def straight(name: str, *, seats: int, y: int, step: int) -> Record:
    """Return a straight row, its middle at x = 0."""
    left = -(seats - 1) * step // 2
    return row(name, [(left + step * at, y) for at in range(seats)])


def seated(ref: str, name: Mapping[str, str], rows: list[Record]) -> Record:
    """Return an area with rows, the best one first."""
    return {"ref": ref, "name": dict(name), "rows": rows}


def standing(ref: str, name: Mapping[str, str], capacity: int) -> Record:
    """Return an area that is only counted."""
    return {"ref": ref, "name": dict(name), "capacity": capacity}


def capacity(area: Record) -> int:
    """Return how many places an area has."""
    if "capacity" in area:
        return int(area["capacity"])
    return sum(len(found["seats"]) for found in area["rows"])


def sold(areas: Iterable[Record]) -> list[Record]:
    """Return whole areas as they are sold."""
    return [{"area": area["ref"], "capacity": capacity(area)} for area in areas]


def share(price: int, percent: int, *, step: int = 1) -> int:
    """Return a percentage of a price, rounded down to a multiple of *step*."""
    return price * percent // (100 * step) * step


def offer(area: str, price_type: str, currency: str, face: int, **more: int) -> Record:
    """Return a price of an area; *more* holds what is not the default."""
    return {
        "area": area,
        "price_type": price_type,
        "currency": currency,
        "face_minor": face,
        **more,
    }
