"""Tables: terms of contracts, and dated tax codes."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    FetchedValue,
    ForeignKey,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import DATERANGE, JSONB, TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, CreatedAt, Id, Json


class Terms(Base):
    """One immutable version of what a contract says of a scope, valid from-to.

    One person proposes it, another approves or rejects it; only what is approved
    holds, and no two approved versions of one scope overlap.
    """

    __tablename__ = "terms"
    __table_args__ = (
        UniqueConstraint("contract_id", "version"),
        CheckConstraint(
            "state IN ('proposed', 'approved', 'rejected')"
            " AND (state = 'proposed') = (decided_by IS NULL)"
            " AND (decided_by IS NULL) = (decided_at IS NULL)",
            name="state",
        ),
    )

    id: Mapped[Id]
    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    version: Mapped[int]
    valid: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    scope: Mapped[Json]
    scope_id: Mapped[UUID] = mapped_column(server_default=FetchedValue())
    clauses: Mapped[Json]
    state: Mapped[str] = mapped_column(server_default="proposed")
    created_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    created_at: Mapped[CreatedAt]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class TaxCode(Base):
    """What a legal entity's tax code means between two days (half-open)."""

    __tablename__ = "tax_code"
    __table_args__ = (
        CheckConstraint("category IN ('S', 'Z', 'E', 'AE', 'O')", name="category"),
    )

    id: Mapped[Id]
    legal_entity: Mapped[str] = mapped_column(ForeignKey("legal_entity.code"))
    code: Mapped[str]
    valid: Mapped[Range[date]] = mapped_column(DATERANGE)
    rate: Mapped[Any] = mapped_column(JSONB)
    method: Mapped[str]
    category: Mapped[str]
    exemption: Mapped[str]
    code_id: Mapped[UUID] = mapped_column(server_default=FetchedValue())
    created_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    created_at: Mapped[CreatedAt]
