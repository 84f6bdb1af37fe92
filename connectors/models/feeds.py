"""Tables: feeds, deliveries, their parts, and what was refused."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hub.kernel.db import Base, CreatedAt, Id, WorldName


class Feed(Base):
    """A stream of a supplier's records, and how much it may drop unasked."""

    __tablename__ = "feed"
    __table_args__ = (
        UniqueConstraint("supplier_id", "name"),
        CheckConstraint("drop_share_max_bp BETWEEN 0 AND 10000", name="drop_share"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    name: Mapped[str]
    drop_share_max_bp: Mapped[int]
    created_at: Mapped[CreatedAt]


class Delivery(Base):
    """One delivery of a feed, from its arrival to its report."""

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint("mode IN ('full', 'delta')", name="mode"),
        CheckConstraint(
            "state IN ('received', 'checking', 'applying', 'quarantined', 'released',"
            " 'done', 'discarded')",
            name="state",
        ),
        Index("ix_delivery_feed_id", "feed_id", "id"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    feed_id: Mapped[UUID] = mapped_column(ForeignKey("feed.id"))
    mode: Mapped[str]
    state: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    parts: Mapped[int]
    parts_checked: Mapped[int] = mapped_column(server_default="0")
    parts_applied: Mapped[int] = mapped_column(server_default="0")
    records: Mapped[int]
    accepted: Mapped[int] = mapped_column(server_default="0")
    unchanged: Mapped[int] = mapped_column(server_default="0")
    stale: Mapped[int] = mapped_column(server_default="0")
    refused: Mapped[int] = mapped_column(server_default="0")
    withdrawn: Mapped[int] = mapped_column(server_default="0")
    unreadable: Mapped[int] = mapped_column(server_default="0")
    would_drop: Mapped[int | None]
    known: Mapped[int | None]
    received_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))

    feed: Mapped[Feed] = relationship(lazy="joined", innerjoin=True)


class DeliveryPart(Base):
    """Some whole lines of a delivery, compressed; deleted once the delivery is done."""

    __tablename__ = "delivery_part"
    __table_args__ = {"postgresql_partition_by": "RANGE (delivery_id)"}  # noqa: RUF012

    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    line_numbers: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class DeliveryRef(Base):
    """A performance named by a full delivery; what is not named is withdrawn."""

    __tablename__ = "delivery_ref"
    __table_args__ = {"postgresql_partition_by": "RANGE (delivery_id)"}  # noqa: RUF012

    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(primary_key=True)


class DeliveryRefusal(Base):
    """One record that was not taken, and why."""

    __tablename__ = "delivery_refusal"
    __table_args__ = {"postgresql_partition_by": "RANGE (delivery_id)"}  # noqa: RUF012

    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str | None]
    field: Mapped[str | None]
    code: Mapped[str]
    reason: Mapped[str]
