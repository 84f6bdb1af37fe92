"""Calls of a pretix: pages read to the end, writes under keys that are used once."""

import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from connectors.errors import NoAnswerError
from connectors.suppliers.pretix import words
from connectors.suppliers.rest import Reply, Rest

PAGE = 50
PAGES_MAX = 4_000


class Calls:
    """A pretix, asked for one organizer; reads *per_minute* at the most, 0: any."""

    def __init__(self, rest: Rest, organizer: str, per_minute: int = 0) -> None:
        self.rest, self._root = rest, f"/organizers/{quote(organizer, safe='')}"
        self._gap_s = 60 / per_minute if per_minute else 0.0
        self._next, self._turn = 0.0, threading.Lock()

    def get(self, path: str) -> Any:
        """Return what is at a path, in its turn; SaidNoError if it is not there."""
        if self._gap_s:
            with self._turn:
                now = time.monotonic()
                at = max(now, self._next)
                self._next = at + self._gap_s
            time.sleep(at - now)
        reply = self.rest.call("GET", f"{self._root}{path}")
        if not reply.is_good:
            raise words.refused(reply)
        return reply.said

    def each(self, path: str, **asked: str) -> Iterator[Any]:
        """Yield all that is listed, page after page.

        NoAnswerError if it is not as much as it says: it changed meanwhile.
        """
        count, seen = 0, 0
        for page in range(1, PAGES_MAX + 1):
            named = urlencode({**asked, "page": page, "page_size": PAGE})
            said = self.get(f"{path}?{named}")
            count, seen = said["count"], seen + len(said["results"])
            yield from said["results"]
            if said["next"] is None:
                break
        if seen != count:
            raise NoAnswerError(f"{seen} of {count} at {path}")

    def once(self, path: str, key: str, body: Any) -> Reply:
        """Write under a key: whoever comes later with it is answered the same.

        So a key is burnt by writing nothing under it. NoAnswerError as long as another
        with the key is on its way.
        """
        named = {"X-Idempotency-Key": key}
        reply = self.rest.call("POST", f"{self._root}{path}", body, named)
        if reply.status == words.AT_ONCE:
            raise NoAnswerError("another with this key is on its way")
        return reply

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        """Write what may be written twice."""
        return self.rest.call(method, f"{self._root}{path}", body)

    def seen(self, key: str) -> Reply | None:
        """Return what was answered under a key; None if nobody has come with it.

        NoAnswerError as long as somebody is on its way.
        """
        reply = self.rest.call("GET", f"/idempotency_query?{urlencode({'key': key})}")
        if reply.status == words.AT_ONCE:
            raise NoAnswerError("one with this key is on its way")
        if reply.status == words.NOT_FOUND and "not seen" in str(reply.said):
            return None
        return reply
