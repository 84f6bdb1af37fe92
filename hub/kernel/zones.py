"""Time zones by their IANA names."""

from functools import lru_cache
from zoneinfo import available_timezones


@lru_cache(1)
def zones() -> frozenset[str]:
    """Return the names of all zones, looked up once: that reads a folder of files."""
    return frozenset(available_timezones())
