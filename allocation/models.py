"""Tables: plans, the quota tree, seats taken."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, Id, Json, Timestamp, WorldName


class Plan(Base):
    """One immutable version of how a supplier's capacity is shared out."""

    __tablename__ = "plan"
    __table_args__ = (UniqueConstraint("supplier_id", "version"),)

    id: Mapped[Id]
    world: Mapped[WorldName]
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    version: Mapped[int]
    rules: Mapped[Json]
    published_at: Mapped[Timestamp]
    published_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))


class Node(Base):
    """An allotment: what it is promised, may never exceed, and has taken (seats).

    The root of a tree has the id of its performance area. ``holder`` is empty for the
    root, a channel's name, or an agent's id; ``path`` names the ancestors, nearest
    first.
    """

    __tablename__ = "node"
    __table_args__ = (
        UniqueConstraint("root_id", "holder"),
        CheckConstraint("guarantee >= 0 AND taken >= 0", name="counts"),
        CheckConstraint("ceiling IS NULL OR ceiling >= guarantee", name="promise"),
        CheckConstraint(
            "ceiling IS NULL OR taken <= ceiling + overcommitted", name="sold_once"
        ),
        CheckConstraint("overcommitted >= 0", name="overcommitted"),
        Index("ix_node_performance_id", "performance_id"),
        Index("ix_node_to_mend", "root_id", postgresql_where=text("is_cut")),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    performance_id: Mapped[UUID]
    root_id: Mapped[UUID]
    path: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    holder: Mapped[str]
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("partner.id"))
    depth: Mapped[int]
    guarantee: Mapped[int]
    ceiling: Mapped[int | None]
    taken: Mapped[int] = mapped_column(server_default="0")
    overcommitted: Mapped[int] = mapped_column(server_default="0")
    priority: Mapped[int] = mapped_column(server_default="0")
    plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("plan.id"))
    split_capacity: Mapped[int | None]
    is_cut: Mapped[bool] = mapped_column(server_default="false")


class SeatTaken(Base):
    """A seat of a performance that is held or sold: its key makes twice impossible."""

    __tablename__ = "seat_taken"
    __table_args__ = (Index("ix_seat_taken_hold_id", "hold_id"),)

    performance_id: Mapped[UUID] = mapped_column(primary_key=True)
    seat_id: Mapped[UUID] = mapped_column(ForeignKey("seat.id"), primary_key=True)
    hold_id: Mapped[UUID]
