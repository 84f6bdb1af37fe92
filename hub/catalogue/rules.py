"""When a performance may be seen and sold, and by which words it is found. Pure."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from hub.catalogue.errors import (
    NotOfferedError,
    PerformanceCancelledError,
    PerformancePostponedError,
    SalesClosedError,
    SalesNotOpenError,
)


def searchable(texts: Iterable[str]) -> str:
    """Return texts as they are searched: no case, no accents, single spaces.

    Words of Latin scripts and of Chinese are both found as parts of it.
    """
    parts = unicodedata.normalize("NFKD", " ".join(texts))
    plain = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return " ".join(plain.casefold().split())


@dataclass(frozen=True, slots=True)
class SaleWindow:
    """What decides whether a performance may be sold at a moment (aware UTC)."""

    performance_id: UUID
    version: int
    status: str
    is_withdrawn: bool
    announce_at: datetime | None
    on_sale_at: datetime | None
    cut_off_at: datetime | None
    starts_at: datetime
    ends_at: datetime | None
    is_open_dated: bool
    map_version: int

    def with_own(
        self,
        announce_at: datetime | None,
        on_sale_at: datetime | None,
        cut_off_at: datetime | None,
    ) -> "SaleWindow":
        """Return the window with moments of somebody's own where they are given."""
        return replace(
            self,
            announce_at=announce_at or self.announce_at,
            on_sale_at=on_sale_at or self.on_sale_at,
            cut_off_at=cut_off_at or self.cut_off_at,
        )

    @property
    def last_at(self) -> datetime:
        """When it begins; an open-dated performance: when it ends."""
        return self.ends_at if self.is_open_dated and self.ends_at else self.starts_at

    def is_announced(self, now: datetime) -> bool:
        return self.announce_at is None or self.announce_at <= now

    def refuse_unless_on_sale(self, now: datetime) -> None:
        """Raise the reason why nothing may be held now, if there is one."""
        refuse_unless_taking_place(self.status, self.performance_id)
        if self.is_withdrawn or not self.is_announced(now):
            raise NotOfferedError(performance_id=self.performance_id)
        if self.on_sale_at is not None and now < self.on_sale_at:
            raise SalesNotOpenError(on_sale_at=self.on_sale_at.isoformat())
        closes_at = self.cut_off_at or self.last_at
        if now >= closes_at:
            raise SalesClosedError(closed_at=closes_at.isoformat())


def refuse_unless_taking_place(status: str, performance_id: UUID) -> None:
    """Raise PerformanceCancelledError, or -PostponedError until it has a new date."""
    if status == "cancelled":
        raise PerformanceCancelledError(performance_id=performance_id)
    if status == "postponed":
        raise PerformancePostponedError(performance_id=performance_id)
