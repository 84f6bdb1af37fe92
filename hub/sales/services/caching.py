"""Answers kept for a moment: to show, labelled with their age, never to decide by."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

KEPT_MAX = 20_000
PAGES_KEPT_MAX = 200


@dataclass(slots=True)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    made_at: float = float("-inf")
    body: bytes = b""


class AnswerCache:
    """Encoded answers by all that they depend on; each made by one caller at a time.

    Whoever asks while one is being made waits for it: a popular performance whose
    answer has just grown old is not made by everybody at once. *kept_max* answers are
    kept.
    """

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._kept_max = kept_max
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: Hashable, max_age_s: float, make: Callable[[], bytes]) -> bytes:
        """Return the answer under a key, not older than *max_age_s* seconds."""
        entry = self._entries.get(key)
        if entry is None:
            entry = self._added(key)
        if time.monotonic() - entry.made_at < max_age_s:
            return entry.body
        asked_at = time.monotonic()
        with entry.lock:
            # Made while this caller waited is as fresh as if it had made it itself.
            if entry.made_at < asked_at - max_age_s or max_age_s <= 0:
                began = time.monotonic()
                entry.body = make()
                entry.made_at = began
            return entry.body

    def _added(self, key: Hashable) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            if len(self._entries) > self._kept_max:
                self._entries.popitem(last=False)
            return entry
