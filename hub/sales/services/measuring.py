"""How often a hold was refused after availability had said yes, supplier by supplier.

Each process remembers what it told an agent, and compares the agent's next hold; what
another process told is not seen, so it is a sample. It is written now and then.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.errors import (
    AllotmentExhaustedError,
    CapReachedError,
    ProtectedError,
    SeatsTakenError,
)
from hub.kernel.db import rows
from hub.kernel.errors import HubError
from hub.sales.errors import OfferChangedError, SupplierRefusedError
from hub.sales.services.wishes import HoldWish

ANSWERS_MAX = 20_000
GOOD_FOR_S = 60.0
WRITE_EVERY_S = 5.0
BROKEN = (
    AllotmentExhaustedError,
    SeatsTakenError,
    CapReachedError,
    ProtectedError,
    OfferChangedError,
    SupplierRefusedError,
)
_WRITE = text(
    "INSERT INTO availability_kept (supplier_id, day, world, holds, refused)"
    " SELECT supplier, (clock_timestamp() AT TIME ZONE 'UTC')::date, world, holds,"
    " refused FROM json_to_recordset(CAST(:rows AS json)) AS r(supplier uuid,"
    " world text, holds int, refused int) ORDER BY supplier"
    " ON CONFLICT (supplier_id, day) DO UPDATE SET"
    " holds = availability_kept.holds + excluded.holds,"
    " refused = availability_kept.refused + excluded.refused"
)
Told = Mapping[UUID, int | None]


class Answers:
    """What this process told agents of offers, and what came of their holds."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[UUID, UUID], tuple[float, Told]] = OrderedDict()
        self._counts: dict[tuple[str, UUID], list[int]] = {}
        self._written_at = time.monotonic()
        self._lock = threading.Lock()

    def tell(self, agent_id: UUID, found: Mapping[str, Any]) -> None:
        """Remember an answer: of each offer how many tickets it said there are."""
        told = {
            offer["offer_id"]: offer["available"]
            for area in found["areas"]
            for offer in area["offers"]
        }
        with self._lock:
            key = (agent_id, found["performance_id"])
            self._told[key] = (time.monotonic(), told)
            self._told.move_to_end(key)
            if len(self._told) > ANSWERS_MAX:
                self._told.popitem(last=False)

    def compare(self, wish: HoldWish, refusal: HubError | None) -> None:
        """Count a hold for which availability had said yes, and whether it was refused.

        What its agent alone is to blame for, as its credit, does not count.
        """
        is_broken = isinstance(refusal, BROKEN)
        if not (refusal is None or is_broken) or not self._said_yes(wish):
            return
        with self._lock:
            for supplier in {line.offer.supplier_id for line in wish.lines}:
                counts = self._counts.setdefault((wish.world, supplier), [0, 0])
                counts[0] += 1
                counts[1] += is_broken

    def _said_yes(self, wish: HoldWish) -> bool:
        now = time.monotonic()
        for line in wish.lines:
            key = (wish.agent_id, line.offer.performance_id)
            at, told = self._told.get(key, (float("-inf"), {}))
            left = told.get(line.offer.offer_id, 0)
            is_short = left is not None and left < line.quantity
            if now - at > GOOD_FOR_S or is_short:
                return False
        return True

    def due(self) -> bool:
        """Say whether there is something to write by now."""
        is_time = time.monotonic() - self._written_at > WRITE_EVERY_S
        return is_time and bool(self._counts)

    def write(self, session: Session) -> None:
        """Write what was counted; what another writes at the same time adds up."""
        with self._lock:
            counts, self._counts = self._counts, {}
            self._written_at = time.monotonic()
        said = [
            {"world": world, "supplier": supplier, "holds": n[0], "refused": n[1]}
            for (world, supplier), n in counts.items()
        ]
        session.execute(_WRITE, {"rows": rows(said)})


_KEPT = text(
    "SELECT p.id, p.ref, p.name, coalesce(sum(k.holds), 0)::int AS holds,"
    " coalesce(sum(k.refused), 0)::int AS refused FROM partner p"
    " LEFT JOIN availability_kept k ON k.supplier_id = p.id"
    " AND k.day > (clock_timestamp() AT TIME ZONE 'UTC')::date - :days"
    " WHERE p.world = :world AND p.kind = 'supplier' GROUP BY p.id ORDER BY p.ref"
)


def kept_by_supplier(
    session: Session, world: str, *, days: int
) -> list[dict[str, Any]]:
    """Return suppliers with what was measured of their availability, of late."""
    found = session.execute(_KEPT, {"world": world, "days": days})
    return [
        {
            "id": row.id,
            "ref": row.ref,
            "name": row.name,
            "days": days,
            "holds_after_yes": row.holds,
            "refused_after_yes": row.refused,
            "refused_bp": _bp(row.refused, row.holds),
        }
        for row in found
    ]


def _bp(some: int, of: int) -> int | None:
    """Return a share in ten-thousandths, half rounded up; None of nothing."""
    return (20_000 * some + of) // (2 * of) if of else None
