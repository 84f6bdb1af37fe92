"""Credit lines: locked late, changed with the sale, warned about, set by finance."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.kernel import clock, metrics
from hub.kernel.callers import Caller
from hub.kernel.db import rows
from hub.kernel.ids import new_id
from partners.models import Contract
from settlement.models import CreditAlert, CreditChange
from settlement.queries.credit import get_credit_line
from settlement.rules.credit import CreditLine

_COLUMNS = (
    "contract_id, world, currency, limit_minor, deposit_minor, exposure_minor,"
    " reserved_minor, alerted_bp"
)
_LOCK = text(
    f"SELECT {_COLUMNS} FROM credit WHERE contract_id = ANY(:ids)"  # noqa: S608 - our own words
    " ORDER BY contract_id FOR NO KEY UPDATE"
)
# Locked in order first; the sums are of the rows as they are once the locks are held.
_MOVE = text(
    "WITH moved AS (SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid,"  # noqa: S608 - our own words
    " deposit bigint, exposure bigint, reserved bigint)), locked AS ("
    " SELECT contract_id FROM credit WHERE contract_id IN (SELECT id FROM moved)"
    " ORDER BY contract_id FOR NO KEY UPDATE)"
    " UPDATE credit AS c SET deposit_minor = deposit_minor + m.deposit,"
    " exposure_minor = exposure_minor + m.exposure,"
    " reserved_minor = reserved_minor + m.reserved"
    " FROM moved m JOIN locked l ON l.contract_id = m.id WHERE c.contract_id = m.id"
    " RETURNING c." + _COLUMNS.replace(", ", ", c.")
)
_LEVEL = text("UPDATE credit SET alerted_bp = :bp WHERE contract_id = :id")
_LIMIT = text("UPDATE credit SET limit_minor = :limit WHERE contract_id = :id")
logger = structlog.get_logger(__name__)


def lock_credit(session: Session, ids: Collection[UUID]) -> dict[UUID, CreditLine]:
    """Return credit lines, locked to the transaction's end; lock them last."""
    if not ids:
        return {}
    found = session.execute(_LOCK, {"ids": list(ids)})
    return {row.contract_id: CreditLine(*row) for row in found}


@dataclass(frozen=True, slots=True)
class Move:
    """What is added to a credit line; minor units, less is negative."""

    deposit: int = 0
    exposure: int = 0
    reserved: int = 0


def move_credit(session: Session, moves: Mapping[UUID, Move]) -> None:
    """Add to credit lines what has happened, which is never refused; do it last.

    One statement late in the transaction, so that others wait for it as shortly as
    can be: they wait for these rows until the commit.
    """
    wanted = _moves(moves)
    if wanted:
        note_levels(session, session.execute(_MOVE, {"rows": rows(wanted)}).all())


def _moves(moves: Mapping[UUID, Move]) -> list[dict[str, Any]]:
    return [
        {"id": i, "deposit": m.deposit, "exposure": m.exposure, "reserved": m.reserved}
        for i, m in moves.items()
        if m != Move()
    ]


def note_levels(session: Session, moved: Iterable[Any]) -> None:
    """Note thresholds that lines have reached, or fallen below, by moving."""
    for row in moved:
        _level(session, CreditLine(*row))


def _level(session: Session, line: CreditLine) -> None:
    """Note a threshold that use has reached, or has fallen below."""
    if line.level_bp == line.alerted_bp:
        return
    session.execute(_LEVEL, {"id": line.contract_id, "bp": line.level_bp})
    if line.level_bp > line.alerted_bp:
        _alert(session, line, clock.now(session, line.world))


def _alert(session: Session, line: CreditLine, at: datetime) -> None:
    made = made_alert(line, at)
    session.add(
        CreditAlert(
            id=made["id"],
            world=made["world"],
            contract_id=made["contract"],
            threshold_bp=made["bp"],
            used_minor=made["used"],
            usable_minor=made["usable"],
            reached_at=made["at"],
        )
    )
    warn(line)


def raised(lines: Iterable[CreditLine]) -> list[CreditLine]:
    """Return the lines whose use has reached a threshold that was not noted yet."""
    return [line for line in lines if line.level_bp > line.alerted_bp]


def made_alert(line: CreditLine, at: datetime) -> dict[str, Any]:
    """Return what is noted of a threshold that a line has reached."""
    return {
        "id": new_id(),
        "world": line.world,
        "contract": line.contract_id,
        "bp": line.level_bp,
        "used": line.used_minor,
        "usable": line.usable_minor,
        "at": at,
    }


def warn(line: CreditLine) -> None:
    """Say in the log and the metrics that a threshold is reached."""
    metrics.CREDIT_ALERTS.labels(str(line.level_bp)).inc()
    logger.warning(
        "credit threshold reached",
        contract=str(line.contract_id),
        threshold_bp=line.level_bp,
    )


def set_limit(
    session: Session,
    who: Caller,
    contract: Contract,
    *,
    limit_minor: int | None,
    reason: str,
) -> CreditLine:
    """Set or lift an agent's limit; what is owed and held already stays."""
    get_credit_line(session, contract)
    before = lock_credit(session, [contract.id])[contract.id]
    now = clock.now(session, who.world)
    session.execute(_LIMIT, {"id": contract.id, "limit": limit_minor})
    change = CreditChange(
        id=new_id(),
        world=who.world,
        contract_id=contract.id,
        before_minor=before.limit_minor,
        limit_minor=limit_minor,
        reason=reason,
        made_by=who.credential_id,
        made_at=now,
    )
    session.add(change)
    found = lock_credit(session, [contract.id])[contract.id]
    _level(session, found)
    return found
