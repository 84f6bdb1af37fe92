"""Giving a live hold its time again: its suppliers first, then ours."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.services.guarding import Suppliers
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.db import transaction
from hub.sales import queries
from hub.sales.errors import NotExtendableError, SaleUnderWayError
from hub.sales.models import SupplierOrder
from hub.sales.queries import supplied
from hub.sales.rules.supplied import LOCK_MARGIN_S, PartState
from hub.sales.services.keeping import refuse_unless_extendable
from hub.sales.services.supplied.asking import ask
from hub.sales.services.supplied.refusing import refusal
from hub.sales.services.wishes import LIVE

NEVER = datetime.max.replace(tzinfo=UTC)
_NOTE = text(
    "UPDATE supplier_order SET lock_until = :until, next_at = :until WHERE id = :id"
    " AND state = 'locked'"
)


def ask_to_extend(
    suppliers: Suppliers, who: Caller, hold_id: UUID, version: int | None
) -> datetime | None:
    """Have suppliers extend their locks of a hold; return until when it may stand then.

    None for a hold that stands on none; NEVER where none runs out. SupplierRefusedError
    or NotExtendableError if one does not; those asked before it have extended theirs,
    which does no harm.
    """
    with transaction() as session:
        hold = queries.get_hold(session, hold_id, world=who.world, agent_id=who.partner)
        if hold.kind != LIVE:
            return None
        if hold.is_frozen:
            raise SaleUnderWayError(hold_id=hold_id)
        refuse_unless_extendable(session, who, hold, version)
        parts = supplied.parts(session, hold_id)
    ends = []
    for part in parts:
        if part.state != PartState.LOCKED:
            raise SaleUnderWayError(hold_id=hold_id)
        ends.append(_extended(suppliers, part))
    locks = [end for end in ends if end is not None]
    if not locks:
        return NEVER
    with transaction() as session:
        now = clock.real(session)
        offset = clock.now(session, who.world) - now
        return min(locks) + offset - timedelta(seconds=LOCK_MARGIN_S)


def _extended(suppliers: Suppliers, part: SupplierOrder) -> datetime | None:
    order = supplied.order_wanted(part)
    if not suppliers.capabilities(part.source_id).extend:
        raise NotExtendableError(reason="the supplier extends no lock")

    def extend(port: Any) -> datetime | None:
        until: datetime | None = port.extend(order)
        return until

    outcome = ask(suppliers, part.source_id, "extend", extend)
    if outcome.reason is not None:
        raise refusal(order, outcome, part.performance_id)
    if outcome.answer is None:
        return None
    with transaction() as session:
        _noted(session, part.id, outcome.answer)
    return outcome.answer


def _noted(session: Session, part_id: UUID, until: datetime) -> None:
    session.execute(_NOTE, {"id": part_id, "until": until})
