"""Credit lines: locked late, changed with the sale, warned about, set by finance."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.kernel import clock, metrics
from hub.kernel.callers import Caller
from hub.kernel.ids import new_id
from partners.models import Contract
from settlement.models import CreditAlert, CreditChange
from settlement.queries.credit import get_credit_line
from settlement.rules.credit import CreditLine

_LOCK = text(
    "SELECT contract_id, world, currency, limit_minor, deposit_minor, exposure_minor,"
    " reserved_minor, alerted_bp FROM credit WHERE contract_id = ANY(:ids)"
    " ORDER BY contract_id FOR NO KEY UPDATE"
)
_WRITE = text(
    "UPDATE credit AS c SET deposit_minor = n.d, exposure_minor = n.e,"
    " reserved_minor = n.r, alerted_bp = n.a FROM unnest(CAST(:ids AS uuid[]),"
    " CAST(:deposits AS bigint[]), CAST(:exposures AS bigint[]),"
    " CAST(:reserved AS bigint[]), CAST(:alerted AS int[])) AS n(id, d, e, r, a)"
    " WHERE c.contract_id = n.id"
)
_LIMIT = text("UPDATE credit SET limit_minor = :limit WHERE contract_id = :id")
logger = structlog.get_logger(__name__)


def lock_credit(session: Session, ids: Collection[UUID]) -> dict[UUID, CreditLine]:
    """Return credit lines, locked to the transaction's end; lock them last."""
    if not ids:
        return {}
    rows = session.execute(_LOCK, {"ids": list(ids)})
    return {row.contract_id: CreditLine(*row) for row in rows}


def write_credit(
    session: Session,
    before: Mapping[UUID, CreditLine],
    after: Mapping[UUID, CreditLine],
    now: Mapping[str, datetime],
) -> None:
    """Store credit lines that this transaction has locked; note thresholds reached.

    *now* is the time of each world.
    """
    changed = [
        line
        for i, line in after.items()
        if line != before[i] or line.level_bp != line.alerted_bp
    ]
    if not changed:
        return
    columns: dict[str, list[Any]] = {
        "ids": [line.contract_id for line in changed],
        "deposits": [line.deposit_minor for line in changed],
        "exposures": [line.exposure_minor for line in changed],
        "reserved": [line.reserved_minor for line in changed],
        "alerted": [line.level_bp for line in changed],
    }
    session.execute(_WRITE, columns)
    for line in changed:
        if line.level_bp > line.alerted_bp:
            _alert(session, line, now[line.world])


def _alert(session: Session, line: CreditLine, at: datetime) -> None:
    alert = CreditAlert(
        id=new_id(),
        world=line.world,
        contract_id=line.contract_id,
        threshold_bp=line.level_bp,
        used_minor=line.used_minor,
        usable_minor=line.usable_minor,
        reached_at=at,
    )
    session.add(alert)
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
    found = lock_credit(session, [contract.id])
    write_credit(session, found, found, {who.world: now})
    return found[contract.id]


def move_credit(
    session: Session,
    moves: Mapping[UUID, Mapping[str, int]],
    now: Mapping[str, datetime],
) -> None:
    """Change credit lines by (field, minor units); for what is never refused."""
    before = lock_credit(session, moves)
    after = {i: line.moved(**moves[i]) for i, line in before.items()}
    write_credit(session, before, after, now)
