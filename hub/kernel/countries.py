"""Countries by their two letters (ISO 3166-1), as the time zone database lists them."""

from functools import lru_cache
from importlib.resources import files


@lru_cache(1)
def countries() -> frozenset[str]:
    """Return the codes of all countries."""
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab")
    lines = table.read_text(encoding="utf-8").splitlines()
    return frozenset(line[:2] for line in lines if line and not line.startswith("#"))
