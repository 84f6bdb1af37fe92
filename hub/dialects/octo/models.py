"""Tables: what OCTO keeps of bookings beside the hub, their carts, what was pushed."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, CreatedAt, Timestamp, WorldName


class OctoBooking(Base):
    """A booking under its agent's own uuid, and the hold that it is.

    *digest*: of the request that made it. *said*: product, option and availability,
    unit items, references, contact, notes: what is only told again.
    """

    __tablename__ = "octo_booking"
    __table_args__ = (
        Index("ix_octo_booking_hold_id", "hold_id"),
        Index(
            "ix_octo_booking_reseller_reference",
            *("agent_id", "reseller_reference"),
            postgresql_where=text("reseller_reference IS NOT NULL"),
        ),
        Index("ix_octo_booking_local_on", "agent_id", "local_on"),
        Index(
            "ix_octo_booking_cart_id",
            "cart_id",
            postgresql_where=text("cart_id IS NOT NULL"),
        ),
    )

    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    uuid: Mapped[UUID] = mapped_column(primary_key=True)
    world: Mapped[str]
    hold_id: Mapped[UUID]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    reseller_reference: Mapped[str | None]
    local_on: Mapped[date]
    cart_id: Mapped[UUID | None]
    said: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]
    changed_at: Mapped[Timestamp]


class OctoTold(Base):
    """What an endpoint was last told of a booking: values by their paths."""

    __tablename__ = "octo_told"

    endpoint_id: Mapped[UUID] = mapped_column(
        ForeignKey("webhook_endpoint.id"), primary_key=True
    )
    uuid: Mapped[UUID] = mapped_column(primary_key=True)
    told: Mapped[dict[str, Any]] = mapped_column(JSONB)


class OctoCart(Base):
    """Bookings that are confirmed, extended and cancelled together: OCTO's order."""

    __tablename__ = "octo_cart"

    agent_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    world: Mapped[WorldName]
    said: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]
