"""What was read of a venue, compared with what is known: only news is written."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.queries.locks import stop_performances
from connectors import queries
from connectors.feed.records import (
    AnyRecord,
    AuditoriumRecord,
    PerformanceRecord,
    ProductionRecord,
    VenueRecord,
)
from connectors.models import Feed, Source, SourceVenue
from connectors.ports import Available
from connectors.rules.records import RefusedError, check
from connectors.services.deliveries import receive_records
from connectors.services.records import digest_of
from connectors.services.seats import note_gone
from hub.kernel.db import rows

WHOLE = ""
"""The reference of a source that is not read venue by venue."""

TABLES: list[tuple[type[AnyRecord], str]] = [
    (VenueRecord, "venue"),
    (AuditoriumRecord, "auditorium"),
    (ProductionRecord, "production"),
    (PerformanceRecord, "performance"),
]
_UPCOMING = text(
    "SELECT CASE WHEN CAST(:is_whole AS bool) THEN '' ELSE v.ref END AS venue,"
    " count(*) AS known, coalesce(array_agg(p.ref) FILTER"
    " (WHERE p.ref <> ALL(:told)), '{}') AS missing"
    " FROM performance p JOIN auditorium r ON r.id = p.auditorium_id"
    " JOIN venue v ON v.id = r.venue_id JOIN world w ON w.name = p.world"
    " WHERE p.feed_id = :feed AND p.withdrawn_at IS NULL AND p.status = 'scheduled'"
    " AND CASE WHEN p.is_open_dated THEN coalesce(p.ends_at, p.starts_at)"
    " ELSE p.starts_at END > clock_timestamp() + w.clock_offset"
    " AND (CAST(:is_whole AS bool) OR v.ref = ANY(:venues)) GROUP BY 1"
)
_WITHDRAW = text(
    "UPDATE performance SET withdrawn_at = clock_timestamp() + w.clock_offset"
    " FROM world w WHERE w.name = performance.world AND feed_id = :feed"
    " AND ref = ANY(:refs) AND withdrawn_at IS NULL RETURNING id"
)
_IDS = text(
    "SELECT id FROM performance WHERE feed_id = :feed AND ref = ANY(:refs)"
    " AND withdrawn_at IS NULL ORDER BY id"
)
_SUPPLY = text(
    "INSERT INTO supply (performance_id, left_by_area, is_on_sale, as_of)"
    " SELECT r.id, r.areas, r.is_on_sale, r.as_of"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, areas jsonb,"
    " is_on_sale bool, as_of timestamptz) ORDER BY r.id"
    " ON CONFLICT (performance_id) DO UPDATE SET"
    " left_by_area = excluded.left_by_area, is_on_sale = excluded.is_on_sale,"
    " as_of = excluded.as_of WHERE supply.as_of < excluded.as_of"
)
_SUPPLIED = text(
    "SELECT p.id, p.ref, s.left_by_area, s.is_on_sale, s.as_of FROM performance p"
    " LEFT JOIN supply s ON s.performance_id = p.id"
    " WHERE p.supplier_id = :supplier AND p.ref = ANY(:refs) AND p.source_id = :source"
)

_LOOK = text(
    "WITH venue_seen AS (UPDATE source_venue w SET looked_at = :at"
    " FROM performance p JOIN auditorium r ON r.id = p.auditorium_id"
    " JOIN venue v ON v.id = r.venue_id WHERE p.id = :performance"
    " AND (w.source_id, w.ref) = (p.source_id, v.ref)"
    " AND (w.looked_at < :at OR w.looked_at IS NULL))"
    " INSERT INTO supply (performance_id, left_by_area, is_on_sale, as_of)"
    " VALUES (:performance, CAST(:areas AS jsonb), :is_on_sale, :at)"
    " ON CONFLICT (performance_id) DO UPDATE SET left_by_area = excluded.left_by_area,"
    " as_of = excluded.as_of WHERE supply.as_of < excluded.as_of"
    " RETURNING performance_id"
)


def news(
    session: Session, source: Source, read: Sequence[tuple[AnyRecord, int]]
) -> list[AnyRecord]:
    """Return records that say something new, each under the version beside it.

    A record that says what is known, but for its version, is none. What contradicts
    itself is kept: the delivery's report says so.
    """
    found: list[AnyRecord] = []
    for kind, table in TABLES:
        own = {one.ref: (one, no) for one, no in read if isinstance(one, kind)}
        known = queries.known(session, table, source.supplier_id, list(own))
        for record, version in own.values():
            old = known.get(record.ref)
            if old is not None and not old.is_withdrawn:
                same = replace(record, version=old.version)
                if digest_of(same) == old.digest:
                    continue
            if record.version:  # the source has versions of its own
                found.append(record)
            else:
                found.append(replace(record, version=version))
    return found


def missing(
    session: Session, source: Source, told: Mapping[str, set[str]]
) -> dict[str, tuple[frozenset[str], int]]:
    """Return upcoming performances of venues that were not told, and of how many.

    Venues at which none is known are left out.
    """
    if not told:
        return {}
    where = {
        "feed": source.feed_id,
        "is_whole": WHOLE in told,
        "venues": list(told),
        "told": [ref for refs in told.values() for ref in refs],
    }
    found = session.execute(_UPCOMING, where)
    return {row.venue: (frozenset(row.missing), row.known) for row in found}


def deliver(session: Session, source: Source, records: Sequence[AnyRecord]) -> None:
    """Put news on its way into the catalogue, as a delivery of the source's feed."""
    receive_records(session, session.get_one(Feed, source.feed_id), records)


def write_supply(
    session: Session, source: Source, found: Mapping[str, tuple[Available, datetime]]
) -> None:
    """Note what is left of performances, and when that was said, if it has changed.

    Seats that are gone, where they are told, unless somebody has looked since.
    """
    where: dict[str, Any] = {"supplier": source.supplier_id, "source": source.id}
    known = session.execute(_SUPPLIED, where | {"refs": list(found)}).all()
    for row in known:
        one, at = found[row.ref]
        if one.gone is not None and (row.as_of is None or row.as_of < at):
            note_gone(session, source.id, row.id, one.gone)
    said = [
        {
            "id": row.id,
            "areas": dict(one.left),
            "is_on_sale": one.is_on_sale,
            "as_of": at.isoformat(),
        }
        for row in known
        for one, at in [found[row.ref]]
        if (row.left_by_area, row.is_on_sale) != (one.left, one.is_on_sale)
    ]
    if said:
        session.execute(_SUPPLY, {"rows": rows(said)})


def write_look(
    session: Session, performance_id: UUID, found: Available, at: datetime
) -> bool:
    """Note what a supplier says is left of a performance; False if that is older.

    Whether it is on sale is the schedule's to say: seats do not tell.
    """
    said = {"areas": rows([dict(found.left)])[1:-1], "is_on_sale": found.is_on_sale}
    where = {"performance": performance_id, "at": at, **said}
    return session.execute(_LOOK, where).one_or_none() is not None


def is_looked_at(seen: SourceVenue) -> bool:
    """Say whether somebody looked at a venue since all of it was last taken.

    What a look has found is to be written over by a reading that is newer, though that
    reading be the same as the last.
    """
    if seen.looked_at is None:
        return False
    return seen.whole_at is None or seen.looked_at > seen.whole_at


def withdraw(session: Session, source: Source, refs: Sequence[str]) -> int:
    """Withdraw performances: they sell no more, their orders stay; return how many."""
    where = {"feed": source.feed_id, "refs": list(refs)}
    ids = list(session.scalars(_IDS, where))
    stop_performances(session, ids)
    return len(list(session.scalars(_WITHDRAW, where)))


def still_missing(session: Session, source_id: UUID, refs: Sequence[str]) -> list[str]:
    """Return those of *refs* that the last reading of their venue did not tell."""
    seen = queries.venues_read(session, source_id).values()
    gone = {ref for row in seen for ref in row.missing}
    return [ref for ref in refs if ref in gone]


def note_venue(
    session: Session,
    source_id: UUID,
    venue: str,
    values: Mapping[str, Any],
    row: SourceVenue | None,
) -> None:
    """Keep what was read of a venue; *row* is what there is of it."""
    if row is None:
        session.add(SourceVenue(source_id=source_id, ref=venue, **values))
        return
    for name, value in values.items():
        setattr(row, name, value)


def good_venues(venues: Sequence[VenueRecord]) -> list[VenueRecord]:
    """Return the venues that can be read: their zone is one."""
    return [one for one in venues if _is_good(one)]


def _is_good(record: VenueRecord) -> bool:
    try:
        check(record)
    except RefusedError:
        return False
    return True


class KnownRooms:
    """Rooms of a venue: from the hub's catalogue, or told by the supplier, once.

    In a thorough reading each is told again: a map may have changed.
    """

    def __init__(
        self,
        known: Callable[[str], Mapping[str, int] | None],
        ask: Callable[[str, str], AuditoriumRecord],
    ) -> None:
        self._known, self._ask = known, ask
        self._areas: dict[str, Mapping[str, int]] = {}
        self.told: dict[str, AuditoriumRecord] = {}

    def areas(self, ref: str, performance: str) -> Mapping[str, int]:
        """Return the areas of a room with their capacities."""
        if ref not in self._areas:
            known = self._known(ref)
            if known is None:
                self.told[ref] = record = self._ask(ref, performance)
                known = capacities(record)
            self._areas[ref] = known
        return self._areas[ref]


def capacities(room: AuditoriumRecord) -> dict[str, int]:
    """Return the areas of a room with their capacities."""
    return {
        area.ref: sum(len(row.seats) for row in area.rows)
        if area.rows is not None
        else area.capacity or 0
        for area in room.areas
    }
