"""What a process keeps of the catalogue for some seconds: to show, and to find offers.

What is decided is decided by the hub's core, from what is stored.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")
KEPT_MAX = 5_000


class Kept(Generic[T]):
    """Facts by their key, each for some seconds."""

    def __init__(self, age_s: float) -> None:
        self._age_s = age_s
        self._found: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()
        self._making = set[Hashable]()
        self._lock = threading.Lock()

    def find(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return a fact, made anew if it has grown old.

        By one caller: others have the old one meanwhile, unless it is twice as old.
        """
        known, now = self._found.get(key), time.monotonic()
        if known is not None:
            age_s = now - known[0]
            is_late = age_s >= 2 * self._age_s
            if age_s < self._age_s or not (is_late or self._is_first(key)):
                return known[1]
        try:
            made = make()
        finally:
            with self._lock:
                self._making.discard(key)
        with self._lock:
            self._found[key] = (now, made)
            if len(self._found) > KEPT_MAX:
                self._found.popitem(last=False)
        return made

    def _is_first(self, key: Hashable) -> bool:
        with self._lock:
            is_first = key not in self._making
            self._making.add(key)
        return is_first

    def has(self, key: Hashable) -> bool:
        """Say whether a fact is kept, and not old."""
        known = self._found.get(key)
        return known is not None and time.monotonic() - known[0] < self._age_s

    def forget(self, key: Hashable) -> None:
        """Make a fact anew when it is next asked for."""
        with self._lock:
            self._found.pop(key, None)
