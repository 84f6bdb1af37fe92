"""Tables: orders, their tickets and whose they are."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, Id, Json, Minor, Timestamp


class Order(Base):
    """A confirmed sale, under the agent's own reference.

    What orders, lines and tickets refer to outside the sale is looked up by triggers,
    once a statement, and may not be deleted.
    """

    __tablename__ = "sale_order"
    __table_args__ = (
        UniqueConstraint("agent_id", "reference"),
        UniqueConstraint("hold_id"),
        CheckConstraint(
            "state IN ('confirmed', 'partly_cancelled', 'cancelled')", name="state"
        ),
        Index("ix_sale_order_listing", "agent_id", "id"),
        Index(
            "ix_sale_order_reference",
            *("agent_id", "reference"),
            postgresql_ops={"reference": "text_pattern_ops"},
        ),
    )

    id: Mapped[Id]
    world: Mapped[str]
    agent_id: Mapped[UUID]
    hold_id: Mapped[UUID]
    exchanged_from: Mapped[UUID | None]
    reference: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    confirmed_at: Mapped[Timestamp]
    not_sold: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")


class OrderLine(Base):
    """Some tickets of one offer in an order, with the price and terms frozen on it."""

    __tablename__ = "order_line"
    __table_args__ = (
        CheckConstraint("0 <= cancelled AND cancelled <= quantity", name="cancelled"),
        Index("ix_order_line_node_id", "node_id"),
    )

    order_id: Mapped[UUID] = mapped_column(
        ForeignKey("sale_order.id"), primary_key=True
    )
    no: Mapped[int] = mapped_column(primary_key=True)
    performance_id: Mapped[UUID]
    node_id: Mapped[UUID]
    offer_id: Mapped[UUID]
    quantity: Mapped[int]
    cancelled: Mapped[int] = mapped_column(server_default="0")
    currency: Mapped[str]
    face_minor: Mapped[Minor]
    booking_fee_minor: Mapped[Minor]
    caps: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), server_default="{}")
    quote: Mapped[Json]
    resale_minor: Mapped[int | None] = mapped_column(BigInteger)


class Ticket(Base):
    """One admission in an order; ``node_id`` is the block its seat was taken from.

    A shared code is that of all tickets of the order for the performance.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        ForeignKeyConstraint(
            ["order_id", "line_no"], ["order_line.order_id", "order_line.no"]
        ),
        CheckConstraint(
            "(cancelled_at IS NULL) = (cancelled_for IS NULL)"
            " AND cancelled_for IN ('agent', 'exchange', 'venue')",
            name="cancelled",
        ),
        CheckConstraint("used_at IS NULL OR cancelled_at IS NULL", name="used"),
        Index(
            "uq_ticket_code",
            *("code", "performance_id"),
            unique=True,
            postgresql_where=text("NOT is_shared"),
        ),
        Index("ix_ticket_shared_code", "code", postgresql_where=text("is_shared")),
        Index("ix_ticket_order_id", "order_id"),
        Index(
            "ix_ticket_node_id", "node_id", postgresql_where=text("node_id IS NOT NULL")
        ),
        Index(
            "uq_ticket_valid_seat",
            "performance_id",
            "seat_id",
            unique=True,
            postgresql_where=text("cancelled_at IS NULL AND seat_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    order_id: Mapped[UUID]
    line_no: Mapped[int]
    performance_id: Mapped[UUID]
    code: Mapped[str]
    seat_id: Mapped[UUID | None]
    node_id: Mapped[UUID | None]
    is_shared: Mapped[bool] = mapped_column(server_default="false")
    placement: Mapped[str | None]
    cancelled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancelled_for: Mapped[str | None]
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    used_at_gate: Mapped[str | None]


class FormerCode(Base):
    """A code that was replaced: who shows it is told so."""

    __tablename__ = "former_code"

    code: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("sale_order.id"), index=True)
    ended_at: Mapped[Timestamp]
    reason: Mapped[str]


class OrderPerson(Base):
    """Who bought an order (no 0), or whose a ticket is, where the venue asks.

    A valid ticket's holder has its performance: nobody holds two of one.
    """

    __tablename__ = "order_person"
    __table_args__ = (
        Index(
            "uq_order_person_performance_id",
            *("performance_id", "id_type", "id_number"),
            unique=True,
            postgresql_where=text("performance_id IS NOT NULL"),
        ),
    )

    order_id: Mapped[UUID] = mapped_column(
        ForeignKey("sale_order.id"), primary_key=True
    )
    no: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[UUID | None]
    performance_id: Mapped[UUID | None]
    name: Mapped[str]
    id_type: Mapped[str | None]
    id_number: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
