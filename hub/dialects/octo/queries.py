"""What OCTO reads of its own bookings. Nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from hub.dialects.octo.models import OctoBooking
from hub.kernel.errors import NotFoundError
from hub.kernel.hot import find_one

_COLUMNS = [column.key for column in OctoBooking.__table__.columns]
KNOWN: LiteralString = (
    "SELECT clock_timestamp() + w.clock_offset, b.agent_id, b.uuid, b.world, b.hold_id,"
    " b.digest, b.reseller_reference, b.local_on, b.cart_id, b.said, b.created_at,"
    " b.changed_at FROM world w LEFT JOIN octo_booking b ON b.agent_id = %s"
    " AND b.uuid = %s AND b.world = w.name WHERE w.name = %s"
)
_OF_CHANGED = text(
    "SELECT e.id, b.* FROM unnest(CAST(:ids AS uuid[])) AS e(id)"
    " LEFT JOIN sale_order o ON o.id = e.id"
    " JOIN octo_booking b ON b.hold_id = coalesce(o.hold_id, e.id)"
    " WHERE b.agent_id = :agent UNION ALL SELECT b.uuid, b.* FROM octo_booking b"
    " WHERE b.agent_id = :agent AND b.uuid = ANY(:ids)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFilter:
    """Which bookings of an agent to find; at least one of the first four is said."""

    reseller_reference: str | None = None
    hold_id: UUID | None = None
    first: date | None = None
    last: date | None = None
    product_id: str | None = None
    option_id: str | None = None


def bookings(
    session: Session, agent_id: UUID, wanted: BookingFilter, *, most: int
) -> Sequence[OctoBooking]:
    """Return an agent's bookings by what is known of them, the newest first."""
    found = select(OctoBooking).where(OctoBooking.agent_id == agent_id)
    if wanted.reseller_reference is not None:
        found = found.where(OctoBooking.reseller_reference == wanted.reseller_reference)
    if wanted.hold_id is not None:
        found = found.where(OctoBooking.hold_id == wanted.hold_id)
    if wanted.first is not None:
        found = found.where(OctoBooking.local_on >= wanted.first)
    if wanted.last is not None:
        found = found.where(OctoBooking.local_on <= wanted.last)
    if wanted.product_id is not None:
        found = found.where(OctoBooking.said["productId"].astext == wanted.product_id)
    if wanted.option_id is not None:
        found = found.where(OctoBooking.said["optionId"].astext == wanted.option_id)
    newest = (OctoBooking.created_at.desc(), OctoBooking.uuid)
    return session.scalars(found.order_by(*newest).limit(most)).all()


def known(
    world: str, agent_id: UUID, uuid: UUID
) -> tuple[OctoBooking | None, datetime]:
    """Return an agent's booking as it is now, if it has it, and its world's time.

    One statement, for it is asked twice a sale.
    """
    now, *found = find_one(KNOWN, (agent_id, uuid, world)) or (None,)
    if now is None:
        raise NotFoundError(world=world)
    if found[0] is None:
        return None, now
    return OctoBooking(**dict(zip(_COLUMNS, found, strict=True))), now


def of_changed(
    session: Session, agent_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, OctoBooking]:
    """Return an agent's bookings by the ids of their holds or orders, or their own."""
    where = {"agent": agent_id, "ids": list(ids)}
    rows = session.execute(_OF_CHANGED, where).mappings()
    return {row["id"]: _booking(row) for row in rows}


def _booking(row: RowMapping) -> OctoBooking:
    return OctoBooking(**{name: row[name] for name in _COLUMNS})


def of_cart(session: Session, agent_id: UUID, cart_id: UUID) -> Sequence[OctoBooking]:
    """Return the bookings of a cart, the oldest first."""
    found = select(OctoBooking).where(
        OctoBooking.agent_id == agent_id, OctoBooking.cart_id == cart_id
    )
    return session.scalars(found.order_by(OctoBooking.created_at)).all()
