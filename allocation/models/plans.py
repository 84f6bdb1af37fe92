"""Tables: plans in versions, and when each was put in force or withdrawn."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, Id, Json, Timestamp, WorldName


class Plan(Base):
    """One immutable version of how capacity is shared out, for a scope.

    It is a draft until it is published.
    """

    __tablename__ = "plan"
    __table_args__ = (UniqueConstraint("supplier_id", "version"),)

    id: Mapped[Id]
    world: Mapped[WorldName]
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    version: Mapped[int]
    name: Mapped[str]
    scope: Mapped[Json]
    rules: Mapped[Json]
    created_at: Mapped[Timestamp]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))


class PlanSchedule(Base):
    """A plan that is to be put in force at a moment; then, or why not, ``done_at``."""

    __tablename__ = "plan_schedule"
    __table_args__ = (
        Index(
            "ix_plan_schedule_effective_at",
            "effective_at",
            postgresql_where=text("done_at IS NULL"),
        ),
        Index(
            "uq_plan_schedule_waiting",
            "plan_id",
            unique=True,
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"), index=True)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"))
    effective_at: Mapped[Timestamp]
    made_at: Mapped[Timestamp]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    outcome: Mapped[str | None]


class PlanPublication(Base):
    """A plan put in force, or withdrawn; the last word on a scope holds.

    ``no`` counts a supplier's publications: trees know up to which they are split.
    """

    __tablename__ = "plan_publication"
    __table_args__ = (
        UniqueConstraint("supplier_id", "no"),
        CheckConstraint("kind IN ('published', 'withdrawn')", name="kind"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    no: Mapped[int]
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"))
    kind: Mapped[str]
    made_at: Mapped[Timestamp]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
