"""Tables: what happens to performances that are sold, and what becomes of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, Id, Timestamp, WorldName


class Disruption(Base):
    """A performance was cancelled, postponed or moved; noted by a trigger."""

    __tablename__ = "disruption"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('cancelled', 'postponed', 'rescheduled', 'moved', 'reinstated')",
            name="kind",
        ),
        Index("ix_disruption_waiting", "seq", postgresql_where=text("told_at IS NULL")),
    )

    seq: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True
    )
    world: Mapped[str]
    performance_id: Mapped[UUID]
    version: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    starts_at_before: Mapped[Timestamp]
    starts_at: Mapped[Timestamp]
    made_at: Mapped[Timestamp]
    told_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Notice(Base):
    """An agent is told of a disruption; it acknowledges by a time."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("disruption_seq", "agent_id"),
        Index("ix_notice_agent_id", "agent_id", "id"),
        Index("ix_notice_performance_id", "performance_id", "agent_id"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    disruption_seq: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("disruption.seq")
    )
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    performance_id: Mapped[UUID]
    tickets: Mapped[int]
    made_at: Mapped[Timestamp]
    acknowledge_by: Mapped[Timestamp]
    refund_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    acknowledged_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RefundRun(Base):
    """All tickets of a cancelled performance are given back, some orders at a time."""

    __tablename__ = "refund_run"
    __table_args__ = (
        Index(
            "uq_refund_run_waiting",
            "performance_id",
            unique=True,
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    performance_id: Mapped[UUID] = mapped_column(ForeignKey("performance.id"))
    reason: Mapped[str]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    made_at: Mapped[Timestamp]
    orders: Mapped[int] = mapped_column(server_default="0")
    tickets: Mapped[int] = mapped_column(server_default="0")
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def state(self) -> str:
        """Whether it goes on."""
        return "running" if self.done_at is None else "done"
