"""Tables: methods of delivery, and shipments."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from hub.kernel.db import (
    Base,
    CreatedAt,
    Id,
    Json,
    Minor,
    Names,
    Timestamp,
    WorldName,
)


class DeliveryMethod(Base):
    """A way to send tickets; its fee is the billable of its name in an agent's terms.

    No countries: to all of them. Not offered in the last hours before a performance.
    """

    __tablename__ = "delivery_method"
    __table_args__ = (
        UniqueConstraint("world", "ref"),
        CheckConstraint("kind IN ('post', 'courier', 'collect')", name="kind"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    ref: Mapped[str]
    kind: Mapped[str]
    name: Mapped[Names]
    countries: Mapped[list[str]] = mapped_column(ARRAY(Text))
    ends_before_h: Mapped[int]
    is_offered: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[CreatedAt]


class Shipment(Base):
    """The tickets of an order on their way; the fee is booked with it."""

    __tablename__ = "shipment"
    __table_args__ = (
        UniqueConstraint("order_id"),
        CheckConstraint(
            "(dispatched_at IS NULL) = (carrier IS NULL)", name="dispatched"
        ),
        Index(
            "ix_shipment_waiting",
            *("world", "id"),
            postgresql_where=text("dispatched_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("sale_order.id"))
    method_id: Mapped[UUID] = mapped_column(ForeignKey("delivery_method.id"))
    address: Mapped[Json]
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("journal_entry.id"))
    fee_minor: Mapped[Minor]
    currency: Mapped[str]
    asked_at: Mapped[Timestamp]
    carrier: Mapped[str | None]
    tracking: Mapped[str | None]
    dispatched_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def state(self) -> str:
        """Whether it waits to be sent."""
        return "waiting" if self.dispatched_at is None else "dispatched"
