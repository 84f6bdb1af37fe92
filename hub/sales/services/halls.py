"""What this process knows of seats: halls as masks, each as of a moment.

It is told what others have taken before a batch decides. What it cannot have seen, the
primary key of taken seats finds out: then it learns, and the batch is decided again.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.queries.blocks import compiled_map
from allocation.queries.seats import SeatKey, taken_seats
from allocation.rules.seat_plan import SeatPlan
from hub.catalogue.queries import SeatMap
from hub.kernel.db import hot_transaction
from hub.sales.services.wishes import HoldWish, WishLine

MAPS_MAX = 64
HALLS_MAX = 256
OVERLAP = timedelta(milliseconds=100)
FRESH_S = 30.0
_NOW = text("SELECT clock_timestamp()")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
HallKey = tuple[UUID, UUID, int]
Seen = tuple[UUID, UUID, datetime] | tuple[UUID, UUID, None]


@dataclass(slots=True)
class Hall:
    """What of an area is taken at a performance, as this process knows it."""

    plan: SeatPlan
    taken: dict[int, int] = field(default_factory=dict)

    def take(self, seats: Iterable[UUID]) -> None:
        for row, mask in self.plan.masks(list(seats)).items():
            self.taken[row] = self.taken.get(row, 0) | mask

    def free(self, seats: Iterable[UUID]) -> None:
        for row, mask in self.plan.masks(list(seats)).items():
            self.taken[row] = self.taken.get(row, 0) & ~mask

    def is_taken(self, seat: UUID) -> bool:
        row, bit = self.plan.at[seat]
        return bool(self.taken.get(row, 0) >> bit & 1)


class Halls:
    """The halls this process sells in, each as of a moment (of the database)."""

    def __init__(self) -> None:
        self._plans: OrderedDict[tuple[UUID, int], SeatPlan] = OrderedDict()
        self._halls: OrderedDict[HallKey, Hall] = OrderedDict()
        self._fresh_until: dict[UUID, float] = {}
        self._seen_at: dict[UUID, datetime] = {}
        self._lock = threading.RLock()
        self._mine = threading.local()

    def plan(self, seat_map: SeatMap) -> SeatPlan:
        """Return a seat map, compiled once."""
        key = (seat_map.area_id, seat_map.version)
        with self._lock:
            if key not in self._plans:
                self._plans[key] = compiled_map(seat_map)
                if len(self._plans) > MAPS_MAX:
                    self._plans.popitem(last=False)
            return self._plans[key]

    def forget(self, performance_ids: Iterable[UUID]) -> None:
        """Forget what is known of performances: it is read anew when it is asked."""
        with self._lock:
            for found in performance_ids:
                self._fresh_until.pop(found, None)

    def moments(self, lines: Sequence[WishLine]) -> dict[UUID, datetime]:
        """Return since when each performance must be asked about; read others whole.

        Outside the batch's transaction: whole halls are large.
        """
        wanted = {line.offer.performance_id for line in lines}
        with self._lock:
            unknown = {
                line.offer.performance_id
                for line in lines
                if _key(line) not in self._halls
                or self._fresh_until.get(_key(line)[0], 0.0) < time.monotonic()
            }
            if unknown:
                with hot_transaction() as session:
                    self._read(session, lines, unknown)
            return {found: self._seen_at[found] - OVERLAP for found in wanted}

    def _read(
        self, session: Session, lines: Sequence[WishLine], unknown: set[UUID]
    ) -> None:
        now = session.scalar(_NOW)
        assert isinstance(now, datetime)  # noqa: S101 - a clock tells the time
        taken = taken_seats(session, unknown)
        for key in [key for key in self._halls if key[0] in unknown]:
            del self._halls[key]
        for found in unknown:
            self._fresh_until[found] = time.monotonic() + FRESH_S
            self._seen_at[found] = now
        for line in lines:
            key = _key(line)
            if key[0] in unknown and key not in self._halls:
                assert line.basket.seat_map is not None  # noqa: S101 - seated lines
                self._halls[key] = Hall(self.plan(line.basket.seat_map))
                self._halls[key].take(taken[key[0]])
        wanted = {_key(line) for line in lines}
        for key in wanted & self._halls.keys():
            self._halls.move_to_end(key)
        while len(self._halls) > max(HALLS_MAX, len(wanted)):
            self._halls.popitem(last=False)

    def learn(self, seats: Iterable[Seen]) -> None:
        """Note seats that are taken: (performance, seat, when)."""
        by_performance: dict[UUID, list[UUID]] = {}
        with self._lock:
            for performance_id, seat, at in seats:
                by_performance.setdefault(performance_id, []).append(seat)
                seen = self._seen_at.get(performance_id, LONG_AGO)
                if at is not None and at > seen:
                    self._seen_at[performance_id] = at
            self._each(by_performance, Hall.take)

    def correct(self, asked: Iterable[SeatKey], taken: Iterable[SeatKey]) -> None:
        """Set seats to what the database says of them."""
        gone = set(taken)
        found: dict[UUID, list[UUID]] = {}
        for performance_id, seat in set(asked) - gone:
            found.setdefault(performance_id, []).append(seat)
        with self._lock:
            self._each(found, Hall.free)
        self.learn((performance_id, seat, None) for performance_id, seat in gone)

    def _each(
        self,
        seats: dict[UUID, list[UUID]],
        change: Callable[[Hall, Iterable[UUID]], None],
    ) -> None:
        for key, hall in self._halls.items():
            if key[0] in seats:
                change(hall, seats[key[0]])

    def hall(self, line: WishLine) -> Hall:
        """Return the hall of a line that ``moments`` was asked about."""
        with self._lock:
            return self._halls[_key(line)]

    def unsure(self) -> set[SeatKey]:
        """Return seats this thread chose before and does not know the outcome of."""
        found: set[SeatKey] = getattr(self._mine, "chosen", set())
        self._mine.chosen = set()
        return found

    def note(self, seats: Iterable[SeatKey]) -> None:
        """Remember seats chosen by this thread until it asks what became of them."""
        self._mine.chosen |= set(seats)


def _key(line: WishLine) -> HallKey:
    return (line.offer.performance_id, line.offer.area_id, line.offer.map_version)


halls = Halls()


def seated(wishes: Iterable[HoldWish]) -> list[WishLine]:
    """Return the lines that want seats."""
    return [
        line
        for wish in wishes
        for line in wish.lines
        if line.basket.seat_map is not None
    ]


class Look:
    """What a batch asks of the database about seats: since when, and about which."""

    def __init__(self, wishes: Iterable[HoldWish]) -> None:
        lines = seated(wishes)
        self.asked = halls.unsure()
        for line in lines:
            performance_id = line.offer.performance_id
            self.asked |= {(performance_id, seat) for seat in line.seats}
        self.moments = halls.moments(lines) if lines else {}

    def put_back(self) -> None:
        """Ask again next time: nothing was answered."""
        halls.note(self.asked)

    def note(
        self, since: Iterable[tuple[UUID, UUID, datetime]], among: Iterable[SeatKey]
    ) -> None:
        """Note what others have taken since, and what of those asked about is."""
        if self.asked:
            halls.correct(self.asked, among)
        halls.learn(since)
