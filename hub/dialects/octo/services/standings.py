"""Bookings found, and how they stand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.dialects.octo import queries
from hub.dialects.octo.errors import invalid
from hub.dialects.octo.models import OctoBooking
from hub.dialects.octo.services.asking import Asking
from hub.dialects.octo.services.finding import Finder
from hub.dialects.octo.services.telling import (
    Standing,
    booking,
    standing_of_hold,
    standing_of_order,
)
from hub.dialects.shared.services.looking import look_for
from hub.kernel import clock
from hub.kernel.db import transaction
from hub.sales.models import Hold, Order
from hub.sales.queries.supplied import sale_of
from hub.sales.services import views
from hub.sales.services.supplied.telling import order_view


def finder() -> Finder:
    """Return what this process keeps of the catalogue for OCTO."""
    found: Finder = current_app.extensions["octo"]
    return found


def look_up(asked: Asking, uuid: UUID) -> tuple[OctoBooking | None, datetime]:
    """Return an agent's booking, if it has it, and the time: in one statement."""
    return queries.known(asked.who.world, asked.who.partner, uuid)


def uuid_of(said: str) -> UUID:
    """Read a booking's uuid; INVALID_BOOKING_UUID if it is none."""
    try:
        return UUID(said)
    except ValueError:
        raise invalid("uuid", said) from None


def find(
    session: Session, asked: Asking, said: str, *, lock: bool = False
) -> OctoBooking:
    """Return an agent's booking; INVALID_BOOKING_UUID if it has none of that uuid."""
    key = (asked.who.partner, uuid_of(said))
    row = session.get(OctoBooking, key, with_for_update=lock or None)
    if row is None or row.world != asked.who.world:
        raise invalid("uuid", said)
    return row


def lock(session: Session, asked: Asking, uuid: str) -> OctoBooking:
    """Return an agent's booking, locked after its hold, as a confirm locks them."""
    before = find(session, asked, uuid)
    session.execute(select(Hold.id).where(Hold.id == before.hold_id).with_for_update())
    session.expire(before)
    return find(session, asked, uuid, lock=True)


def standing(session: Session, asked: Asking, row: OctoBooking) -> Standing:
    """Return how a booking stands: by its order, its sale under way, or its hold."""
    order_id = session.scalar(select(Order.id).where(Order.hold_id == row.hold_id))
    if order_id is None:
        sale = sale_of(session, row.hold_id)
        order_id = None if sale is None else sale.order_id
    if order_id is not None:
        return standing_of_order(order_view(session, asked.who, order_id))
    hold = session.scalar(select(Hold).where(Hold.id == row.hold_id))
    if hold is None:  # ended long ago, and pruned
        raise invalid("uuid", str(row.uuid))
    return standing_of_hold(views.hold_view(session, asked.who, hold), hold.ended_at)


def told(
    asked: Asking, row: OctoBooking, found: Standing, now: datetime
) -> dict[str, Any]:
    """Return a booking as it is told."""
    look = look_for(asked.who)
    return booking(asked, row, found, finder().shown(asked, row, look, now))


def show(asked: Asking, uuid: str) -> dict[str, Any]:
    """Return a booking as it stands now."""
    with transaction() as session:
        row = find(session, asked, uuid)
        found, now = standing(session, asked, row), clock.now(session, row.world)
    return told(asked, row, found, now)
