"""Releases: a supplier's deferred money and reserves, when their time has come."""

from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.db import take_turns
from partners.models import Contract
from settlement.queries.kept import due_releases, kept_back
from settlement.rules.events import Contracted
from settlement.rules.facts import Leg
from settlement.services.movements import OWN, RELEASES, Booking, book

RELEASED_MAX = 200
logger = structlog.get_logger(__name__)
_KINDS = {account: kind for kind, account in RELEASES.items()}


def release_due(session: Session) -> int:
    """Release what is due by now, per supplier and performance; return how many.

    A cancelled performance releases nothing: its tickets are refunded instead.
    """
    rows = due_releases(session, most=RELEASED_MAX)
    return sum(_release(session, row) for row in rows)


def _release(session: Session, row: Row[Any]) -> int:
    take_turns(session, f"release/{row.contract_id}")
    minor = kept_back(session, row.contract_id, row.performance_id, row.account)
    if not minor:
        return 0  # somebody has released it since
    contract = session.get_one(Contract, row.contract_id)
    kind, now = _KINDS[row.account], clock.now(session, contract.world)
    detail = {"performance_id": str(row.performance_id), "amount_minor": minor}
    reference = f"{OWN}{row.contract_id}/{row.performance_id}/{row.times}"
    head = Booking(contract, "supplier", kind, reference, now)
    whose = Contracted("supplier", contract.partner_id, contract.currency)
    made = [
        Leg(row.account, whose.partner_id, kind, whose.currency, minor),
        Leg(whose.payable, whose.partner_id, kind, whose.currency, -minor),
    ]
    if book(session, head, made, detail) is None:
        logger.error("a release was booked before", reference=reference)
        return 0
    return 1
