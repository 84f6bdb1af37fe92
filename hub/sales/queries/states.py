"""What performances are at this moment: whether they are sold, as what versions."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.catalogue.rules import SaleWindow
from hub.kernel.pipeline import Sent, send

_STATES = text(
    "SELECT p.id, p.version, p.status, p.withdrawn_at IS NOT NULL AS is_withdrawn,"
    " p.announce_at, p.on_sale_at, p.cut_off_at, p.starts_at, p.ends_at,"
    " p.is_open_dated, r.version AS map_version, t.epoch, p.supplier_id"
    " FROM performance p JOIN auditorium r ON r.id = p.auditorium_id"
    " JOIN tree t ON t.performance_id = p.id WHERE p.id = ANY(:ids)"
)


@dataclass(frozen=True, slots=True)
class PerformanceState:
    """When a performance is sold, and the epoch of its tree."""

    window: SaleWindow
    epoch: int
    supplier_id: UUID

    @property
    def versions(self) -> tuple[int, int, int]:
        """The versions of all that a basket stands on."""
        return (self.window.version, self.window.map_version, self.epoch)


def send_states(session: Session, ids: Collection[UUID]) -> Sent:
    """Ask inside a pipeline; give the answer to ``as_states``."""
    return send(session, _STATES, {"ids": list(ids)})


def as_states(found: Iterable[Any]) -> dict[UUID, PerformanceState]:
    """Return rows as states, by performance."""
    return {
        row.id: PerformanceState(SaleWindow(*row[:11]), row.epoch, row.supplier_id)
        for row in found
    }


def states(session: Session, ids: Collection[UUID]) -> dict[UUID, PerformanceState]:
    """Return how performances are."""
    return as_states(session.execute(_STATES, {"ids": list(ids)}))
