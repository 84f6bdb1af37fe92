"""Keys of nodes: where one stands in a tree, and whose it is wherever it stands.

A plan with another order of levels moves a holder, and an agent may change its
channel; what it has sold, moved and released goes with it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")
HOUSE = "house"
OWNED = ("block", "sub-agent")


def label(level: str, of: str) -> str:
    """Return one step of a key; what separates steps is escaped."""
    return f"{level}:{of.replace('%', '%25').replace('/', '%2F')}"


@lru_cache(maxsize=65_536)
def steps(key: str) -> Mapping[str, str]:
    """Return the steps of a key by their level: ``{"area": "area:stalls", ...}``."""
    parts = (step for step in key.split("/") if step != HOUSE)
    return {step.partition(":")[0]: step for step in parts}


@lru_cache(maxsize=65_536)
def standing(key: str) -> str:
    """Return a holder in its area and channel, whatever the order of levels."""
    found = steps(key)
    return "/".join(found[level] for level in sorted(found) if level not in OWNED)


@lru_cache(maxsize=65_536)
def holder(key: str) -> str:
    """Return the same without the channel of an agent."""
    found = steps(key)
    is_agent = "agent" in found
    wanted = ("agent", "area") if is_agent else ("area", "channel")
    return "/".join(found[level] for level in wanted if level in found)


def is_leaf(key: str) -> bool:
    """Say whether a key is an agent's own allotment in an area."""
    found = steps(key)
    return {"agent", "area"} <= found.keys() and not found.keys() & set(OWNED)


class Heirs:
    """Which key of a tree a holder has that stood at another one before."""

    def __init__(self, keys: Collection[str]) -> None:
        self._keys = set(keys)
        self._standing = {standing(key): key for key in keys}
        many = Counter(map(holder, keys))
        self._holder = {holder(key): key for key in keys if many[holder(key)] == 1}

    def of(self, key: str) -> str | None:
        """Return the key now; None if the holder has none, or one in every channel."""
        if key in self._keys:
            return key
        return self._standing.get(standing(key)) or self._holder.get(holder(key))

    def carried(self, said: Mapping[str, T], join: Callable[[T, T], T]) -> dict[str, T]:
        """Return what was said of keys by the keys now; what has no heir stays."""
        found: dict[str, T] = {}
        for key, value in said.items():
            now = self.of(key) or key
            found[now] = join(found[now], value) if now in found else value
        return found
