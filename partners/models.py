"""Tables: legal entities, partners, their credentials and contracts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from hub.kernel.db import Base, CreatedAt, Id, WorldName


class LegalEntity(Base):
    """The company whose books and document numbers these are."""

    __tablename__ = "legal_entity"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    country: Mapped[str]
    created_at: Mapped[CreatedAt]


class Partner(Base):
    """A supplier, who provides, or an agent, who sells; a sub-agent under another."""

    __tablename__ = "partner"
    __table_args__ = (
        UniqueConstraint("world", "ref"),
        CheckConstraint("kind IN ('supplier', 'agent')", name="kind"),
        CheckConstraint("(kind = 'agent') = (channel IS NOT NULL)", name="channel"),
        CheckConstraint("parent_id IS NULL OR kind = 'agent'", name="parent"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    kind: Mapped[str]
    ref: Mapped[str]
    name: Mapped[str]
    channel: Mapped[str | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("partner.id"))
    created_at: Mapped[CreatedAt]

    @property
    def holder_id(self) -> UUID:
        """Whose allotments and limits it sells within: its agent's, or its own."""
        return self.parent_id or self.id


class Credential(Base):
    """An API key: shown once, stored as a keyed hash."""

    __tablename__ = "credential"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('supplier', 'agent', 'operator', 'finance')", name="kind"
        ),
        CheckConstraint(
            "(kind IN ('supplier', 'agent')) = (partner_id IS NOT NULL)", name="partner"
        ),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    kind: Mapped[str]
    partner_id: Mapped[UUID | None] = mapped_column(ForeignKey("partner.id"))
    name: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    key_hint: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    holder_id: Mapped[UUID]
    rotated_from: Mapped[UUID | None] = mapped_column(ForeignKey("credential.id"))
    created_at: Mapped[CreatedAt]


class Contract(Base):
    """The agreement of a legal entity with a partner, in one currency and zone."""

    __tablename__ = "contract"
    __table_args__ = (UniqueConstraint("partner_id", "currency"),)

    id: Mapped[Id]
    world: Mapped[WorldName]
    legal_entity: Mapped[str] = mapped_column(ForeignKey("legal_entity.code"))
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    currency: Mapped[str]
    zone: Mapped[str]
    created_at: Mapped[CreatedAt]


class BillingProfile(Base):
    """What documents say of a company in a world: a partner's, or a legal entity's.

    A document keeps what it said; this is what the next one will say. *self_billing*
    says of a partner which legal entities make out its invoices, and since which day.
    """

    __tablename__ = "billing_profile"
    __table_args__ = (
        UniqueConstraint("world", "legal_entity"),
        UniqueConstraint("partner_id"),
        CheckConstraint("num_nonnulls(legal_entity, partner_id) = 1", name="whose"),
    )

    id: Mapped[Id]
    world: Mapped[WorldName]
    legal_entity: Mapped[str | None] = mapped_column(ForeignKey("legal_entity.code"))
    partner_id: Mapped[UUID | None] = mapped_column(ForeignKey("partner.id"))
    name: Mapped[str]
    street: Mapped[str]
    postcode: Mapped[str]
    city: Mapped[str]
    country: Mapped[str]
    vat_id: Mapped[str | None]
    registration_id: Mapped[str | None]
    self_billing: Mapped[dict[str, str]] = mapped_column(
        JSONB, server_default=text("'{}'")
    )
    set_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    set_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
