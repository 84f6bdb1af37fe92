"""Tables: what an agent may owe, owes and has reserved; and alerts on the way there."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, Id, Minor, Timestamp, WorldName


class Credit(Base):
    """The credit of an agent's contract; minor units of its currency.

    Exposure is the balance of the agent's receivable, the deposit that of its deposit
    account, reserved what its holds would add. No limit means that none is agreed.
    The database opens one with each contract of an agent.
    """

    __tablename__ = "credit"
    __table_args__ = (
        CheckConstraint("limit_minor >= 0", name="limit_minor"),
        CheckConstraint("reserved_minor >= 0", name="reserved_minor"),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    contract_id: Mapped[UUID] = mapped_column(
        ForeignKey("contract.id"), primary_key=True
    )
    world: Mapped[WorldName]
    legal_entity: Mapped[str] = mapped_column(ForeignKey("legal_entity.code"))
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    currency: Mapped[str]
    limit_minor: Mapped[int | None] = mapped_column(BigInteger)
    deposit_minor: Mapped[Minor] = mapped_column(server_default="0")
    exposure_minor: Mapped[Minor] = mapped_column(server_default="0")
    reserved_minor: Mapped[Minor] = mapped_column(server_default="0")
    alerted_bp: Mapped[int] = mapped_column(server_default="0")


class CreditChange(Base):
    """A limit as somebody set it: what it was, what it is, and why."""

    __tablename__ = "credit_change"
    __table_args__ = (Index("ix_credit_change_contract_id", "contract_id", "id"),)

    id: Mapped[Id]
    world: Mapped[WorldName]
    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    before_minor: Mapped[int | None] = mapped_column(BigInteger)
    limit_minor: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("credential.id"))
    made_at: Mapped[Timestamp]


class CreditAlert(Base):
    """The moment an agent's use of its credit reached a threshold (basis points)."""

    __tablename__ = "credit_alert"
    __table_args__ = (Index("ix_credit_alert_contract_id", "contract_id", "id"),)

    id: Mapped[Id]
    world: Mapped[WorldName]
    contract_id: Mapped[UUID] = mapped_column(ForeignKey("contract.id"))
    threshold_bp: Mapped[int]
    used_minor: Mapped[Minor]
    usable_minor: Mapped[Minor]
    reached_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
