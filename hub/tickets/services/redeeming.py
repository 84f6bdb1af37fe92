"""Letting tickets in: what a door reports, scan by scan, is stored once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from hub.catalogue.queries import get_own_performance
from hub.kernel.callers import Caller
from hub.kernel.db import rows
from hub.tickets.queries.doors import former, shown

ADMITTED, REPEATED, USED = "admitted", "repeated", "already-used"
UNKNOWN, CANCELLED, REPLACED = "unknown", "cancelled", "replaced"
ELSEWHERE = "other-performance"
# In the order of their ids: a cancellation of one waits, or is waited for.
_LOCK = text(
    "SELECT id FROM sale_order WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE"
)
_USE = text(
    "UPDATE ticket AS t SET used_at = r.at, used_at_gate = r.gate"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, at timestamptz,"
    " gate text) WHERE t.id = r.id"
)
_CHANGED = text("UPDATE sale_order SET version = version + 1 WHERE id = ANY(:ids)")


@dataclass(frozen=True, slots=True)
class Scan:
    """A code shown at a door; *count*: how many of those that share it came in."""

    code: str
    used_at: datetime
    gate: str | None = None
    count: int | None = None


def redeem(
    session: Session, who: Caller, performance_id: UUID, scans: Sequence[Scan]
) -> list[dict[str, Any]]:
    """Store what a door has let in; return what each scan was, in their order.

    A scan that is reported again is ``repeated``, and changes nothing.
    """
    performance = get_own_performance(session, who, performance_id)
    codes = list({scan.code for scan in scans})
    found = shown(session, codes)
    orders = sorted({row.order_id for group in found.values() for row in group})
    session.execute(_LOCK, {"ids": orders})
    found = shown(session, codes)  # as they are once nobody changes them
    gone = former(session, codes)
    left = {
        code: [row for row in group if row.performance_id == performance.id]
        for code, group in found.items()
    }
    used: dict[UUID, tuple[datetime, str | None]] = {}
    told = []
    for scan in scans:
        if scan.code in left and not left[scan.code]:
            told.append(_said(scan, ELSEWHERE))
        elif scan.code not in left:
            told.append(_said(scan, REPLACED if scan.code in gone else UNKNOWN))
        else:
            told.append(_let_in(scan, left[scan.code], used))
    _store(session, found, used)
    return told


def _let_in(
    scan: Scan,
    tickets: Sequence[Row[Any]],
    used: dict[UUID, tuple[datetime, str | None]],
) -> dict[str, Any]:
    valid = [ticket for ticket in tickets if ticket.cancelled_at is None]
    if not valid:
        return _said(scan, CANCELLED)
    at = {t.id: used[t.id][0] if t.id in used else t.used_at for t in valid}
    same = [t for t in valid if at[t.id] == scan.used_at]
    if same:
        return _said(scan, REPEATED, admitted=len(same), first_used_at=scan.used_at)
    free = [ticket for ticket in valid if at[ticket.id] is None]
    chosen = free if scan.count is None else free[: scan.count]
    if not chosen or (scan.count or 0) > len(free):
        seen = (moment for moment in at.values() if moment is not None)
        first = min(seen, default=None)
        return _said(scan, USED, first_used_at=first, left=len(free))
    for ticket in chosen:
        used[ticket.id] = (scan.used_at, scan.gate)
    return _said(scan, ADMITTED, admitted=len(chosen), left=len(free) - len(chosen))


def _said(
    scan: Scan,
    result: str,
    *,
    admitted: int = 0,
    left: int = 0,
    first_used_at: datetime | None = None,
) -> dict[str, Any]:
    return {
        "code": scan.code,
        "result": result,
        "admitted": admitted,
        "left": left,
        "first_used_at": first_used_at and first_used_at.isoformat(),
    }


def _store(
    session: Session,
    found: dict[str, list[Row[Any]]],
    used: dict[UUID, tuple[datetime, str | None]],
) -> None:
    if not used:
        return
    said = [{"id": i, "at": at, "gate": gate} for i, (at, gate) in used.items()]
    session.execute(_USE, {"rows": rows(said)})
    tickets = (row for group in found.values() for row in group)
    orders = {row.order_id for row in tickets if row.id in used}
    session.execute(_CHANGED, {"ids": sorted(orders)})
