"""Periods: months of a contract's own zone, half-open."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from settlement.errors import UnknownPeriodError

_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])\Z")


@dataclass(frozen=True, slots=True)
class Period:
    """From *starts_at* on, up to but not including *ends_at* (aware UTC)."""

    name: str
    starts_at: datetime
    ends_at: datetime


def month(name: str, zone: str) -> Period:
    """Return a month as clocks in *zone* show it; UnknownPeriodError if it is none."""
    found = _MONTH.match(name)
    if found is None:
        raise UnknownPeriodError(period=name)
    year, number = int(found[1]), int(found[2])
    following = (year + number // 12, number % 12 + 1)
    return Period(name, _first(year, number, zone), _first(*following, zone))


def year_of(period: Period, zone: str) -> Period:
    """Return the year that a month of *zone* lies in."""
    year = int(period.name[:4])
    return Period(str(year), _first(year, 1, zone), _first(year + 1, 1, zone))


def _first(year: int, number: int, zone: str) -> datetime:
    return datetime(year, number, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
