"""Tables: what contracts' days and running totals come to, and what is not folded."""

from datetime import date
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, Id, Minor, WorldName

MEASURES = (
    *("tickets", "face_minor", "booking_fee_minor", "service_fee_minor"),
    *("commission_minor", "other_minor", "due_minor"),
    *("counted", "measured", "base_minor", "accrued_minor"),
)


class Measured:
    """What is added up, as the contract's side sees it; minor units and tickets.

    *counted*, *measured* and *base_minor* are the running total of the bucket (tickets,
    measure, base); *accrued_minor* is what was posted for it provisionally.
    """

    tickets: Mapped[Minor]
    face_minor: Mapped[Minor]
    booking_fee_minor: Mapped[Minor]
    service_fee_minor: Mapped[Minor]
    commission_minor: Mapped[Minor]
    other_minor: Mapped[Minor]
    due_minor: Mapped[Minor]
    counted: Mapped[Minor]
    measured: Mapped[Minor]
    base_minor: Mapped[Minor]
    accrued_minor: Mapped[Minor]


class TotalDelta(Measured, Base):
    """What one fact adds to a contract's day: inserted with it, folded by a job.

    It is read whole: what is not folded yet is little.
    """

    __tablename__ = "total_delta"

    id: Mapped[Id]
    world: Mapped[str]
    legal_entity: Mapped[str]
    contract_id: Mapped[UUID]
    day: Mapped[date]
    terms_id: Mapped[UUID]
    bucket: Mapped[str]


class Total(Measured, Base):
    """A contract's day under one version of terms, per running total; folded."""

    __tablename__ = "total"
    __table_args__ = (
        Index("ix_total_bucket", "contract_id", "bucket"),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    contract_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    terms_id: Mapped[UUID] = mapped_column(primary_key=True)
    bucket: Mapped[str] = mapped_column(primary_key=True)
    world: Mapped[WorldName]
    legal_entity: Mapped[str]
