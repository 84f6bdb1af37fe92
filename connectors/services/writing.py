"""What was read of several venues, written together: news of all in one delivery."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from connectors import queries
from connectors.feed.records import AnyRecord, AuditoriumRecord
from connectors.models import Source, SourceVenue
from connectors.ports import Available, Schedule
from connectors.services import reading
from connectors.services.steps import step
from connectors.suppliers.rows import digest
from hub.kernel.db import transaction

RECORDS, SECONDS = 4_000, 5.0


@dataclass(frozen=True)
class VenueRead:
    """What a venue told, and when it was asked; *rooms* are those told beside.

    *is_whole*: every row was taken, not only those that are new.
    """

    ref: str
    found: Schedule
    rooms: Sequence[AuditoriumRecord]
    at: datetime
    is_whole: bool

    @cached_property
    def told(self) -> bytes:
        """The digest of the performances it names."""
        return digest(["\n".join(sorted(self.found.refs())).encode()])

    def records(self) -> list[tuple[AnyRecord, int]]:
        """Return all it told with the version it gets: the moment it was read."""
        version = int(self.at.timestamp() * 1000)
        found = self.found
        parts = (self.rooms, found.rooms, found.productions, found.performances)
        return [(one, version) for part in parts for one in part]


@dataclass(slots=True)
class Written:
    """What came of writing: news, and performances missing once or twice."""

    changed: int = 0
    missing: int = 0
    known: int = 0
    gone: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Waiting:
    """Venues that were read and are not written yet: not many, and not for long."""

    source: Source
    sync_id: UUID
    seen: Mapping[str, SourceVenue]
    venues: list[VenueRead] = field(default_factory=list)
    records: int = 0
    since: float = 0.0

    def add(self, read: VenueRead) -> None:
        """Let a venue wait."""
        if not self.venues:
            self.since = time.monotonic()
        self.venues.append(read)
        self.records += len(read.found.performances)

    @property
    def is_due(self) -> bool:
        """Say whether it is time to write."""
        waited = time.monotonic() - self.since if self.venues else 0.0
        return self.records >= RECORDS or waited >= SECONDS

    def write(self) -> Written:
        """Write what waits: news as one delivery, then what is left of performances."""
        read, self.venues, self.records = self.venues, [], 0
        written = Written()
        if not read:
            return written
        with transaction() as session:
            records = [pair for one in read for pair in one.records()]
            news = deliver(session, self.source, records)
            written.changed = len(news)
        if news:
            work_off(self.source.feed_id)
        left: dict[str, tuple[Available, datetime]] = {
            ref: (found, one.at)
            for one in read
            for ref, found in one.found.available.items()
        }
        with transaction() as session:  # a venue is noted when all it told is written
            reading.write_supply(session, self.source, left)
            missing = self._missing(session, read)
            rows = queries.venues_read(session, self.source.id)
            for one in read:
                gone, known = missing.get(one.ref, (frozenset(), 0))
                written.known += known
                values = self._noted(one, gone, written)
                if values is not None:
                    reading.note_venue(
                        session, self.source.id, one.ref, values, rows.get(one.ref)
                    )
        return written

    def _missing(
        self, session: Session, read: Sequence[VenueRead]
    ) -> dict[str, tuple[frozenset[str], int]]:
        """Return what is missing at venues, and of how many.

        A venue that names what it named when nothing was missing misses nothing.
        """
        found: dict[str, tuple[frozenset[str], int]] = {}
        wanted: dict[str, set[str]] = {}
        for one in read:
            before = self.seen.get(one.ref)
            if not one.found.is_complete:
                continue
            if before and not before.missing and before.told == one.told:
                found[one.ref] = frozenset(), one.found.count
            else:
                wanted[one.ref] = one.found.refs()
        return found | reading.missing(session, self.source, wanted)

    def _noted(
        self, one: VenueRead, missing: frozenset[str], written: Written
    ) -> dict[str, Any] | None:
        """Return what is to be noted of a venue; None if that is known."""
        found, before = one.found, self.seen.get(one.ref)
        written.missing += len(missing)
        was_missing = set(before.missing) if before is not None else set()
        written.gone += sorted(missing & was_missing)
        values: dict[str, Any] = {
            "mark": found.mark,
            "digest": found.digest,
            "prints": found.prints,
            "told": one.told if found.is_complete else None,
            "sync_id": self.sync_id,
            "read_at": one.at,
            "missing": sorted(missing),
            "error": "; ".join(found.skipped)[:300] or None,
        }
        if one.is_whole:
            values["whole_at"] = one.at
        is_to_note = before is None or _is_to_note(before, values)
        return values if is_to_note else None


def _is_to_note(before: SourceVenue, now: Mapping[str, Any]) -> bool:
    """Say whether a venue is to be noted anew: a note of the same would be a write."""
    compared = ("missing", "digest", "told", "mark", "error")
    is_other = any(getattr(before, name) != now[name] for name in compared)
    return is_other or reading.is_looked_at(before)


def deliver(
    session: Session, source: Source, read: Sequence[tuple[AnyRecord, int]]
) -> list[AnyRecord]:
    """Deliver what is new in what was read; return that."""
    news = reading.news(session, source, read)
    if news:
        reading.deliver(session, source, news)
    return news


def work_off(feed_id: UUID) -> None:
    """Apply what waits in a source's feed."""
    while True:
        with transaction() as session:
            if not step(session, feed_id):
                return
