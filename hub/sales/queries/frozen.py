"""Quotes frozen on holds, as this process has read them: they never change."""

import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from hub.sales.rules import priced
from settlement.rules.facts import Fact, Leg
from settlement.rules.postings import postings
from settlement.rules.quotes import Quote
from settlement.services.journal import debt

KEPT_MAX = 10_000
_BODIES = "SELECT id, body::text FROM frozen_quote WHERE id = ANY(%s)"


@dataclass
class Frozen:
    """A frozen quote, with what a sale at it posts and tells: worked out once."""

    quote: Quote

    @cached_property
    def legs(self) -> list[Leg]:
        """What a sale posts, whatever its order."""
        nobody, long_ago = UUID(int=0), datetime.fromtimestamp(0, UTC)
        return postings(Fact(nobody, 1, 0, self.quote, (0, 0), long_ago))

    @cached_property
    def owed_minor(self) -> int:
        """What a sale adds to the agent's debt."""
        return debt(self.legs)

    @cached_property
    def face_minor(self) -> int:
        return self.quote.sum_of("face")

    @cached_property
    def booking_fee_minor(self) -> int:
        return self.quote.sum_of("booking-fee")

    @cached_property
    def told(self) -> dict[str, Any]:
        """What the agent is told of it; not to be changed."""
        return priced(self.quote)


class _Read:
    def __init__(self) -> None:
        self._known: OrderedDict[UUID, Frozen] = OrderedDict()
        self._lock = threading.Lock()

    def find(
        self, connection: "psycopg.Connection[Any]", ids: Collection[UUID]
    ) -> dict[UUID, Frozen]:
        with self._lock:
            found = {i: self._known[i] for i in set(ids) if i in self._known}
        missing = [i for i in set(ids) if i not in found]
        if missing:
            for quote_id, body in connection.execute(_BODIES, [missing]):
                found[quote_id] = Frozen(Quote.decoded(body))
            with self._lock:
                self._known |= {i: found[i] for i in missing}
                while len(self._known) > KEPT_MAX:
                    self._known.popitem(last=False)
        return found


_read = _Read()


def frozen_quotes(session: Session, ids: Collection[UUID]) -> dict[UUID, Frozen]:
    """Return quotes by their ids; each is read once."""
    if not ids:
        return {}
    pooled = session.connection().connection
    return _read.find(pooled.driver_connection, ids)  # type: ignore[arg-type]


def hot_quotes(
    connection: "psycopg.Connection[Any]", ids: Collection[UUID]
) -> dict[UUID, Frozen]:
    """Return quotes by their ids, over a committer's connection."""
    return _read.find(connection, ids)
