"""Tables: terms, the journal and its seals, statements."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    FetchedValue,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from hub.kernel.db import Base, CreatedAt, Id, Json, Minor, Timestamp, WorldName


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Terms(Base):
    """One immutable version of what a contract pays, valid from-to (half-open)."""

    __tablename__ = "terms"
    __table_args__ = (
        UniqueConstraint("contract_id", "version"),
        CheckConstraint("commission_bp BETWEEN 0 AND 10000", name="commission"),
        CheckConstraint("ticket_fee_minor >= 0", name="ticket_fee"),
    )

    id: Mapped[Id]
    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    version: Mapped[int]
    valid: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    commission_bp: Mapped[int]
    ticket_fee_minor: Mapped[Minor]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    created_at: Mapped[CreatedAt]


class JournalEntry(Base):
    """The set of postings of one fact; sums to zero in every currency."""

    __tablename__ = "journal_entry"
    __table_args__ = (
        UniqueConstraint("order_id", "line_no", "sequence"),
        Index("ix_journal_entry_book", "world", "legal_entity", "posted_xid", "id"),
        Index("ix_journal_entry_supplier", "supplier_contract_id", "happened_at"),
        Index("ix_journal_entry_agent", "agent_contract_id", "happened_at"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    legal_entity: Mapped[str] = mapped_column(ForeignKey("legal_entity.code"))
    kind: Mapped[str]
    order_id: Mapped[UUID]
    line_no: Mapped[int]
    sequence: Mapped[int]
    tickets: Mapped[int]
    happened_at: Mapped[Timestamp]
    supplier_contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    agent_contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    posted_xid: Mapped[int] = mapped_column(Xid8, server_default=FetchedValue())
    posted_at: Mapped[CreatedAt]


class Posting(Base):
    """One movement on one account: minor units of a currency, or tickets (TKT)."""

    __tablename__ = "posting"
    __table_args__ = (Index("ix_posting_account", "account", "party_id"),)

    entry_id: Mapped[UUID] = mapped_column(
        ForeignKey("journal_entry.id"), primary_key=True
    )
    no: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    party_id: Mapped[UUID | None] = mapped_column(ForeignKey("partner.id"))
    what: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[Minor]


class SealBlock(Base):
    """A chained hash over the entries of one book posted in a range of transactions."""

    __tablename__ = "seal_block"

    world: Mapped[WorldName] = mapped_column(primary_key=True)
    legal_entity: Mapped[str] = mapped_column(
        ForeignKey("legal_entity.code"), primary_key=True
    )
    no: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    from_xid: Mapped[int] = mapped_column(Xid8)
    to_xid: Mapped[int] = mapped_column(Xid8)
    entries: Mapped[int]
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[CreatedAt]


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
    order_id: Mapped[UUID]
    order_line: Mapped[int]
    kind: Mapped[str]
    happened_at: Mapped[Timestamp]
    tickets: Mapped[int]
    face_minor: Mapped[Minor]
    booking_fee_minor: Mapped[Minor]
    service_fee_minor: Mapped[Minor]
    commission_minor: Mapped[Minor]
    due_minor: Mapped[Minor]


class DocumentNumber(Base):
    """The last number a legal entity has given out; drawn at issue, without gaps."""

    __tablename__ = "document_number"

    legal_entity: Mapped[str] = mapped_column(
        ForeignKey("legal_entity.code"), primary_key=True
    )
    last: Mapped[int]
