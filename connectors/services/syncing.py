"""Syncs: a source is read whole or its news, a venue at a time, each written by itself.

No transaction is open while a supplier is asked. A sync that was cut off is gone on
with: venues it has written news of are not read again. One at a time per source, by a
lease that is renewed as it goes.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from connectors import queries
from connectors.errors import NoDecisionError, NotReachedError, SupplierError
from connectors.feed.records import VenueRecord
from connectors.models import Feed, Source, SourceSync
from connectors.rules.records import drops_too_much
from connectors.services import reading
from connectors.services.guarding import Suppliers
from connectors.services.sources import HINT_PAUSE_S
from connectors.services.visiting import (
    LEASE_S,
    Lease,
    LeaseLostError,
    Run,
    deliver_venues,
    read_venue,
    renew,
    take_missing,
    write,
)
from connectors.services.writing import Waiting, work_off
from hub.kernel import clock
from hub.kernel.db import transaction
from hub.kernel.errors import NotFoundError
from hub.kernel.ids import new_id

JITTER = 0.1
THOROUGH_AFTER = timedelta(hours=24)
KEPT_SYNCS = 1_000
_LEASE = text(
    "UPDATE source SET leased_until = clock_timestamp() + make_interval(secs => :secs)"
    " WHERE id = (SELECT id FROM source WHERE next_sync_at <= clock_timestamp()"
    " AND NOT is_stopped AND coalesce(leased_until <= clock_timestamp(), true)"
    " ORDER BY next_sync_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, leased_until"
)
_SUPERSEDE = text(
    "UPDATE source_sync SET state = 'discarded' WHERE source_id = :source"
    " AND state = 'quarantined' AND id <> :sync"
)
_PRUNE = text(
    "DELETE FROM source_sync WHERE source_id = :source AND state <> 'quarantined'"
    " AND id < (SELECT id FROM source_sync WHERE source_id = :source ORDER BY id DESC"
    " OFFSET :kept LIMIT 1)"
)
log = structlog.get_logger(__name__)


def lease_due(session: Session) -> Lease | None:
    """Take the source whose sync is most overdue, if one is; others leave it alone."""
    row = session.execute(_LEASE, {"secs": LEASE_S}).one_or_none()
    return None if row is None else Lease(row.id, row.leased_until)


def sync(suppliers: Suppliers, lease: Lease) -> UUID:
    """Read a source that was leased; return the sync, which says what came of it."""
    run = _begun(suppliers, lease)
    try:
        error = _read(run)
    except LeaseLostError:
        log.warning("a sync was overtaken", source=str(run.source.id))
        return run.sync_id
    except SupplierError as failed:
        error = f"{type(failed).__name__}: {failed}"
    except Exception as failed:
        log.exception("a sync failed", source=str(run.source.id))
        error = f"{type(failed).__name__}: {failed}"[:300]
    _finish(run, error)
    return run.sync_id


def _begun(suppliers: Suppliers, lease: Lease) -> Run:
    source_id = lease.source_id
    with transaction() as session:
        source = session.get_one(Source, source_id)
        wanted = select(SourceSync).where(
            SourceSync.source_id == source_id, SourceSync.state == "running"
        )
        found = session.scalar(wanted.order_by(SourceSync.id.desc()).limit(1))
        now = clock.real(session)
        if found is None:
            found = SourceSync(
                id=new_id(),
                world=source.world,
                source_id=source_id,
                state="running",
                is_thorough=_is_thorough(session, source_id, now),
                started_at=now,
            )
            session.add(found)
        seen = queries.venues_read(session, source_id)
        session.flush()
        session.expunge_all()
    work_off(source.feed_id)  # what a sync before this one has left
    waiting = Waiting(source, found.id, seen)
    return Run(suppliers, source, found.id, found.is_thorough, lease, seen, waiting)


def _is_thorough(session: Session, source_id: UUID, now: datetime) -> bool:
    """Say whether it is time to look at everything again: once a day, or at first."""
    last = select(func.max(SourceSync.started_at)).where(
        SourceSync.source_id == source_id,
        SourceSync.is_thorough,
        SourceSync.error.is_(None),
        SourceSync.state.in_(("done", "quarantined", "let-in", "discarded")),
    )
    at: datetime | None = session.scalar(last)
    return at is None or now - at > THOROUGH_AFTER


def _read(run: Run) -> str | None:
    """Read all venues; return what went wrong with some, if something did."""
    is_waiting = any(row.missing for row in run.seen.values())
    mark = None if run.is_thorough or is_waiting else run.source.mark
    with run.suppliers.asking(run.source.id, "begin") as port:
        begun = port.begin(mark)
        by_venue = port.capabilities.by_venue
    run.mark = begun.mark
    if begun.is_unchanged:
        return None
    renew(run)
    with run.suppliers.asking(run.source.id, "venues") as port:
        found = port.venues()
    venues = reading.good_venues(found)
    deliver_venues(run, found)
    try:
        if by_venue:
            error = _read_venues(run, venues, {venue.ref for venue in found})
        else:
            error = read_venue(run, None)
    except NotReachedError:
        write(run)  # of those that were reached
        raise
    write(run)
    return error


def _read_venues(
    run: Run, venues: Sequence[VenueRecord], listed: set[str]
) -> str | None:
    errors = []
    for venue in venues:
        row = run.seen.get(venue.ref)
        if row is not None and row.sync_id == run.sync_id and row.error is None:
            continue  # written before this sync was cut off
        error = read_venue(run, venue)
        if error is not None:
            errors.append(f"{venue.ref}: {error}")
    for ref in run.seen.keys() - listed:
        take_missing(run, ref)  # it is not listed any more
    return "; ".join(errors)[:1_000] or None


def _finish(run: Run, error: str | None) -> None:
    """Withdraw what was missing twice, or hold it back; plan the next sync."""
    with transaction() as session:
        source = session.get_one(Source, run.source.id, with_for_update=True)
        if source.leased_until != run.lease.until:
            return  # somebody else reads it by now
        found = session.get_one(SourceSync, run.sync_id)
        feed = session.get_one(Feed, source.feed_id)
        for name, count in run.counts.items():
            setattr(found, name, count)
        now = clock.real(session)
        found.error, found.finished_at = error, now
        is_failed = error is not None and not run.counts["venues"]
        found.state = "failed" if is_failed else "done"
        if run.gone and drops_too_much(
            known=run.known,
            missing=len(run.gone),
            share_max_bp=feed.drop_share_max_bp,
        ):
            found.state, found.would_withdraw = "quarantined", run.gone
            session.execute(_SUPERSEDE, {"source": source.id, "sync": found.id})
        elif run.gone:
            found.withdrawn = reading.withdraw(session, source, run.gone)
        if error is None and source.version == run.source.version:
            source.mark = run.mark
        if error is None and not run.counts["missing"]:
            source.read_at = found.started_at  # all it told holds as of then
        source.leased_until = None
        # S311: it only keeps sources from being read all at once
        pause = source.every_s * (1 + random.uniform(-JITTER, JITTER))  # noqa: S311
        if source.hinted_at is not None and source.hinted_at >= found.started_at:
            pause = min(pause, HINT_PAUSE_S)  # it may be new of what was read already
        source.next_sync_at = now + timedelta(seconds=pause)
        session.flush()
        session.execute(_PRUNE, {"source": source.id, "kept": KEPT_SYNCS})


def decide(
    session: Session, sync_id: UUID, *, world: str, is_let_in: bool, by: UUID
) -> SourceSync:
    """Withdraw what a sync held back, or leave it on sale.

    NoDecisionError when it waits for nobody. What is discarded comes up again if it is
    missing still; one that is told again by now is not withdrawn.
    """
    found = session.get(SourceSync, sync_id, with_for_update=True)
    if found is None or found.world != world:
        raise NotFoundError(sync_id=sync_id)
    if found.state != "quarantined":
        raise NoDecisionError(state=found.state)
    found.decided_by = by
    found.state = "let-in" if is_let_in else "discarded"
    if is_let_in:
        source = session.get_one(Source, found.source_id)
        gone = reading.still_missing(session, source.id, found.would_withdraw)
        found.withdrawn = reading.withdraw(session, source, gone)
    session.flush()
    return found
