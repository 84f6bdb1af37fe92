"""Tables: the journal, its postings and seals."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    FetchedValue,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from hub.kernel.db import Base, CreatedAt, Id, Minor, Timestamp, WorldName


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class JournalEntry(Base):
    """The set of postings of one fact; sums to zero in every currency.

    A sale or cancellation names its order line; what happens to money alone has a
    reference of its own, and its inputs as *detail*. The stated times say in which
    period each side finds the entry, where its terms go by the performance's date; the
    amounts what it sees of it (face, booking fee, service fee, commission, other, due).
    A trigger, once a statement, says that the contracts are there, and world and entity
    theirs.
    """

    __tablename__ = "journal_entry"
    __table_args__ = (
        UniqueConstraint("order_id", "line_no", "sequence"),
        CheckConstraint(
            "(agent_contract_id IS NULL) = (agent_amounts IS NULL)"
            " AND (supplier_contract_id IS NULL) = (supplier_amounts IS NULL)"
            " AND coalesce(cardinality(agent_amounts), 6) = 6"
            " AND coalesce(cardinality(supplier_amounts), 6) = 6",
            name="amounts",
        ),
        Index(
            "uq_journal_entry_reference",
            *("world", "legal_entity", "kind", "reference"),
            unique=True,
            postgresql_where=text("reference IS NOT NULL"),
        ),
        Index("ix_journal_entry_book", "world", "legal_entity", "posted_xid", "id"),
        Index(
            "ix_journal_entry_supplier_stated",
            "supplier_contract_id",
            func.coalesce(text("supplier_stated_at"), text("happened_at")),
        ),
        Index(
            "ix_journal_entry_agent_stated",
            "agent_contract_id",
            func.coalesce(text("agent_stated_at"), text("happened_at")),
        ),
        *(
            Index(
                f"ix_journal_entry_{side}_alone",
                f"{side}_contract_id",
                func.coalesce(text(f"{side}_stated_at"), text("happened_at")),
                postgresql_where=text("order_id IS NULL"),
            )
            for side in ("agent", "supplier")
        ),
    )

    id: Mapped[Id]
    world: Mapped[str]
    legal_entity: Mapped[str]
    kind: Mapped[str]
    order_id: Mapped[UUID | None]
    line_no: Mapped[int | None]
    sequence: Mapped[int | None]
    tickets: Mapped[int]
    happened_at: Mapped[Timestamp]
    supplier_contract_id: Mapped[UUID | None]
    agent_contract_id: Mapped[UUID | None]
    supplier_stated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    agent_stated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    performance_id: Mapped[UUID | None]
    agent_amounts: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    supplier_amounts: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    agent_terms_id: Mapped[UUID | None]
    supplier_terms_id: Mapped[UUID | None]
    reference: Mapped[str | None]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    made_by: Mapped[UUID | None]
    posted_xid: Mapped[int] = mapped_column(Xid8, server_default=FetchedValue())
    posted_at: Mapped[CreatedAt]


class Account(Base):
    """The chart of accounts: a posting is on one of these, for a party or for none."""

    __tablename__ = "account"

    code: Mapped[str] = mapped_column(primary_key=True)


class Posting(Base):
    """One movement on one account: minor units of a currency, or tickets (TKT).

    A trigger, once a statement, says that entry, account and party exist.
    """

    __tablename__ = "posting"
    __table_args__ = (
        Index(
            "ix_posting_kept",
            "entry_id",
            postgresql_where=text("account IN ('payable:deferred', 'payable:reserve')"),
        ),
    )
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    party_id: Mapped[UUID | None]
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
