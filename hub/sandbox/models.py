"""Tables: sandboxes with their partners, and what was seen of each."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, CreatedAt, Timestamp


class Sandbox(Base):
    """A world made for one partner of the live world; *partner_id* is it in there.

    *season_from* is the day from which its season's days are counted; *closing_until*:
    until then somebody has a month closed.
    """

    __tablename__ = "sandbox"

    world: Mapped[str] = mapped_column(Text, ForeignKey("world.name"), primary_key=True)
    live_partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"), unique=True)
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"), unique=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    reviewer_id: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    approver_id: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    currency: Mapped[str]
    season_from: Mapped[Timestamp]
    closing_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    made_at: Mapped[CreatedAt]


class SandboxSeen(Base):
    """Something a sandbox's partner did, or was answered: how often, and when."""

    __tablename__ = "sandbox_seen"

    world: Mapped[str] = mapped_column(
        Text, ForeignKey("sandbox.world"), primary_key=True
    )
    what: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[Timestamp]
    last_at: Mapped[Timestamp]


class SandboxMark(Base):
    """A request that was met before: it is known by its fingerprint for a day."""

    __tablename__ = "sandbox_mark"

    world: Mapped[str] = mapped_column(
        Text, ForeignKey("sandbox.world"), primary_key=True
    )
    mark: Mapped[str] = mapped_column(primary_key=True)
    made_at: Mapped[CreatedAt]
