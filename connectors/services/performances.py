"""Writing performances, in bulk."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from allocation.queries.locks import stop_performances
from allocation.services.sharing import change_performances
from connectors import queries
from connectors.feed.records import PerformanceRecord
from connectors.models import Feed
from connectors.queries import Known, Room
from connectors.rules.records import RefusedError, business_date, check_now
from connectors.services.inventory import (
    Rows,
    add_inventory,
    change_inventory,
    copy,
    inventory,
)
from connectors.services.taken import Taken
from hub.catalogue.models import Performance
from hub.kernel import clock
from hub.kernel.ids import new_id

Refused = list[tuple[Taken, RefusedError]]


def write_performances(session: Session, feed: Feed, taken: Sequence[Taken]) -> Refused:
    """Write performances; those that name what is not known are refused.

    New ones are copied in; changed ones are stopped first, so that from this commit
    on nothing is held at the old price, time or capacity.
    """
    records = [found.record for found in taken]
    supplier = feed.supplier_id
    productions = queries.known(
        session, "production", supplier, {record.production for record in records}
    )
    rooms = queries.rooms(session, supplier, {record.auditorium for record in records})
    seated = queries.seated(session, {f.old_id for f in taken if f.old_id})
    now = clock.now(session, feed.world)
    refused: Refused = []
    good: list[Taken] = []
    for found in taken:
        try:
            check_now(found.record, now)
            _check_known(found.record, productions, rooms)
            _check_room(found, rooms, seated)
        except RefusedError as error:
            refused.append((found, error))
        else:
            good.append(found)
    source_id = queries.live_source(session, feed.id)
    rows = [
        _performance(feed, found, productions, rooms) | {"source_id": source_id}
        for found in good
    ]
    _add(session, feed, good, rows, rooms)
    _change(session, feed, good, rows, rooms)
    return refused


def _add(
    session: Session,
    feed: Feed,
    taken: Sequence[Taken],
    rows: Rows,
    rooms: Mapping[str, Room],
) -> None:
    new = [(f, row) for f, row in zip(taken, rows, strict=True) if f.old_id is None]
    if new:
        copy(session, Performance.__table__, [row for _, row in new])
        told = [inventory(found.record, row["id"], rooms) for found, row in new]
        add_inventory(session, feed, told)


def _change(
    session: Session,
    feed: Feed,
    taken: Sequence[Taken],
    rows: Rows,
    rooms: Mapping[str, Room],
) -> None:
    changed = [(f, row) for f, row in zip(taken, rows, strict=True) if f.old_id]
    if not changed:
        return
    ids = [row["id"] for _, row in changed]
    stop_performances(session, ids)
    session.execute(
        update(Performance), [row | {"withdrawn_at": None} for _, row in changed]
    )
    told = [inventory(found.record, row["id"], rooms) for found, row in changed]
    change_inventory(session, feed, told)
    change_performances(session, feed.supplier_id, ids)


def _check_known(
    record: PerformanceRecord,
    productions: Mapping[str, Known],
    rooms: Mapping[str, Room],
) -> None:
    if record.production not in productions:
        reason = f"no production {record.production} has been delivered"
        raise RefusedError("production", "unknown-production", reason)
    room = rooms.get(record.auditorium)
    if room is None:
        reason = f"no auditorium {record.auditorium} has been delivered"
        raise RefusedError("auditorium", "unknown-auditorium", reason)
    for at, area in enumerate(record.areas):
        field = f"areas[{at}]"
        if area.area not in room.areas:
            reason = f"{record.auditorium} has no area {area.area}"
            raise RefusedError(f"{field}.area", "unknown-area", reason)
        seats = room.areas[area.area][1]
        if area.capacity > seats:
            reason = f"area {area.area} has {seats} seats, fewer than {area.capacity}"
            raise RefusedError(f"{field}.capacity", "above-area", reason)


def _check_room(
    found: Taken, rooms: Mapping[str, Room], seated: Mapping[UUID, UUID]
) -> None:
    """Refuse another auditorium where seats of the one before are somebody's."""
    before = seated.get(found.old_id) if found.old_id else None
    if before is not None and before != rooms[found.record.auditorium].id:
        reason = "seats are held, sold or in blocks: cancel it, and deliver another"
        raise RefusedError("auditorium", "seats-taken", reason)


def _performance(
    feed: Feed,
    found: Taken,
    productions: Mapping[str, Known],
    rooms: Mapping[str, Room],
) -> dict[str, Any]:
    record: PerformanceRecord = found.record
    room = rooms[record.auditorium]
    business_on = record.business_on or business_date(
        record.starts_at, room.zone, room.day_starts_min
    )
    return {
        "id": found.old_id or new_id(),
        "world": feed.world,
        "supplier_id": feed.supplier_id,
        "feed_id": feed.id,
        "delivery_id": found.delivery_id,
        "ref": record.ref,
        "version": record.version,
        "digest": found.digest,
        "production_id": productions[record.production].id,
        "auditorium_id": room.id,
        "starts_at": record.starts_at,
        "ends_at": record.ends_at,
        "zone": room.zone,
        "business_on": business_on,
        "is_open_dated": record.open_dated,
        "announce_at": record.announce_at,
        "on_sale_at": record.on_sale_at,
        "cut_off_at": record.cut_off_at,
        "status": record.status,
        "admission": record.admission or "ticket",
        "names": record.names or "none",
    }
