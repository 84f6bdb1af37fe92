"""Areas and offers of performances: written together for many of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from allocation.services.tree import add_trees
from connectors.feed.records import PerformanceRecord
from connectors.models import Feed
from connectors.queries import Room
from hub.catalogue.models import Area, Offer, PerformanceArea
from hub.kernel.ids import new_id

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Rows of the areas of a performance, by their names, and of its offers."""

    performance_id: UUID
    areas: dict[str, dict[str, Any]]
    offers: Rows


def inventory(
    record: PerformanceRecord, performance_id: UUID, rooms: Mapping[str, Room]
) -> Inventory:
    """Return the areas and offers of a performance as rows that are new."""
    room = rooms[record.auditorium]
    areas = {
        sold.area: {
            "id": new_id(),
            "performance_id": performance_id,
            "area_id": room.areas[sold.area][0],
            "capacity": sold.capacity,
        }
        for sold in record.areas
    }
    offers = [
        {
            "id": new_id(),
            "performance_area_id": areas[offer.area]["id"],
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
    return Inventory(performance_id, areas, offers)


def add_inventory(session: Session, feed: Feed, told: Sequence[Inventory]) -> None:
    """Write areas and offers of performances that are new."""
    _add_areas(session, feed, [pair for one in told for pair in one.areas.items()])
    copy(session, Offer.__table__, [offer for one in told for offer in one.offers])


def _add_areas(
    session: Session, feed: Feed, named: Sequence[tuple[str, dict[str, Any]]]
) -> None:
    copy(session, PerformanceArea.__table__, [area for _, area in named])
    trees = [(a["id"], a["performance_id"], ref, a["capacity"]) for ref, a in named]
    if trees:
        add_trees(session, feed.world, feed.supplier_id, trees)


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


def change_inventory(session: Session, feed: Feed, told: Sequence[Inventory]) -> None:
    """Write areas and offers of performances that were there before.

    An area keeps its row, which holds and orders name; one that is not told any more
    has a capacity of 0, and an offer that is not is withdrawn.
    """
    known = _known_areas(session, [one.performance_id for one in told])
    new: list[tuple[str, dict[str, Any]]] = []
    changed: Rows = []
    offers: Rows = []
    for one in told:
        old = known.get(one.performance_id, {})
        new += [(ref, area) for ref, area in one.areas.items() if ref not in old]
        changed += _changed(old, one.areas)
        ids = {
            area["id"]: old[ref]["id"] for ref, area in one.areas.items() if ref in old
        }
        for offer in one.offers:
            at = offer["performance_area_id"]
            offers.append(offer | {"performance_area_id": ids.get(at, at)})
    _add_areas(session, feed, new)
    ids_of_all = [area["id"] for old in known.values() for area in old.values()]
    _set_offers(session, ids_of_all, offers)
    if changed:
        session.execute(update(PerformanceArea), changed)


def _known_areas(
    session: Session, ids: Sequence[UUID]
) -> dict[UUID, dict[str, dict[str, Any]]]:
    """Return the areas performances have, by performance and name."""
    table = PerformanceArea.__table__.c
    wanted = (
        select(table.performance_id, Area.ref, table.id, table.area_id, table.capacity)
        .join(Area, Area.id == table.area_id)
        .where(table.performance_id.in_(ids))
    )
    found: dict[UUID, dict[str, dict[str, Any]]] = {}
    for row in session.execute(wanted):
        area = {"id": row.id, "area_id": row.area_id, "capacity": row.capacity}
        found.setdefault(row.performance_id, {})[row.ref] = area
    return found


def _changed(
    old: Mapping[str, dict[str, Any]], areas: Mapping[str, dict[str, Any]]
) -> Rows:
    """Return the rows of areas that have another room or capacity now."""
    changed = []
    for ref, known in old.items():
        area = areas.get(ref, {"area_id": known["area_id"], "capacity": 0})
        now = known | {"area_id": area["area_id"], "capacity": area["capacity"]}
        if now != known:
            changed.append(now)
    return changed


def _set_offers(session: Session, area_ids: Sequence[UUID], offers: Rows) -> None:
    """Write offers in place of all that areas had."""
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
