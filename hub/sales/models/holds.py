"""Tables: holds and the quotes that stand on them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, CreatedAt, Id, Json, Minor, Timestamp, WorldName


class Hold(Base):
    """Seats taken for a short time on the way to a sale.

    ``wanted``: of one that the supplier is asked for, what it is to be placed from.
    ``is_frozen``: a supplier is being asked to sell it: until it has answered, nothing
    ends it. ``is_counted``: whether look-to-book bounded its agent when it was placed.
    """

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint(
            "state IN ('requested', 'held', 'confirmed', 'released', 'lapsed',"
            " 'rejected', 'voided')",
            name="state",
        ),
        CheckConstraint(
            "kind IN ('hold', 'option', 'request', 'report', 'live')", name="kind"
        ),
        Index(
            "ix_hold_agent_id",
            "agent_id",
            "id",
            postgresql_where=text("state = 'held'"),
        ),
        Index(
            "ix_hold_counted",
            "agent_id",
            "id",
            postgresql_where=text("is_counted"),
        ),
        Index(
            "ix_hold_expires_at", "expires_at", postgresql_where=text("state = 'held'")
        ),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    agent_id: Mapped[UUID]
    state: Mapped[str]
    version: Mapped[int]
    expires_at: Mapped[Timestamp]
    created_at: Mapped[CreatedAt]
    kind: Mapped[str] = mapped_column(server_default="hold")
    ttl_s: Mapped[int] = mapped_column(server_default="0")
    extensions: Mapped[int] = mapped_column(server_default="0")
    extensions_most: Mapped[int] = mapped_column(server_default="0")
    extendable_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str | None]
    wanted: Mapped[Json | None]
    is_counted: Mapped[bool] = mapped_column(server_default="false")
    is_frozen: Mapped[bool] = mapped_column(server_default="false")


class FrozenQuote(Base):
    """A quote as it stands on holds; its id is the hash of what it says."""

    __tablename__ = "frozen_quote"

    id: Mapped[Id]
    world: Mapped[WorldName]
    agent_contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    body: Mapped[Json]
    seen_at: Mapped[CreatedAt] = mapped_column(index=True)


class HoldLine(Base):
    """Some tickets of one offer in a hold, with the price fixed for them.

    ``seat_nodes``: who pays for each seat, where some lie in blocks; else all are the
    node's. ``caps``: the counters it counts in, ``held_caps``: those only while held.
    """

    __tablename__ = "hold_line"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_hold_line_node_id", "node_id"),
        {"postgresql_partition_by": "RANGE (hold_id)"},
    )

    hold_id: Mapped[UUID] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    performance_id: Mapped[UUID]
    node_id: Mapped[UUID]
    offer_id: Mapped[UUID]
    quantity: Mapped[int]
    owed_minor: Mapped[Minor]
    seat_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    seat_nodes: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), server_default="{}")
    caps: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), server_default="{}")
    held_caps: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), server_default="{}")
    quote_id: Mapped[UUID]
