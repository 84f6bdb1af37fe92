"""One venue of a source: read with no transaction open, its news written by itself."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors import queries
from connectors.errors import NotReachedError, SupplierError
from connectors.feed.records import AuditoriumRecord, VenueRecord
from connectors.models import Source, SourceVenue
from connectors.ports import Port, Read, Schedule
from connectors.services import reading
from connectors.services.guarding import Suppliers
from connectors.services.reading import WHOLE, KnownRooms
from connectors.services.writing import VenueRead, Waiting, deliver, work_off
from hub.kernel import clock
from hub.kernel.db import transaction

LEASE_S = 600
_RENEW = text(
    "UPDATE source SET leased_until = clock_timestamp() + make_interval(secs => :secs)"
    " WHERE id = :id AND leased_until = :mine RETURNING leased_until"
)


class LeaseLostError(Exception):
    """Somebody else reads the source by now."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A source that is this worker's to read; *until* when, by which it is known."""

    source_id: UUID
    until: datetime


@dataclass(slots=True)
class Run:
    """A sync on its way: what it has read so far, and what was missing twice."""

    suppliers: Suppliers
    source: Source
    sync_id: UUID
    is_thorough: bool
    lease: Lease
    seen: dict[str, SourceVenue]
    waiting: Waiting
    mark: str | None = None
    gone: list[str] = field(default_factory=list)
    known: int = 0
    asked_at: float = float("-inf")
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("venues", "venues_failed", "performances", "changed", "missing"), 0
        )
    )

    @property
    def pause_s(self) -> float:
        """How long to wait between two venues, for it bears so many in a minute."""
        per_minute = self.source.reads_per_minute
        return 60 / per_minute if per_minute else 0.0


def renew(run: Run) -> datetime:
    """Keep a source a while longer; return the time. LeaseLostError if it is not ours.

    It waits first, so that the source is not asked faster than it bears.
    """
    pause = run.asked_at + run.pause_s - time.monotonic()
    time.sleep(max(0.0, pause))
    run.asked_at = time.monotonic()
    mine = {"secs": LEASE_S, "id": run.source.id, "mine": run.lease.until}
    with transaction() as session:
        until = session.scalar(_RENEW, mine)
        if until is None:
            raise LeaseLostError
        run.lease = Lease(run.source.id, until)
        return clock.real(session)


def read_venue(run: Run, venue: VenueRecord | None) -> str | None:
    """Read one venue and write its news; return what went wrong, if it did."""
    if run.waiting.is_due:
        write(run)
    ref = WHOLE if venue is None else venue.ref
    before = run.seen.get(ref)
    at = renew(run)
    last = Read()
    if before is not None and not run.is_thorough and not before.missing:
        if reading.is_looked_at(before):
            last = Read(before.mark)
        else:
            last = Read(before.mark, before.digest, before.prints)
    try:
        with run.suppliers.asking(run.source.id, "schedule") as port:
            rooms = _rooms(run, venue, port)
            found = port.schedule(venue, rooms, last)
    except NotReachedError:
        raise  # it is down: the other venues are not asked either
    except SupplierError as error:
        run.counts["venues_failed"] += 1
        said = f"{type(error).__name__}: {error}"[:300]
        with transaction() as session:
            _note_error(session, run, ref, at, said)
        return said
    run.counts["venues"] += 1
    is_whole = last.prints is None
    _take(run, VenueRead(ref, found, list(rooms.told.values()), at, is_whole))
    return "; ".join(found.skipped)[:300] or None


def _note_error(session: Session, run: Run, ref: str, at: datetime, said: str) -> None:
    values: dict[str, Any] = {"sync_id": run.sync_id, "error": said}
    if ref not in run.seen:
        values |= {"read_at": at, "missing": []}
    row = session.get(SourceVenue, (run.source.id, ref))
    reading.note_venue(session, run.source.id, ref, values, row)


def _rooms(run: Run, venue: VenueRecord | None, port: Port) -> KnownRooms:
    """Return the rooms of a venue, as the catalogue knows them or they are told."""

    def known(ref: str) -> Mapping[str, int] | None:
        if run.is_thorough:
            return None
        with transaction() as session:
            rooms = queries.rooms(session, run.source.supplier_id, [ref])
        room = rooms.get(ref)
        if room is None:
            return None
        return {area: size for area, (_, size) in room.areas.items() if size}

    def ask(ref: str, performance: str) -> AuditoriumRecord:
        assert venue is not None  # noqa: S101 - what is read whole tells its rooms
        return port.auditorium(venue, ref, performance)

    return KnownRooms(known, ask)


def _take(run: Run, read: VenueRead) -> None:
    """Let what a venue told wait to be written, together with what others told."""
    if read.found.is_unchanged:
        _pass(run, read.ref, read.found)
        return
    run.counts["performances"] += read.found.count
    run.waiting.add(read)
    if run.waiting.is_due:
        write(run)


def write(run: Run) -> None:
    """Write what was read of venues so far."""
    written = run.waiting.write()
    run.known += written.known
    run.gone += written.gone
    run.counts["changed"] += written.changed
    run.counts["missing"] += written.missing


def _pass(run: Run, ref: str, found: Schedule) -> None:
    """Count a venue that tells what it told before; a failure between is over."""
    run.counts["performances"] += found.count
    run.known += found.count
    if run.seen[ref].error is not None:
        good = {"sync_id": run.sync_id, "error": None}
        with transaction() as session:
            row = session.get(SourceVenue, (run.source.id, ref))
            reading.note_venue(session, run.source.id, ref, good, row)


def take_missing(run: Run, ref: str) -> None:
    """Take a venue that is not listed any more as one at which nothing is on."""
    _take(run, VenueRead(ref, Schedule((), ()), (), renew(run), is_whole=True))


def deliver_venues(run: Run, venues: Sequence[VenueRecord]) -> None:
    """Write what is new of the venues themselves, before anything refers to them."""
    with transaction() as session:
        version = int(clock.real(session).timestamp() * 1000)
        told = [(venue, version) for venue in venues]
        news = deliver(session, run.source, told)
    run.counts["changed"] += len(news)
    if news:
        work_off(run.source.feed_id)
