"""Tables: trees and their nodes, blocks of seats, seats taken, what changed and why."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, CreatedAt, Id, Json, Timestamp, WorldName


class Tree(Base):
    """How a performance's capacity is shared out now: by which plan, moved how.

    ``publication``: the supplier's publication it is split by; ``epoch`` grows with
    every change that a sale must see. ``bounds``: what releases and recalls left;
    ``adjusted``: seats moved between allotments; both by key, and kept by re-splits.
    """

    __tablename__ = "tree"
    __table_args__ = (
        Index("ix_tree_supplier_id", "supplier_id", "publication", "performance_id"),
        Index(
            "ix_tree_next_stage_at",
            "next_stage_at",
            postgresql_where=text("next_stage_at IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    performance_id: Mapped[UUID] = mapped_column(primary_key=True)
    world: Mapped[WorldName]
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("plan.id"))
    publication: Mapped[int] = mapped_column(server_default="0")
    epoch: Mapped[int] = mapped_column(server_default="0")
    bounds: Mapped[Json] = mapped_column(server_default="{}")
    adjusted: Mapped[Json] = mapped_column(server_default="{}")
    next_stage_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    rebalanced_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Node(Base):
    """An allotment: what it is promised, may never exceed, and has taken (seats).

    ``path`` names the ancestors, nearest first. An area's node has the id of its
    performance area, and where the tree is ordered by something else first, it pays
    as the ``pool`` of the parts that lie in it. ``unmade``: guarantees of leaves that
    nobody has touched yet; they are rows only then. ``overbooking``: seats an area's
    ceiling lies above its capacity.
    """

    __tablename__ = "node"
    __table_args__ = (
        UniqueConstraint("performance_id", "key"),
        CheckConstraint(
            "guarantee >= 0 AND taken >= 0 AND unmade >= 0 AND overbooking >= 0",
            name="counts",
        ),
        CheckConstraint("ceiling IS NULL OR ceiling >= guarantee", name="promise"),
        CheckConstraint(
            "ceiling IS NULL OR taken <= ceiling + overcommitted", name="sold_once"
        ),
        CheckConstraint("overcommitted >= 0", name="overcommitted"),
        Index("ix_node_to_mend", "performance_id", postgresql_where=text("is_cut")),
        Index(
            "ix_node_overcommitted",
            "performance_id",
            postgresql_where=text("overcommitted > 0"),
        ),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    performance_id: Mapped[UUID]
    performance_area_id: Mapped[UUID | None]
    key: Mapped[str]
    level: Mapped[str]
    path: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    pool_id: Mapped[UUID | None]
    channel: Mapped[str | None]
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("partner.id"))
    guarantee: Mapped[int]
    ceiling: Mapped[int | None]
    taken: Mapped[int] = mapped_column(server_default="0")
    unmade: Mapped[int] = mapped_column(server_default="0")
    overbooking: Mapped[int] = mapped_column(server_default="0")
    overcommitted: Mapped[int] = mapped_column(server_default="0")
    priority: Mapped[int] = mapped_column(server_default="0")
    is_cut: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[CreatedAt]


class NodeChange(Base):
    """A change of what a node is promised or may take: why, by whom, by which plan.

    And of whose it is and where it stands: ``agent_before``, ``path_before``.
    """

    __tablename__ = "node_change"
    __table_args__ = (Index("ix_node_change_node_id", "node_id", "id"),)

    id: Mapped[Id]
    world: Mapped[WorldName]
    performance_id: Mapped[UUID] = mapped_column(index=True)
    node_id: Mapped[UUID]
    key: Mapped[str]
    cause: Mapped[str]
    reason: Mapped[str]
    plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("plan.id"))
    guarantee_before: Mapped[int]
    guarantee_after: Mapped[int]
    ceiling_before: Mapped[int | None]
    ceiling_after: Mapped[int | None]
    unmade_before: Mapped[int]
    unmade_after: Mapped[int]
    agent_before: Mapped[UUID | None]
    path_before: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    pool_before: Mapped[UUID | None]
    taken: Mapped[int]
    made_at: Mapped[Timestamp]
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))


class Block(Base):
    """Seats set aside: for an agent, for the house, or not to be sold at all.

    It has the id of its node, whose guarantee and ceiling are its number of seats.
    """

    __tablename__ = "block"
    __table_args__ = (
        CheckConstraint("kind IN ('agent', 'house', 'kill')", name="kind"),
        CheckConstraint("(kind = 'agent') = (agent_id IS NOT NULL)", name="agent"),
        Index("ix_block_performance_id", "performance_id"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    performance_id: Mapped[UUID]
    performance_area_id: Mapped[UUID]
    kind: Mapped[str]
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("partner.id"))
    reason: Mapped[str]
    made_at: Mapped[Timestamp]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))


class BlockSeat(Base):
    """A seat of a performance that lies in a block: in one, and in one only."""

    __tablename__ = "block_seat"
    __table_args__ = (Index("ix_block_seat_block_id", "block_id"),)

    performance_id: Mapped[UUID] = mapped_column(primary_key=True)
    seat_id: Mapped[UUID] = mapped_column(ForeignKey("seat.id"), primary_key=True)
    block_id: Mapped[UUID] = mapped_column(ForeignKey("block.id"))


class SeatTaken(Base):
    """A seat of a performance that is held or sold: its key makes twice impossible."""

    __tablename__ = "seat_taken"
    __table_args__ = (
        Index("ix_seat_taken_hold_id", "hold_id"),
        Index("ix_seat_taken_taken_at", "performance_id", "taken_at"),
    )

    performance_id: Mapped[UUID] = mapped_column(primary_key=True)
    seat_id: Mapped[UUID] = mapped_column(ForeignKey("seat.id"), primary_key=True)
    hold_id: Mapped[UUID]
    taken_at: Mapped[CreatedAt]
