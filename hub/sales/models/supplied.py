"""Tables: what is locked and sold by suppliers' own systems, and sales under way."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, CreatedAt, Id, Json, Timestamp, WorldName


class SupplierOrder(Base):
    """A hold's part at one supplier: one performance, under our key, which is its id.

    Its row is written before the supplier is called and after; *next_at*: when
    somebody else goes on with it if nobody has; *fence*: who goes on, so that who was
    thought dead changes nothing. *case_since*: it needs a person.
    """

    __tablename__ = "supplier_order"
    __table_args__ = (
        UniqueConstraint("hold_id", "performance_id"),
        CheckConstraint(
            "state IN ('locking', 'locked', 'selling', 'unknown', 'sold', 'undoing',"
            " 'cancelling', 'ended')",
            name="state",
        ),
        Index(
            "ix_supplier_order_next_at",
            "next_at",
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index(
            "ix_supplier_order_case_since",
            "case_since",
            postgresql_where=text("case_since IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    hold_id: Mapped[UUID]
    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"))
    performance_id: Mapped[UUID] = mapped_column(ForeignKey("performance.id"))
    state: Mapped[str]
    wanted: Mapped[Json]
    theirs: Mapped[str | None]
    lock_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sold: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    reason: Mapped[str | None]
    said: Mapped[str | None]
    cancelling: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(server_default="0")
    fence: Mapped[int] = mapped_column(server_default="0")
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    next_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    case_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[CreatedAt]


class SuppliedSale(Base):
    """A confirm that needs suppliers' words: what was wanted, kept until it is known.

    Its order has its id from the start, so that its agent knows where to look.
    """

    __tablename__ = "supplied_sale"
    __table_args__ = (
        UniqueConstraint("order_id"),
        CheckConstraint(
            "state IN ('selling', 'unknown', 'confirmed', 'rejected')", name="state"
        ),
        Index(
            "uq_supplied_sale_reference",
            *("agent_id", "reference"),
            unique=True,
            postgresql_where=text("state IN ('selling', 'unknown')"),
        ),
    )

    hold_id: Mapped[UUID] = mapped_column(primary_key=True)
    world: Mapped[WorldName]
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    order_id: Mapped[UUID]
    reference: Mapped[str]
    wish: Mapped[Json]
    state: Mapped[str]
    reason: Mapped[str | None]
    made_at: Mapped[Timestamp]
