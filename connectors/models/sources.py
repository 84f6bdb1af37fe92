"""Tables: suppliers' systems that are asked, what was read of them, and measured."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, CreatedAt, Id, Json, Timestamp, WorldName


class Source(Base):
    """A supplier's system: where it is, how it is asked, and how gently.

    *credentials* are sealed. *is_live*: it sells itself. *tolerance_minor*: how much
    more an order may cost there than was quoted before it is refused.
    """

    __tablename__ = "source"
    __table_args__ = (
        UniqueConstraint("supplier_id", "name"),
        UniqueConstraint("feed_id"),
        UniqueConstraint("hint_token"),
        CheckConstraint("every_s >= 1", name="every"),
        CheckConstraint("connect_ms > 0", name="connect"),
        CheckConstraint("operation_ms > 0", name="operation"),
        CheckConstraint("at_once > 0", name="at_once"),
        CheckConstraint("tolerance_minor >= 0", name="tolerance"),
        CheckConstraint("reads_per_minute >= 0", name="reads"),
        Index("ix_source_next_sync_at", "next_sync_at"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    feed_id: Mapped[UUID] = mapped_column(ForeignKey("feed.id"))
    name: Mapped[str]
    kind: Mapped[str]
    url: Mapped[str]
    settings: Mapped[Json]
    credentials: Mapped[bytes] = mapped_column(LargeBinary)
    is_live: Mapped[bool]
    version: Mapped[int]
    is_stopped: Mapped[bool] = mapped_column(server_default="false")
    stopped_because: Mapped[str | None]
    every_s: Mapped[int]
    connect_ms: Mapped[int]
    operation_ms: Mapped[int]
    at_once: Mapped[int]
    reads_per_minute: Mapped[int]
    tolerance_minor: Mapped[int] = mapped_column(BigInteger)
    mark: Mapped[str | None]
    next_sync_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    hint_token: Mapped[str] = mapped_column(
        server_default=text("replace(gen_random_uuid()::text, '-', '')")
    )
    hinted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    read_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[CreatedAt]


class SourceSync(Base):
    """One reading of a source: what it found, and what became of it."""

    __tablename__ = "source_sync"
    __table_args__ = (
        CheckConstraint(
            "state IN ('running', 'done', 'failed', 'quarantined', 'let-in',"
            " 'discarded')",
            name="state",
        ),
        Index("ix_source_sync_source_id", "source_id", "id"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"))
    state: Mapped[str]
    is_thorough: Mapped[bool]
    started_at: Mapped[Timestamp]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    venues: Mapped[int] = mapped_column(server_default="0")
    venues_failed: Mapped[int] = mapped_column(server_default="0")
    performances: Mapped[int] = mapped_column(server_default="0")
    changed: Mapped[int] = mapped_column(server_default="0")
    missing: Mapped[int] = mapped_column(server_default="0")
    withdrawn: Mapped[int] = mapped_column(server_default="0")
    would_withdraw: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    error: Mapped[str | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))


class SourceVenue(Base):
    """What was last read of a venue: where to go on, and what was missing then.

    A performance that is missing in two readings is withdrawn, not before.
    """

    __tablename__ = "source_venue"

    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"), primary_key=True)
    ref: Mapped[str] = mapped_column(primary_key=True)
    mark: Mapped[str | None]
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    prints: Mapped[bytes | None] = mapped_column(LargeBinary)
    told: Mapped[bytes | None] = mapped_column(LargeBinary)
    sync_id: Mapped[UUID]
    read_at: Mapped[Timestamp]
    whole_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    looked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    missing: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    error: Mapped[str | None]


class SourceMeasured(Base):
    """Calls of an hour: how many, how many failed, and how long they took.

    *buckets*: calls by how long they took, see ``connectors.rules.measuring``.
    """

    __tablename__ = "source_measured"

    source_id: Mapped[UUID] = mapped_column(ForeignKey("source.id"), primary_key=True)
    hour: Mapped[Timestamp] = mapped_column(primary_key=True)
    calls: Mapped[int]
    errors: Mapped[int]
    unknown: Mapped[int]
    buckets: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    clock_offset_s: Mapped[float | None] = mapped_column(Double)


class Supply(Base):
    """What a supplier last said is left of a live performance, by area.

    Under ``""`` what is left of all areas together, where it says only that.
    """

    __tablename__ = "supply"

    performance_id: Mapped[UUID] = mapped_column(
        ForeignKey("performance.id"), primary_key=True
    )
    left_by_area: Mapped[dict[str, Any]] = mapped_column(JSONB)
    is_on_sale: Mapped[bool]
    as_of: Mapped[Timestamp]


class RehearsalOrder(Base):
    """What a sandbox's supplier has locked and sold, under the hub's key of it."""

    __tablename__ = "rehearsal_order"

    key: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    until: Mapped[Timestamp]
    tickets: Mapped[list[Any]] = mapped_column(JSONB)
    asked: Mapped[int]
