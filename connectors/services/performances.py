"""Writing performances with their areas and offers, in bulk."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from allocation.queries.locks import stop_performances
from allocation.services.sharing import change_performances
from allocation.services.tree import add_trees
from connectors import queries
from connectors.feed.records import PerformanceRecord
from connectors.models import Feed
from connectors.queries import Known, Room
from connectors.rules.records import RefusedError, business_date, check_now
from connectors.services.taken import Taken
from hub.catalogue.models import Area, Offer, Performance, PerformanceArea
from hub.kernel import clock
from hub.kernel.ids import new_id

Refused = list[tuple[Taken, RefusedError]]
Rows = list[dict[str, Any]]
AreaSold = tuple[UUID, UUID, str, int]


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


def _add(
    session: Session,
    feed: Feed,
    taken: Sequence[Taken],
    rows: Rows,
    rooms: Mapping[str, Room],
) -> None:
    new = [(f, row) for f, row in zip(taken, rows, strict=True) if f.old_id is None]
    if not new:
        return
    areas: Rows = []
    offers: Rows = []
    trees: list[AreaSold] = []
    for found, row in new:
        more_areas, more_offers = _inventory(found.record, row["id"], rooms)
        areas += more_areas
        offers += more_offers
        trees += _sold(found.record, more_areas)
    copy(session, Performance.__table__, [row for _, row in new])
    copy(session, PerformanceArea.__table__, areas)
    copy(session, Offer.__table__, offers)
    add_trees(session, feed.world, feed.supplier_id, trees)


def _sold(record: PerformanceRecord, areas: Rows) -> list[AreaSold]:
    return [
        (row["id"], row["performance_id"], sold.area, sold.capacity)
        for row, sold in zip(areas, record.areas, strict=True)
    ]


def _inventory(
    record: PerformanceRecord, performance_id: UUID, rooms: Mapping[str, Room]
) -> tuple[Rows, Rows]:
    room = rooms[record.auditorium]
    ids = {area.area: new_id() for area in record.areas}
    areas = [
        {
            "id": ids[area.area],
            "performance_id": performance_id,
            "area_id": room.areas[area.area][0],
            "capacity": area.capacity,
        }
        for area in record.areas
    ]
    offers = [
        {
            "id": new_id(),
            "performance_area_id": ids[offer.area],
            "price_type": offer.price_type,
            "currency": offer.currency,
            "face_minor": offer.face_minor,
            "booking_fee_minor": offer.booking_fee_minor,
            "tax_bp": offer.tax_bp,
            "tickets_min": offer.tickets_min,
            "tickets_max": offer.tickets_max,
            "resale_floor_minor": offer.resale.floor_minor if offer.resale else None,
            "resale_ceiling_minor": offer.resale.ceiling_minor
            if offer.resale
            else None,
            "code": offer.code or None,
        }
        for offer in record.offers
    ]
    return areas, offers


def copy(session: Session, table: Any, rows: Rows) -> None:
    """Copy rows of one shape into a table with PostgreSQL's COPY."""
    if not rows:
        return
    names = list(rows[0])
    statement = f"COPY {table.name} ({', '.join(names)}) FROM STDIN"
    driver = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as sink:  # type: ignore[union-attr]
        for row in rows:
            sink.write_row(tuple(row.values()))


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
    stop_performances(session, [row["id"] for _, row in changed])
    session.execute(
        update(Performance), [row | {"withdrawn_at": None} for _, row in changed]
    )
    for found, row in changed:
        _change_inventory(session, feed, found.record, row["id"], rooms)
    changed_ids = [row["id"] for _, row in changed]
    change_performances(session, feed.supplier_id, changed_ids)


def _change_inventory(
    session: Session,
    feed: Feed,
    record: PerformanceRecord,
    performance_id: UUID,
    rooms: Mapping[str, Room],
) -> None:
    """Write areas and offers of a changed performance."""
    areas, offers = _inventory(record, performance_id, rooms)
    refs = [sold.area for sold in record.areas]
    wanted = (
        select(PerformanceArea, Area.ref)
        .join(Area, Area.id == PerformanceArea.area_id)
        .where(PerformanceArea.performance_id == performance_id)
    )
    old = {ref: area for area, ref in session.execute(wanted)}
    named = list(zip(areas, refs, strict=True))
    ids = {a["id"]: old[ref].id for a, ref in named if ref in old}
    new = [area for area, ref in named if ref not in old]
    capacities = {ids[a["id"]]: a["capacity"] for a in areas if a["id"] in ids}
    for area, ref in named:
        if ref in old:
            old[ref].area_id = area["area_id"]  # that of the room it is in now
    gone = {area.id: 0 for area in old.values() if area.id not in capacities}
    copy(session, PerformanceArea.__table__, new)
    if new:
        names = {area["id"]: ref for area, ref in named}
        sold = [(a["id"], performance_id, names[a["id"]], a["capacity"]) for a in new]
        add_trees(session, feed.world, feed.supplier_id, sold)
    for offer in offers:
        area_id = offer["performance_area_id"]
        offer["performance_area_id"] = ids.get(area_id, area_id)
    _set_offers(session, [*ids.values(), *gone, *(a["id"] for a in new)], offers)
    _set_capacities(session, old.values(), capacities | gone)


def _set_capacities(
    session: Session,
    areas: Iterable[PerformanceArea],
    capacities: Mapping[UUID, int],
) -> None:
    values = [
        {"id": area.id, "capacity": capacities[area.id]}
        for area in areas
        if capacities[area.id] != area.capacity
    ]
    if values:
        session.execute(update(PerformanceArea), values)


def _set_offers(session: Session, area_ids: Sequence[UUID], offers: Rows) -> None:
    table: Table = Offer.__table__  # type: ignore[assignment]
    session.execute(
        update(table)
        .where(table.c.performance_area_id.in_(area_ids))
        .values(is_withdrawn=True)
    )
    made = insert(table)
    replaced = {name: made.excluded[name] for name in offers[0] if name != "id"}
    upsert = made.on_conflict_do_update(
        index_elements=["performance_area_id", "price_type"],
        set_=replaced | {"is_withdrawn": False},
    )
    session.execute(upsert, offers)
