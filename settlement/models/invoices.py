"""Tables: invoices and credit notes, of the hub and for partners."""

from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, Id, Minor, Timestamp, WorldName


class Invoice(Base):
    """A document of what was sold between a legal entity and a partner; immutable.

    It belongs to a closed statement, or to a memo on one. *document_id* is what it is
    called; only in the live world it has a number of the legal entity's.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("legal_entity", "number"),
        UniqueConstraint("memo_id"),
        CheckConstraint("seller IN ('hub', 'partner')", name="seller"),
        CheckConstraint("gross_minor = net_minor + tax_minor", name="sums"),
        CheckConstraint("(number IS NULL) = (world <> 'live')", name="number"),
        Index(
            "uq_invoice_statement",
            *("statement_id", "seller", "is_taxed"),
            unique=True,
            postgresql_where=text("memo_id IS NULL"),
        ),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    legal_entity: Mapped[str] = mapped_column(ForeignKey("legal_entity.code"))
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statement.id"))
    memo_id: Mapped[UUID | None] = mapped_column(ForeignKey("memo.id"))
    seller: Mapped[str]
    is_taxed: Mapped[bool]
    type_code: Mapped[str]
    number: Mapped[int | None]
    document_id: Mapped[str]
    currency: Mapped[str]
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    document: Mapped[bytes] = mapped_column(LargeBinary)
    issued_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    issued_at: Mapped[Timestamp]
