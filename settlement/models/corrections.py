"""Tables: what corrects a closed statement, and what is disputed of it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, Id, Minor, Timestamp, WorldName


class Memo(Base):
    """A debit or credit memo: one correction, for one reason, of a closed statement.

    One proposes it, another issues it; then it has a number (in the live world) and an
    entry in the month of its issue. *corrects* is the column that was wrong.
    """

    __tablename__ = "memo"
    __table_args__ = (
        UniqueConstraint("legal_entity", "number"),
        CheckConstraint("kind IN ('debit', 'credit')", name="kind"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("tax_minor BETWEEN 0 AND amount_minor", name="tax"),
        CheckConstraint(
            "CASE state WHEN 'proposed'"
            " THEN num_nonnulls(decided_by, decided_at, number, entry_id) = 0"
            " WHEN 'rejected' THEN num_nulls(decided_by, decided_at) = 0"
            " AND num_nonnulls(number, entry_id) = 0"
            " WHEN 'issued' THEN num_nulls(decided_by, decided_at, entry_id) = 0"
            " AND decided_by <> proposed_by ELSE false END",
            name="state",
        ),
        Index("ix_memo_statement_id", "statement_id"),
        Index("ix_memo_contract_id", "contract_id", "id"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    legal_entity: Mapped[str] = mapped_column(ForeignKey("legal_entity.code"))
    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statement.id"))
    line: Mapped[int | None]
    kind: Mapped[str]
    corrects: Mapped[str]
    reason: Mapped[str]
    note: Mapped[str]
    amount_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    state: Mapped[str]
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    proposed_at: Mapped[Timestamp]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    number: Mapped[int | None]
    entry_id: Mapped[UUID | None] = mapped_column(ForeignKey("journal_entry.id"))


class Dispute(Base):
    """A line of a closed statement that its partner, or finance, says is wrong.

    While it is open the line is not payable; the rest is. Upheld, it has a memo.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'upheld', 'rejected')", name="state"),
        CheckConstraint(
            "(state = 'open') = (num_nonnulls(decided_by, decided_at, decision) = 0)"
            " AND (state = 'open' OR num_nulls(decided_by, decided_at, decision) = 0)"
            " AND (state = 'upheld') = (memo_id IS NOT NULL)",
            name="decided",
        ),
        ForeignKeyConstraint(
            ["statement_id", "line"],
            ["statement_line.statement_id", "statement_line.no"],
            name="fk_dispute_line",
        ),
        Index(
            "uq_dispute_statement_id_line",
            *("statement_id", "line"),
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statement.id"))
    line: Mapped[int]
    reason: Mapped[str]
    state: Mapped[str]
    opened_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    opened_at: Mapped[Timestamp]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decision: Mapped[str | None]
    memo_id: Mapped[UUID | None] = mapped_column(ForeignKey("memo.id"))
