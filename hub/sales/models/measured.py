"""Table: how far availability could be relied on."""

from datetime import date
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hub.kernel.db import Base, WorldName


class AvailabilityKept(Base):
    """Holds of a day for which availability had said yes, and how many were refused."""

    __tablename__ = "availability_kept"

    supplier_id: Mapped[UUID] = mapped_column(
        ForeignKey("partner.id"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    world: Mapped[WorldName]
    holds: Mapped[int]
    refused: Mapped[int]
