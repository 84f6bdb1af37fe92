"""Tables: statements, their lines, and document numbers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, Id, Json, Minor, Timestamp, WorldName
from settlement.models.journal import Xid8


class Statement(Base):
    """What was sold, earned and owed under one contract in one period."""

    __tablename__ = "statement"
    __table_args__ = (
        UniqueConstraint("contract_id", "period"),
        UniqueConstraint("legal_entity", "number"),
        CheckConstraint("state IN ('draft', 'reviewed', 'closed')", name="state"),
        CheckConstraint("side IN ('supplier', 'agent')", name="side"),
        CheckConstraint(
            "state <> 'closed' OR num_nulls(reviewed_by, reviewed_at, closed_by,"
            " closed_at, watermark, code_version) = 0 AND reviewed_by <> closed_by",
            name="closed",
        ),
        Index("ix_statement_listing", "world", "id"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    legal_entity: Mapped[str] = mapped_column(ForeignKey("legal_entity.code"))
    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    side: Mapped[str]
    period: Mapped[str]
    starts_at: Mapped[Timestamp]
    ends_at: Mapped[Timestamp]
    currency: Mapped[str]
    state: Mapped[str]
    form: Mapped[int]
    totals: Mapped[Json]
    lines_digest: Mapped[bytes] = mapped_column(LargeBinary)
    number: Mapped[int | None]
    code_version: Mapped[str | None]
    watermark: Mapped[int | None] = mapped_column(Xid8)
    drafted_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    drafted_at: Mapped[Timestamp]
    reviewed_by: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))
    reviewed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class StatementLine(Base):
    """One journal entry as one side of a closed statement shows it."""

    __tablename__ = "statement_line"
    __table_args__ = (UniqueConstraint("entry_id", "side"),)

    statement_id: Mapped[UUID] = mapped_column(
        ForeignKey("statement.id"), primary_key=True
    )
    no: Mapped[int] = mapped_column(primary_key=True)
    side: Mapped[str]
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("journal_entry.id"))
    order_id: Mapped[UUID | None]
    order_line: Mapped[int | None]
    kind: Mapped[str]
    happened_at: Mapped[Timestamp]
    tickets: Mapped[int]
    face_minor: Mapped[Minor]
    booking_fee_minor: Mapped[Minor]
    service_fee_minor: Mapped[Minor]
    commission_minor: Mapped[Minor]
    other_minor: Mapped[Minor] = mapped_column(server_default="0")
    due_minor: Mapped[Minor]


class DocumentNumber(Base):
    """The last number a legal entity has given out; drawn at issue, without gaps."""

    __tablename__ = "document_number"

    legal_entity: Mapped[str] = mapped_column(
        ForeignKey("legal_entity.code"), primary_key=True
    )
    last: Mapped[int]
