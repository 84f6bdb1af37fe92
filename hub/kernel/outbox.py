"""Messages that must leave the hub if, and only if, their transaction commits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub.kernel.db import Base, CreatedAt, Id, Json, WorldName
from hub.kernel.ids import new_id

_CLAIM = text(
    "UPDATE outbox_message SET leased_until = clock_timestamp() + :lease,"
    " attempts = attempts + 1 WHERE id IN ("
    " SELECT id FROM outbox_message WHERE done_at IS NULL"
    " AND leased_until <= clock_timestamp() AND topic = ANY(:topics)"
    " ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)"
    " RETURNING id, topic, payload, attempts"
)
_DONE = text(
    "UPDATE outbox_message SET done_at = clock_timestamp() WHERE id = :id"
    " AND done_at IS NULL"
)


class OutboxMessage(Base):
    """One fact on its way to a job; done when the job says so, here."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index(
            "ix_outbox_message_waiting",
            "leased_until",
            postgresql_where=text("done_at IS NULL"),
        ),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    topic: Mapped[str]
    payload: Mapped[Json] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]
    leased_until: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    attempts: Mapped[int] = mapped_column(server_default="0")
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message this relay holds until its lease runs out."""

    id: UUID
    topic: str
    payload: dict[str, str]
    attempts: int


def put(session: Session, topic: str, *, world: str, **payload: str) -> UUID:
    """Record a message inside the caller's transaction; return its id."""
    message = OutboxMessage(id=new_id(), world=world, topic=topic, payload=payload)
    session.add(message)
    return message.id


def claim(
    session: Session, *, topics: list[str], lease: timedelta, most: int
) -> list[Claimed]:
    """Lease the oldest messages no job has marked done; send them after commit."""
    rows = session.execute(_CLAIM, {"topics": topics, "lease": lease, "most": most})
    return sorted((Claimed(*row) for row in rows), key=lambda message: message.id)


def is_done(session: Session, message_id: UUID) -> bool:
    """Say whether the job of this message has finished; lock it against a twin."""
    row = session.execute(
        text("SELECT done_at FROM outbox_message WHERE id = :id FOR UPDATE"),
        {"id": message_id},
    ).one_or_none()
    return row is None or row.done_at is not None


def mark_done(session: Session, message_id: UUID) -> None:
    """Record, in the job's own transaction, that its work is done."""
    session.execute(_DONE, {"id": message_id})
