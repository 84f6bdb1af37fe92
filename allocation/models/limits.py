"""Tables: stops of sale, and counters that limit without promising."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, Id, Timestamp, WorldName


class Stop(Base):
    """A stop of sale: for everything it names, soft or hard, until it is lifted."""

    __tablename__ = "stop"
    __table_args__ = (
        Index(
            "ix_stop_supplier_id",
            "supplier_id",
            postgresql_where=text("lifted_at IS NULL"),
        ),
        CheckConstraint(
            "(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted_by_somebody"
        ),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    performance_id: Mapped[UUID | None]
    production_id: Mapped[UUID | None]
    area: Mapped[str | None]
    channel: Mapped[str | None]
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("partner.id"))
    price_type: Mapped[str | None]
    venue: Mapped[str | None]
    auditorium: Mapped[str | None]
    genre: Mapped[str | None]
    is_hard: Mapped[bool]
    reason: Mapped[str]
    made_at: Mapped[Timestamp]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    lifted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))


class CapCount(Base):
    """What has been taken under a cap (seats); the plan says how many may be.

    ``id`` is the hash of what it counts, so that it is found without looking.
    """

    __tablename__ = "cap_count"
    __table_args__ = (
        CheckConstraint("taken >= 0", name="taken"),
        Index("ix_cap_count_performance_id", "performance_id"),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    kind: Mapped[str]
    subject: Mapped[str]
    performance_id: Mapped[UUID | None]
    taken: Mapped[int]


class Recall(Base):
    """Unsold seats a supplier takes back from an agent, now or after a notice."""

    __tablename__ = "recall"
    __table_args__ = (
        CheckConstraint("seats > 0 AND taken BETWEEN 0 AND seats", name="seats"),
        CheckConstraint("(done_at IS NULL) = (taken IS NULL)", name="done"),
        Index(
            "ix_recall_effective_at",
            "effective_at",
            postgresql_where=text("done_at IS NULL"),
        ),
        Index("ix_recall_performance_id", "performance_id"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    performance_id: Mapped[UUID]
    area: Mapped[str]
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    seats: Mapped[int]
    is_forced: Mapped[bool]
    reason: Mapped[str]
    effective_at: Mapped[Timestamp]
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    taken: Mapped[int | None]
    made_at: Mapped[Timestamp]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
