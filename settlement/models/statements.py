"""Tables: statements, their lines, and document numbers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
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
    """What was sold, earned and owed under one contract in one period.

    What was due at its beginning, and its lines, less payments, is due at its end.
    """

    __tablename__ = "statement"
    __table_args__ = (
        UniqueConstraint("contract_id", "period"),
        UniqueConstraint("legal_entity", "number"),
        CheckConstraint(
            "state IN ('draft', 'reviewed', 'approved', 'closed', 'paid')", name="state"
        ),
        CheckConstraint("side IN ('supplier', 'agent')", name="side"),
        CheckConstraint(
            "state NOT IN ('closed', 'paid') OR num_nulls(reviewed_by, reviewed_at,"
            " closed_by, closed_at, watermark, code_version) = 0"
            " AND CASE WHEN form < 3 THEN reviewed_by <> closed_by ELSE"
            " num_nulls(approval_id, opening_minor, payments_minor, closing_minor) = 0"
            " END",
            name="closed",
        ),
        CheckConstraint(
            "state NOT IN ('approved', 'closed', 'paid') OR form < 3"
            " OR num_nulls(approved_by, approved_at, approval_id) = 0"
            " AND approved_by <> reviewed_by AND approved_by <> drafted_by",
            name="approved",
        ),
        CheckConstraint(
            "state <> 'paid' OR num_nulls(paid_by, paid_at) = 0"
            " AND paid_by <> coalesce(approved_by, closed_by)",
            name="paid",
        ),
        CheckConstraint(
            "closing_minor IS NULL OR closing_minor = opening_minor"
            " + (totals->>'due_minor')::bigint - payments_minor",
            name="balances",
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
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    approval_id: Mapped[UUID | None]
    opening_minor: Mapped[int | None] = mapped_column(BigInteger)
    payments_minor: Mapped[int | None] = mapped_column(BigInteger)
    closing_minor: Mapped[int | None] = mapped_column(BigInteger)
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    paid_by: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))
    paid_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    paid_minor: Mapped[Minor] = mapped_column(server_default="0")


class StatementLine(Base):
    """One journal entry as one side of a closed statement shows it.

    It is made of the journal in one statement, and has no keys of its own.
    """

    __tablename__ = "statement_line"

    statement_id: Mapped[UUID] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    side: Mapped[str]
    entry_id: Mapped[UUID]
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
    origin_entry_id: Mapped[UUID | None]
    origin_period: Mapped[str | None]
    stated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    terms_id: Mapped[UUID | None]


class DocumentNumber(Base):
    """The last number a legal entity has given out; drawn at issue, without gaps."""

    __tablename__ = "document_number"

    legal_entity: Mapped[str] = mapped_column(
        ForeignKey("legal_entity.code"), primary_key=True
    )
    last: Mapped[int]
