"""What OCTO reads of its own bookings. Nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.dialects.octo.models import OctoBooking


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


def of_cart(session: Session, agent_id: UUID, cart_id: UUID) -> Sequence[OctoBooking]:
    """Return the bookings of a cart, the oldest first."""
    found = select(OctoBooking).where(
        OctoBooking.agent_id == agent_id, OctoBooking.cart_id == cart_id
    )
    return session.scalars(found.order_by(OctoBooking.created_at)).all()
