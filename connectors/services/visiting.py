"""One venue of a source: read with no transaction open, its news written by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors import queries
from connectors.errors import NotReachedError, SupplierError
from connectors.feed.records import AnyRecord, AuditoriumRecord, VenueRecord
from connectors.models import Source, SourceVenue
from connectors.ports import Read, Schedule
from connectors.services import reading
from connectors.services.guarding import Suppliers
from connectors.services.reading import WHOLE, KnownRooms
from connectors.services.steps import step
from hub.kernel import clock
from hub.kernel.db import transaction

LEASE_S = 120
_RENEW = text(
    "UPDATE source SET leased_until = clock_timestamp() + make_interval(secs => :secs)"
    " WHERE id = :id AND leased_until > clock_timestamp() RETURNING id"
)


class LeaseLostError(Exception):
    """Somebody else reads the source by now."""


@dataclass(slots=True)
class Run:
    """A sync on its way: what it has read so far, and what was missing twice."""

    suppliers: Suppliers
    source: Source
    sync_id: UUID
    is_thorough: bool
    seen: dict[str, SourceVenue]
    mark: str | None = None
    gone: list[str] = field(default_factory=list)
    known: int = 0
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("venues", "venues_failed", "performances", "changed", "missing"), 0
        )
    )


def read_venue(run: Run, venue: VenueRecord | None) -> str | None:
    """Read one venue and write its news; return what went wrong, if it did."""
    ref = WHOLE if venue is None else venue.ref
    before = run.seen.get(ref)
    with transaction() as session:
        if session.scalar(_RENEW, {"secs": LEASE_S, "id": run.source.id}) is None:
            raise LeaseLostError
        at = clock.real(session)
    last = Read()
    if before is not None and not run.is_thorough and not before.missing:
        last = Read(before.mark, before.digest)
    rooms = _rooms(run, venue)
    try:
        with run.suppliers.asking(run.source.id, "schedule") as port:
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
    _take(run, ref, found, rooms, at)
    return "; ".join(found.skipped)[:300] or None


def _note_error(session: Session, run: Run, ref: str, at: datetime, said: str) -> None:
    before = run.seen.get(ref)
    values = {"sync_id": run.sync_id, "read_at": at, "error": said}
    if before is None:
        values["missing"] = []
    reading.note_venue(session, run.source.id, ref, values)


def _rooms(run: Run, venue: VenueRecord | None) -> KnownRooms:
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
        with run.suppliers.asking(run.source.id, "auditorium") as port:
            return port.auditorium(venue, ref, performance)

    return KnownRooms(known, ask)


def _take(run: Run, ref: str, found: Schedule, rooms: KnownRooms, at: datetime) -> None:
    """Write the news of a venue: rooms, productions, performances; note the rest."""
    version = int(at.timestamp() * 1000)
    read: list[AnyRecord] = [
        *rooms.told.values(),
        *found.rooms,
        *found.productions,
        *found.performances,
    ]
    before = run.seen.get(ref)
    was_missing = set(before.missing) if before is not None else set()
    run.counts["performances"] += len(found.available) or len(found.performances)
    is_news = False
    with transaction() as session:
        if not found.is_unchanged:
            news = reading.news(session, run.source, read, version)
            if news:
                reading.deliver(session, run.source, news)
                run.counts["changed"] += len(news)
                is_news = True
        missing, known = _missing(session, run, ref, found)
        run.known += known
        run.counts["missing"] += len(missing)
        run.gone += sorted(missing & was_missing)
        values = {
            "mark": found.mark,
            "digest": found.digest,
            "sync_id": run.sync_id,
            "read_at": at,
            "missing": sorted(missing),
            "error": "; ".join(found.skipped)[:300] or None,
        }
        has_changed = is_news or _is_other(before, values)
        if has_changed:
            reading.note_venue(session, run.source.id, ref, values)
    if is_news:
        _work_off(run.source.feed_id)
    if has_changed and found.available:
        with transaction() as session:
            reading.write_supply(session, run.source, found.available, at)


def _is_other(before: SourceVenue | None, now: Mapping[str, Any]) -> bool:
    """Say whether a venue is to be noted anew: a note of the same would be a write."""
    return before is None or any(
        getattr(before, name) != now[name] for name in ("missing", "digest", "error")
    )


def _missing(
    session: Session, run: Run, ref: str, found: Schedule
) -> tuple[frozenset[str], int]:
    """Return what is missing: nothing of a reading that is not complete."""
    if not found.is_complete:
        return frozenset(), 0
    told = {one.ref for one in found.performances} | set(found.available)
    return reading.missing(session, run.source, ref, told)


def deliver_venues(run: Run, venues: Sequence[VenueRecord]) -> None:
    """Write what is new of the venues themselves, before anything refers to them."""
    with transaction() as session:
        at = clock.real(session)
        version = int(at.timestamp() * 1000)
        news = reading.news(session, run.source, venues, version)
        if not news:
            return
        reading.deliver(session, run.source, news)
        run.counts["changed"] += len(news)
    _work_off(run.source.feed_id)


def _work_off(feed_id: UUID) -> None:
    while True:
        with transaction() as session:
            if not step(session, feed_id):
                return
