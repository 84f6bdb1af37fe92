"""Quotes frozen on holds, as this process has read them: they never change."""

import threading
from collections import OrderedDict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from settlement.rules.quotes import Quote

KEPT_MAX = 10_000
_BODIES = text("SELECT id, body::text AS body FROM frozen_quote WHERE id = ANY(:ids)")


class _Read:
    def __init__(self) -> None:
        self._known: OrderedDict[UUID, Quote] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, session: Session, ids: Collection[UUID]) -> dict[UUID, Quote]:
        with self._lock:
            found = {i: self._known[i] for i in set(ids) if i in self._known}
        missing = [i for i in set(ids) if i not in found]
        if missing:
            for row in session.execute(_BODIES, {"ids": missing}):
                found[row.id] = Quote.decoded(row.body)
            with self._lock:
                self._known |= {i: found[i] for i in missing}
                while len(self._known) > KEPT_MAX:
                    self._known.popitem(last=False)
        return found


_read = _Read()


def frozen_quotes(session: Session, ids: Collection[UUID]) -> dict[UUID, Quote]:
    """Return quotes by their ids; each is read once."""
    return _read.find(session, ids)
