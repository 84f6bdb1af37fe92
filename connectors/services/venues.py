"""Writing venues, auditoriums with their seat maps, and productions."""

from collections.abc import Iterable, Sequence
from datetime import time
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Table, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from allocation.queries.locks import stop_performances
from allocation.services.sharing import share_out_again
from connectors import queries
from connectors.feed.records import AreaRecord, AuditoriumRecord, ProductionRecord
from connectors.models import Feed
from connectors.rules.records import RefusedError
from connectors.services.taken import Taken
from hub.catalogue.models import Area, Auditorium, Production, Venue
from hub.catalogue.rules import searchable
from hub.kernel.ids import new_id

Refused = list[tuple[Taken, RefusedError]]
_RETIRE = text(
    "UPDATE seat SET is_retired = true WHERE area_id = :area AND NOT is_retired"
    " AND (row_name, number) NOT IN (SELECT * FROM unnest(CAST(:rows AS text[]),"
    " CAST(:numbers AS text[])))"
)
_ADD_SEATS = text(
    "INSERT INTO seat (id, area_id, row_name, number, row_index, seat_index, x, y,"
    " kind, pair, is_before_aisle, code)"
    " SELECT i, :area, r, n, ri, si, x, y, k, pr, ai, co FROM"
    " unnest(CAST(:ids AS uuid[]), CAST(:rows AS text[]), CAST(:numbers AS text[]),"
    " CAST(:row_indexes AS int[]),"
    " CAST(:seat_indexes AS int[]), CAST(:xs AS int[]), CAST(:ys AS int[]),"
    " CAST(:kinds AS text[]), CAST(:pairs AS text[]), CAST(:aisles AS boolean[]),"
    " CAST(:codes AS text[]))"
    " AS s(i, r, n, ri, si, x, y, k, pr, ai, co)"
    " ON CONFLICT (area_id, row_name, number) DO UPDATE SET"
    " row_index = excluded.row_index, seat_index = excluded.seat_index,"
    " x = excluded.x, y = excluded.y, kind = excluded.kind, pair = excluded.pair,"
    " is_before_aisle = excluded.is_before_aisle, is_retired = false,"
    " code = excluded.code"
)


def _common(feed: Feed, taken: Taken) -> dict[str, Any]:
    return {
        "id": taken.old_id or new_id(),
        "world": feed.world,
        "supplier_id": feed.supplier_id,
        "ref": taken.record.ref,
        "version": taken.record.version,
        "digest": taken.digest,
    }


def _upsert(session: Session, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, or replace what a supplier's reference already names."""
    target: Table = table.__table__
    made = insert(target)
    fixed = {"id", "world", "supplier_id", "ref"}
    replaced = {name: made.excluded[name] for name in rows[0] if name not in fixed}
    keys = [target.c.supplier_id, target.c.ref]
    session.execute(
        made.on_conflict_do_update(index_elements=keys, set_=replaced), rows
    )


_OTHER_KIND = (
    "FROM area a JOIN auditorium r ON r.id = a.auditorium_id"
    " WHERE r.supplier_id = :supplier AND r.ref = :ref"
    " AND (a.is_seated AND a.ref = ANY(:standing)"
    "  OR NOT a.is_seated AND a.ref = ANY(:seated))"
)
_CHANGING = text(
    "SELECT DISTINCT pa.performance_id FROM performance_area pa JOIN performance p"  # noqa: S608 - our own words
    " ON p.id = pa.performance_id JOIN world w ON w.name = p.world"
    f" WHERE pa.area_id IN (SELECT a.id {_OTHER_KIND})"
    " AND coalesce(p.ends_at, p.starts_at) > clock_timestamp() + w.clock_offset"
)
_SOLD = text(
    f"SELECT a.ref {_OTHER_KIND}"  # noqa: S608 - our own words
    " AND EXISTS (SELECT FROM performance_area pa JOIN node n"
    "  ON n.performance_area_id = pa.id JOIN performance p ON p.id = pa.performance_id"
    "  JOIN world w ON w.name = p.world WHERE pa.area_id = a.id"
    "  AND coalesce(p.ends_at, p.starts_at) > clock_timestamp() + w.clock_offset"
    "  AND (EXISTS (SELECT FROM order_line l WHERE l.node_id = n.id"
    "    AND l.cancelled < l.quantity)"
    "  OR EXISTS (SELECT FROM hold_line l JOIN hold h ON h.id = l.hold_id"
    "    WHERE l.node_id = n.id AND h.state = 'held')))"
    " ORDER BY a.ref"
)


def write_venues(session: Session, feed: Feed, taken: Sequence[Taken]) -> Refused:
    """Write venues; none is refused here."""
    rows = [
        {
            **_common(feed, found),
            "name": found.record.name,
            "zone": found.record.zone,
            "country": found.record.country,
            "city": found.record.city,
            "search": searchable([*found.record.name.values(), found.record.city]),
            "business_day_starts": time.fromisoformat(found.record.business_day_starts),
        }
        for found in taken
    ]
    _upsert(session, Venue, rows)
    return []


def write_productions(session: Session, feed: Feed, taken: Sequence[Taken]) -> Refused:
    """Write productions; none is refused here."""
    rows = [
        {
            **_common(feed, found),
            "genre": found.record.genre,
            "title": found.record.title,
            "description": found.record.description,
            "runtime_min": found.record.runtime_min,
            "images": _images(found.record),
            "search": searchable(found.record.title.values()),
        }
        for found in taken
    ]
    _upsert(session, Production, rows)
    return []


def _images(record: ProductionRecord) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.to_builtins(record.images or ())
    return found


def write_auditoriums(session: Session, feed: Feed, taken: Sequence[Taken]) -> Refused:
    """Write auditoriums and their seat maps; one of an unknown venue is refused."""
    refs = {found.record.venue for found in taken}
    venues = queries.known(session, "venue", feed.supplier_id, refs)
    refused: Refused = []
    for found in taken:
        record: AuditoriumRecord = found.record
        if record.venue not in venues:
            reason = f"no venue {record.venue} has been delivered"
            refused.append((found, RefusedError("venue", "unknown-venue", reason)))
            continue
        sold = _sold_of_another_kind(session, feed.supplier_id, record)
        if sold:
            reason = f"{', '.join(sold)}: sold already; numbered or not, it stays so"
            refused.append((found, RefusedError("areas", "area-sold", reason)))
            continue
        row = {
            **_common(feed, found),
            "venue_id": venues[record.venue].id,
            "name": record.name,
        }
        _upsert(session, Auditorium, [row])
        _write_areas(session, row["id"], record.areas)
    return refused


def _sold_of_another_kind(
    session: Session, supplier_id: UUID, record: AuditoriumRecord
) -> list[str]:
    """Return areas that would get or lose numbers while somebody has places there."""
    where = {
        "supplier": supplier_id,
        "ref": record.ref,
        "seated": [area.ref for area in record.areas if area.rows is not None],
        "standing": [area.ref for area in record.areas if area.rows is None],
    }
    changing = list(session.scalars(_CHANGING, where))
    if not changing:
        return []
    stop_performances(session, changing)  # nobody may get a place meanwhile
    return list(session.scalars(_SOLD, where))


def _write_areas(
    session: Session, auditorium_id: UUID, areas: Iterable[AreaRecord]
) -> None:
    wanted = select(Area.ref, Area.id, Area.is_seated).where(
        Area.auditorium_id == auditorium_id
    )
    before = session.execute(wanted).all()
    ids = {row.ref: row.id for row in before}
    seated = {row.ref: row.is_seated for row in before}
    left = set(ids)
    for area in areas:
        seats = [seat for row in area.rows or () for seat in row.seats]
        values = {
            "name": area.name,
            "is_seated": area.rows is not None,
            "capacity": area.capacity if area.rows is None else len(seats),
        }
        area_id = ids.get(area.ref, new_id())
        made = insert(Area).values(
            id=area_id, auditorium_id=auditorium_id, ref=area.ref, **values
        )
        keys = ["auditorium_id", "ref"]
        session.execute(made.on_conflict_do_update(index_elements=keys, set_=values))
        _write_seats(session, area_id, area)
        seated[area.ref] = values["is_seated"]
        left.discard(area.ref)
    if any(seated[row.ref] != row.is_seated for row in before):
        share_out_again(session, auditorium_id)
    gone = [ids[ref] for ref in left]
    session.execute(update(Area).where(Area.id.in_(gone)).values(capacity=0))


def _write_seats(session: Session, area_id: UUID, area: AreaRecord) -> None:
    """Store seats once per area; one that the map drops is retired, not deleted."""
    found = [
        (
            *(row.name, seat.number, row_index, seat_index, seat.x, seat.y),
            *(seat.kind, seat.pair and f"{row.name}/{seat.pair}", seat.aisle_after),
            seat.code or None,
        )
        for row_index, row in enumerate(area.rows or ())
        for seat_index, seat in enumerate(row.seats)
    ]
    names = [
        *("rows", "numbers", "row_indexes", "seat_indexes", "xs", "ys"),
        *("kinds", "pairs", "aisles", "codes"),
    ]
    columns = [list(c) for c in zip(*found, strict=True)] or [[] for _ in names]
    lists: dict[str, Any] = dict(zip(names, columns, strict=True))
    session.execute(
        _RETIRE, {"area": area_id, "rows": lists["rows"], "numbers": lists["numbers"]}
    )
    ids = [new_id() for _ in found]
    session.execute(_ADD_SEATS, {"area": area_id, "ids": ids, **lists})
