"""Tables: endpoints, replays, and the log of deliveries."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from hub.kernel.db import Base, CreatedAt, Id, Json, Timestamp, WorldName


class WebhookEndpoint(Base):
    """Where an agent wants its changes sent; all up to ``position`` are on their way.

    Its secret is made from its id and ``generation``; the one before is good until
    ``previous_until``. ``dialect`` says in whose words it is told, ``wants`` what that
    needs to know; one that ``is_tried_once`` is sent nothing again. ``lease`` counts
    who has drained it, ``leased_until`` bounds it.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'paused', 'removed')", name="state"),
        Index("ix_webhook_endpoint_agent_id", "agent_id"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    url: Mapped[str]
    topics: Mapped[list[str]] = mapped_column(ARRAY(Text))
    dialect: Mapped[str | None]
    wants: Mapped[Json]
    is_tried_once: Mapped[bool] = mapped_column(server_default="false")
    state: Mapped[str]
    paused_because: Mapped[str | None]
    version: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column(BigInteger)
    generation: Mapped[int]
    previous_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failures: Mapped[int] = mapped_column(server_default="0")
    failing_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    next_at: Mapped[Timestamp]
    leased_until: Mapped[Timestamp]
    lease: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[CreatedAt]


class WebhookReplay(Base):
    """A range of changes to be sent once more."""

    __tablename__ = "webhook_replay"
    __table_args__ = (
        Index(
            "ix_webhook_replay_endpoint_id",
            "endpoint_id",
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoint.id"))
    position: Mapped[int] = mapped_column(BigInteger)
    until_position: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[Timestamp]
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class WebhookDelivery(Base):
    """What became of a change that was sent to an endpoint."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'delivered', 'failed')", name="state"),
        Index("ix_webhook_delivery_endpoint_id", "endpoint_id", "id"),
        Index(
            "ix_webhook_delivery_waiting",
            *("endpoint_id", "entity_id", "position"),
            postgresql_where=text("state = 'waiting'"),
        ),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[Id]
    world: Mapped[str]
    endpoint_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(BigInteger)
    entity_id: Mapped[UUID]
    kind: Mapped[str]
    what: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[Timestamp]
    is_replay: Mapped[bool]
    state: Mapped[str]
    attempts: Mapped[int]
    next_at: Mapped[Timestamp]
    status: Mapped[int | None]
    error: Mapped[str | None]
    took_ms: Mapped[int | None]
    tried_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
