"""What is read about feeds, deliveries and what they already brought."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from connectors.models import Delivery, DeliveryRefusal, Feed
from hub.kernel.db import take_turns
from hub.kernel.errors import NotFoundError

UNFINISHED = ("received", "checking", "applying", "released")
_KNOWN = {
    table: text(
        "SELECT ref, id, version, digest, false AS is_withdrawn FROM"  # noqa: S608 - our own words
        f" {table} WHERE supplier_id = :supplier AND ref = ANY(:refs)"
    )
    for table in ("venue", "auditorium", "production")
} | {
    "performance": text(
        "SELECT ref, id, version, digest, withdrawn_at IS NOT NULL AS is_withdrawn"
        " FROM performance WHERE supplier_id = :supplier AND ref = ANY(:refs)"
    )
}
_ROOMS = text(
    "SELECT r.ref, r.id, v.zone, v.business_day_starts, a.ref AS area_ref,"
    " a.id AS area_id, a.capacity FROM auditorium r JOIN venue v ON v.id = r.venue_id"
    " JOIN area a ON a.auditorium_id = r.id"
    " WHERE r.supplier_id = :supplier AND r.ref = ANY(:refs)"
)
_MISSING = (
    " FROM performance p WHERE p.feed_id = :feed AND p.withdrawn_at IS NULL"
    " AND p.delivery_id < :delivery"
    " AND p.status = 'scheduled' AND coalesce(p.ends_at, p.starts_at) > :now"
)
_NOT_NAMED = (
    " AND NOT EXISTS (SELECT FROM delivery_ref d"
    " WHERE d.delivery_id = :delivery AND d.ref = p.ref)"
)
_COUNT = text(
    "SELECT count(*) AS known, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM"
    " delivery_ref d WHERE d.delivery_id = :delivery AND d.ref = p.ref)) AS missing"
    + _MISSING
)
_TO_WITHDRAW = text("SELECT p.id" + _MISSING + _NOT_NAMED + " ORDER BY p.id")


@dataclass(frozen=True, slots=True)
class Known:
    """What the hub has of a record."""

    id: UUID
    version: int
    digest: bytes
    is_withdrawn: bool


@dataclass(frozen=True, slots=True)
class Room:
    """An auditorium as performances need it; areas map ref to (id, capacity)."""

    id: UUID
    zone: str
    day_starts_min: int
    areas: dict[str, tuple[UUID, int]]


def known(
    session: Session, table: str, supplier_id: UUID, refs: Collection[str]
) -> dict[str, Known]:
    """Return what is known of these records, by reference."""
    rows = session.execute(_KNOWN[table], {"supplier": supplier_id, "refs": list(refs)})
    return {r.ref: Known(r.id, r.version, r.digest, r.is_withdrawn) for r in rows}


def rooms(
    session: Session, supplier_id: UUID, refs: Collection[str]
) -> dict[str, Room]:
    """Return auditoriums with their areas, by reference."""
    found: dict[str, Room] = {}
    rows = session.execute(_ROOMS, {"supplier": supplier_id, "refs": list(refs)})
    for row in rows:
        starts = row.business_day_starts
        minutes = starts.hour * 60 + starts.minute
        room = found.setdefault(row.ref, Room(row.id, row.zone, minutes, {}))
        room.areas[row.area_ref] = (row.area_id, row.capacity)
    return found


_SEATED = text(
    "SELECT p.id, p.auditorium_id FROM performance p WHERE p.id = ANY(:ids) AND (EXISTS"
    " (SELECT FROM seat_taken t WHERE t.performance_id = p.id) OR EXISTS"
    " (SELECT FROM block_seat b WHERE b.performance_id = p.id))"
)


def seated(session: Session, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the auditoriums of performances that have seats taken or in blocks."""
    rows = session.execute(_SEATED, {"ids": list(ids)}) if ids else ()
    return {row.id: row.auditorium_id for row in rows}


def get_feed(session: Session, supplier_id: UUID, name: str) -> Feed:
    """Return a supplier's feed by name; NotFoundError if it has none such."""
    wanted = select(Feed).where(Feed.supplier_id == supplier_id, Feed.name == name)
    found = session.scalar(wanted)
    if found is None:
        raise NotFoundError(feed=name)
    return found


def get_delivery(
    session: Session, delivery_id: UUID, *, world: str, supplier_id: UUID | None
) -> Delivery:
    """Return a delivery: a supplier's own, or for operators any of their world."""
    wanted = (
        select(Delivery)
        .join(Feed, Feed.id == Delivery.feed_id)
        .where(Delivery.id == delivery_id, Delivery.world == world)
    )
    if supplier_id is not None:
        wanted = wanted.where(Feed.supplier_id == supplier_id)
    found = session.scalar(wanted)
    if found is None:
        raise NotFoundError(delivery_id=delivery_id)
    return found


def list_deliveries(
    session: Session,
    *,
    world: str,
    supplier_id: UUID | None,
    state: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Delivery]:
    """Return deliveries, newest first, one more than *limit*."""
    wanted: Select[Delivery] = select(Delivery).where(Delivery.world == world)
    if supplier_id is not None:
        mine = select(Feed.id).where(Feed.supplier_id == supplier_id)
        wanted = wanted.where(Delivery.feed_id.in_(mine))
    if state is not None:
        wanted = wanted.where(Delivery.state == state)
    if after is not None:
        wanted = wanted.where(Delivery.id < after)
    return session.scalars(wanted.order_by(Delivery.id.desc()).limit(limit + 1)).all()


def refusals(
    session: Session, delivery_id: UUID, *, after_line: int, limit: int
) -> Sequence[DeliveryRefusal]:
    """Return what was refused after a line, at most *limit*, by line."""
    wanted = select(DeliveryRefusal).where(
        DeliveryRefusal.delivery_id == delivery_id, DeliveryRefusal.line > after_line
    )
    return session.scalars(wanted.order_by(DeliveryRefusal.line).limit(limit)).all()


def lock_next_delivery(session: Session, feed_id: UUID) -> tuple[Feed, Delivery] | None:
    """Lock a feed and return its oldest delivery that is not finished, if any.

    A supplier's feeds are worked off one at a time: they may name the same records.
    """
    feed = session.get_one(Feed, feed_id, with_for_update=True)
    take_turns(session, f"feed {feed.supplier_id}")
    wanted = select(Delivery).where(
        Delivery.feed_id == feed_id, Delivery.state.in_(UNFINISHED)
    )
    delivery = session.scalar(wanted.order_by(Delivery.id).limit(1))
    return None if delivery is None else (feed, delivery)


def count_missing(session: Session, delivery: Delivery, now: Any) -> tuple[int, int]:
    """Return (known, missing): upcoming performances, and those not delivered."""
    where = {"feed": delivery.feed_id, "delivery": delivery.id, "now": now}
    row = session.execute(_COUNT, where).one()
    return row.known, row.missing


def to_withdraw(session: Session, delivery: Delivery, now: Any) -> list[UUID]:
    """Return upcoming performances that a full delivery did not name."""
    where = {"feed": delivery.feed_id, "delivery": delivery.id, "now": now}
    return list(session.scalars(_TO_WITHDRAW, where))


def is_superseded(session: Session, delivery: Delivery) -> bool:
    """Say whether a later full delivery of the feed has been applied."""
    later = select(Delivery.id).where(
        Delivery.feed_id == delivery.feed_id,
        Delivery.id > delivery.id,
        Delivery.mode == "full",
        Delivery.state.in_(("applying", "done")),
    )
    return session.scalar(later.limit(1)) is not None


def broken_laws(session: Session) -> list[dict[str, Any]]:
    """Return deliveries whose records do not add up."""
    wanted = text(
        "SELECT id FROM delivery WHERE state = 'done' AND records <>"
        " accepted + unchanged + stale + refused LIMIT 20"
    )
    law = "every record of a delivery is accounted for"
    return [
        {"law": law, "delivery_id": str(found)} for found in session.scalars(wanted)
    ]
