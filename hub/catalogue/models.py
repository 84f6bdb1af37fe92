"""Tables: venues, auditoriums with their seats, productions, performances, offers."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, CreatedAt, Id, Minor, Names, Timestamp, WorldName


class FromSupplier:
    """What every record of a supplier carries: its reference, version and content."""

    id: Mapped[Id]
    world: Mapped[WorldName]
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    ref: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[CreatedAt]


class Venue(FromSupplier, Base):
    """A building, in its own time zone."""

    __tablename__ = "venue"
    __table_args__ = (UniqueConstraint("supplier_id", "ref"),)

    name: Mapped[Names]
    zone: Mapped[str]
    country: Mapped[str]
    city: Mapped[str]
    search: Mapped[str]
    business_day_starts: Mapped[time]


class Auditorium(FromSupplier, Base):
    """A room of a venue, with its seat map."""

    __tablename__ = "auditorium"
    __table_args__ = (UniqueConstraint("supplier_id", "ref"),)

    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venue.id"))
    name: Mapped[Names]


class Area(Base):
    """A part of an auditorium with one price ladder: seated or general admission."""

    __tablename__ = "area"
    __table_args__ = (
        UniqueConstraint("auditorium_id", "ref"),
        CheckConstraint("capacity >= 0", name="capacity"),
    )

    id: Mapped[Id]
    auditorium_id: Mapped[UUID] = mapped_column(ForeignKey("auditorium.id"))
    ref: Mapped[str]
    name: Mapped[Names]
    is_seated: Mapped[bool]
    capacity: Mapped[int]


class Seat(Base):
    """A seat, stored once per seat map; positions are the supplier's units.

    Seats of one ``pair`` are sold together; behind an aisle nobody sits beside.
    """

    __tablename__ = "seat"
    __table_args__ = (
        UniqueConstraint("area_id", "row_name", "number"),
        CheckConstraint(
            "kind IN ('standard', 'wheelchair', 'companion', 'restricted')", name="kind"
        ),
    )

    id: Mapped[Id]
    area_id: Mapped[UUID] = mapped_column(ForeignKey("area.id"))
    row_name: Mapped[str]
    number: Mapped[str]
    row_index: Mapped[int]
    seat_index: Mapped[int]
    x: Mapped[int]
    y: Mapped[int]
    kind: Mapped[str]
    pair: Mapped[str | None]
    is_before_aisle: Mapped[bool] = mapped_column(server_default="false")
    is_retired: Mapped[bool] = mapped_column(server_default="false")
    code: Mapped[str | None]


class Production(FromSupplier, Base):
    """What is shown: a film, play, concert, match or exhibition.

    Of several suppliers' it may be one: then all but one are *merged into* that.
    """

    __tablename__ = "production"
    __table_args__ = (
        UniqueConstraint("supplier_id", "ref"),
        CheckConstraint("genre IN ('film', 'stage', 'sport', 'general')", name="genre"),
        Index(
            "ix_production_merged_into",
            "merged_into",
            postgresql_where=text("merged_into IS NOT NULL"),
        ),
    )

    genre: Mapped[str]
    title: Mapped[Names]
    description: Mapped[Names]
    runtime_min: Mapped[int | None]
    images: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    search: Mapped[str]
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("production.id"))


class Performance(FromSupplier, Base):
    """One showing of a production at a place and time.

    *admission*: by a code for each ticket, or one for the order's. *names*: whose it
    asks for: nobody's, the buyer's, or that of each ticket's holder. *source_id*: the
    supplier's own system, whose word each sale of it needs.
    """

    __tablename__ = "performance"
    __table_args__ = (
        UniqueConstraint("supplier_id", "ref"),
        CheckConstraint(
            "status IN ('scheduled', 'postponed', 'cancelled')", name="status"
        ),
        CheckConstraint("admission IN ('ticket', 'order')", name="admission"),
        CheckConstraint("names IN ('none', 'order', 'ticket')", name="names"),
        Index("ix_performance_listing", "world", "starts_at", "id"),
        Index("ix_performance_feed_id", "feed_id"),
        Index("ix_performance_production_id", "production_id", "starts_at"),
    )

    feed_id: Mapped[UUID]
    delivery_id: Mapped[UUID]
    production_id: Mapped[UUID] = mapped_column(ForeignKey("production.id"))
    auditorium_id: Mapped[UUID] = mapped_column(ForeignKey("auditorium.id"))
    starts_at: Mapped[Timestamp]
    ends_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    zone: Mapped[str]
    business_on: Mapped[date]
    is_open_dated: Mapped[bool]
    announce_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    on_sale_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cut_off_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    status: Mapped[str]
    admission: Mapped[str] = mapped_column(server_default="ticket")
    names: Mapped[str] = mapped_column(server_default="none")
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    source_id: Mapped[UUID | None]


class PerformanceArea(Base):
    """An area as sold for one performance; its id is the root of its quota tree."""

    __tablename__ = "performance_area"
    __table_args__ = (
        UniqueConstraint("performance_id", "area_id"),
        CheckConstraint("capacity >= 0", name="capacity"),
    )

    id: Mapped[Id]
    performance_id: Mapped[UUID] = mapped_column(ForeignKey("performance.id"))
    area_id: Mapped[UUID] = mapped_column(ForeignKey("area.id"))
    capacity: Mapped[int]


class Offer(Base):
    """Area x price type for one performance: face value, fee, tax, limits.

    *code*: the supplier's own for the price type.
    """

    __tablename__ = "offer"
    __table_args__ = (
        UniqueConstraint("performance_area_id", "price_type"),
        CheckConstraint("face_minor >= 0 AND booking_fee_minor >= 0", name="amounts"),
        CheckConstraint(
            "1 <= tickets_min AND tickets_min <= tickets_max", name="limits"
        ),
        CheckConstraint("resale_floor_minor <= resale_ceiling_minor", name="resale"),
    )

    id: Mapped[Id]
    performance_area_id: Mapped[UUID] = mapped_column(ForeignKey("performance_area.id"))
    price_type: Mapped[str]
    currency: Mapped[str]
    face_minor: Mapped[Minor]
    booking_fee_minor: Mapped[Minor]
    tax_bp: Mapped[int]
    tickets_min: Mapped[int]
    tickets_max: Mapped[int]
    is_withdrawn: Mapped[bool] = mapped_column(server_default="false")
    resale_floor_minor: Mapped[int | None] = mapped_column(BigInteger)
    resale_ceiling_minor: Mapped[int | None] = mapped_column(BigInteger)
    code: Mapped[str | None]


class Change(Base):
    """Something that changed for all, or for an agent; numbered once committed.

    Written by triggers. ``position`` counts the changes of a world as they are read.
    """

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint("what IN ('changed', 'withdrawn', 'announced')", name="what"),
        Index("uq_change_position", "world", "position", unique=True),
        Index("ix_change_waiting", "seq", postgresql_where=text("position IS NULL")),
        Index(
            "ix_change_public",
            *("world", "position"),
            postgresql_where=text("agent_id IS NULL"),
        ),
        Index(
            "ix_change_agent_id",
            *("agent_id", "position"),
            postgresql_where=text("agent_id IS NOT NULL"),
        ),
    )

    seq: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True
    )
    world: Mapped[str]
    position: Mapped[int | None] = mapped_column(BigInteger)
    agent_id: Mapped[UUID | None]
    kind: Mapped[str]
    entity_id: Mapped[UUID]
    version: Mapped[int] = mapped_column(BigInteger)
    what: Mapped[str]
    made_at: Mapped[Timestamp]


class ChangeFeed(Base):
    """How far the changes of a world are numbered, pruned, and announced."""

    __tablename__ = "change_feed"

    world: Mapped[WorldName] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger, server_default="0")
    pruned_until: Mapped[int] = mapped_column(BigInteger, server_default="0")
    announced_until: Mapped[Timestamp]
