"""Sources as they are read, and what was measured of them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from connectors.models import Source, SourceSync, SourceVenue, Supply
from connectors.rules.measuring import BUCKETS, quantile_ms
from hub.kernel.errors import NotFoundError

MEASURED_HOURS = 24
_LIVE = text("SELECT id FROM source WHERE feed_id = :feed AND is_live")
_MEASURED = text(
    "SELECT source_id, sum(calls)::int AS calls, sum(errors)::int AS errors,"
    " sum(unknown)::int AS unknown, (array_agg(clock_offset_s ORDER BY hour DESC)"
    " FILTER (WHERE clock_offset_s IS NOT NULL))[1] AS clock_offset_s,"
    " (SELECT array_agg(n ORDER BY no) FROM (SELECT no, sum(b)::int AS n"
    "   FROM source_measured i, unnest(i.buckets) WITH ORDINALITY AS u(b, no)"
    "   WHERE i.source_id = m.source_id"
    "   AND i.hour > clock_timestamp() - make_interval(hours => :hours)"
    "   GROUP BY no) s) AS buckets"
    " FROM source_measured m WHERE source_id = ANY(:ids)"
    " AND hour > clock_timestamp() - make_interval(hours => :hours) GROUP BY source_id"
)
_GOOD = text(
    "SELECT source_id, max(finished_at) AS at FROM source_sync"
    " WHERE source_id = ANY(:ids) AND state IN ('done', 'let-in') GROUP BY source_id"
)


def live_source(session: Session, feed_id: UUID) -> UUID | None:
    """Return the source that sells what a feed tells, if one does."""
    found: UUID | None = session.scalar(_LIVE, {"feed": feed_id})
    return found


def get_source(
    session: Session,
    source_id: UUID,
    *,
    world: str,
    supplier_id: UUID | None,
    lock: bool = False,
) -> Source:
    """Return a source of a world, of a supplier if one asks; NotFoundError else.

    Locked where it is to be changed: no change of two may be seen as one.
    """
    found = session.get(Source, source_id, with_for_update=lock or None)
    if (
        found is None
        or found.world != world
        or supplier_id not in {None, found.supplier_id}
    ):
        raise NotFoundError(source_id=source_id)
    return found


def list_sources(
    session: Session, *, world: str, supplier_id: UUID | None
) -> Sequence[Source]:
    """Return the sources of a world, or of a supplier, by name."""
    wanted = select(Source).where(Source.world == world)
    if supplier_id is not None:
        wanted = wanted.where(Source.supplier_id == supplier_id)
    return session.scalars(wanted.order_by(Source.name, Source.id)).all()


def list_syncs(
    session: Session, source_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[SourceSync]:
    """Return syncs of a source, newest first, one more than *limit*."""
    wanted = select(SourceSync).where(SourceSync.source_id == source_id)
    if after is not None:
        wanted = wanted.where(SourceSync.id < after)
    return session.scalars(wanted.order_by(SourceSync.id.desc()).limit(limit + 1)).all()


def venues_read(session: Session, source_id: UUID) -> dict[str, SourceVenue]:
    """Return what was last read of a source's venues."""
    wanted = select(SourceVenue).where(SourceVenue.source_id == source_id)
    return {row.ref: row for row in session.scalars(wanted)}


def measured(session: Session, ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return what was measured of sources in the last day, beside what they state."""
    where = {"ids": list(ids), "hours": MEASURED_HOURS}
    good = {row.source_id: row.at for row in session.execute(_GOOD, where)}
    found = {row.source_id: row for row in session.execute(_MEASURED, where)}
    return {one: _told(found.get(one), good.get(one)) for one in ids}


def _told(row: Row[Any] | None, good_at: Any) -> dict[str, Any]:
    buckets = list(row.buckets) if row is not None else [0] * BUCKETS
    return {
        "hours": MEASURED_HOURS,
        "calls": row.calls if row is not None else 0,
        "errors": row.errors if row is not None else 0,
        "unanswered": row.unknown if row is not None else 0,
        "p50_ms": quantile_ms(buckets, 50),
        "p90_ms": quantile_ms(buckets, 90),
        "clock_offset_s": row.clock_offset_s if row is not None else None,
        "last_good_sync_at": good_at,
    }


def supplies(session: Session, ids: Collection[UUID]) -> Mapping[UUID, Supply]:
    """Return what suppliers last said is left of performances."""
    wanted = select(Supply).where(Supply.performance_id.in_(ids))
    return {row.performance_id: row for row in session.scalars(wanted)}
