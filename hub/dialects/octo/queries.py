"""What OCTO reads of its own bookings. Nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select, text
from sqlalchemy.orm import Session

from hub.dialects.octo.models import OctoBooking

_COLUMNS = [column.key for column in OctoBooking.__table__.columns]
_KNOWN = text(
    "SELECT clock_timestamp() + w.clock_offset AS now, b.* FROM world w"
    " LEFT JOIN octo_booking b ON b.agent_id = :agent AND b.uuid = :uuid"
    " AND b.world = w.name WHERE w.name = :world"
)
_OF_CHANGED = text(
    "SELECT e.id, b.* FROM unnest(CAST(:ids AS uuid[])) AS e(id)"
    " LEFT JOIN sale_order o ON o.id = e.id"
    " JOIN octo_booking b ON b.hold_id = coalesce(o.hold_id, e.id)"
    " WHERE b.agent_id = :agent"
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
    connection: Connection, world: str, agent_id: UUID, uuid: UUID
) -> tuple[OctoBooking | None, datetime]:
    """Return an agent's booking as it is now, if it has it, and its world's time."""
    where = {"world": world, "agent": agent_id, "uuid": uuid}
    found = connection.execute(_KNOWN, where).mappings().one()
    if found["uuid"] is None:
        return None, found["now"]
    return _booking(found), found["now"]


def of_changed(
    session: Session, agent_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, OctoBooking]:
    """Return an agent's bookings by the ids of their holds or orders."""
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
