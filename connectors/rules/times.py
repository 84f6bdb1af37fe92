"""Times as suppliers write them, read into aware UTC; each way has one reader."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NEVER = {"", "0000-00-00", "0000-00-00 00:00:00", "18991230", "1899-12-30"}
MINUTES_MAX, HOURS_MAX = 59, 47


def at(local: datetime, zone: str) -> datetime:
    """Return a moment of a venue's wall clock in UTC.

    Of two that read the same (autumn) the first; one that is skipped (spring) is as
    far after the change as it says.
    """
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def wall_date(said: str) -> date | None:
    """Read a date: 2026-05-01 or 20260501; a zero date is none. ValueError else."""
    said = said.strip().partition("T")[0].partition(" ")[0]
    return None if said in NEVER else date.fromisoformat(said)


def wall_time(said: str) -> timedelta:
    """Read a time of day: 20:05, 20:05:00, 2005, 205 (five past two) or 25:10.

    Returned is how long after midnight: past 24 hours it is of the next morning.
    """
    said = said.strip()
    if ":" in said:
        hours, minutes = (int(part) for part in said.split(":")[:2])
    else:
        hours, minutes = divmod(int(said), 100)
    if not (0 <= hours <= HOURS_MAX and 0 <= minutes <= MINUTES_MAX):
        message = f"{said} is no time of day"
        raise ValueError(message)
    return timedelta(hours=hours, minutes=minutes)


def wall(day: date, said: str) -> datetime:
    """Put a date and a time of day together: a moment of the wall clock."""
    return datetime.combine(day, time()) + wall_time(said)


def ending(start: datetime, end: str) -> datetime:
    """Return the end of what starts on the wall clock, told as a time of day.

    One that is not after the start is of the next morning.
    """
    found = wall(start.date(), end)
    return found if found > start else found + timedelta(days=1)
