"""How agents are told what suppliers did not do; and that their key is free again."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.ports import OrderWanted
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Claim
from hub.sales.errors import (
    SupplierPriceError,
    SupplierRefusedError,
    SupplierSilentError,
    SupplierUnavailableError,
)
from hub.sales.rules.supplied import seats_taken
from hub.sales.services.supplied.asking import Outcome

_FORGET_KEY = text(
    "DELETE FROM idempotency_key WHERE world = :world AND owner_id = :owner"
    " AND key = :key"
)


def forget_key(session: Session, claim: Claim) -> None:
    """Let a key be used again: a refusal is not what it is to answer for ever."""
    key = claim.key
    where = {"world": key.world, "owner": key.owner_id, "key": key.key}
    session.execute(_FORGET_KEY, where)


def refusal(
    order: OrderWanted, outcome: Outcome[Any], performance_id: UUID
) -> HubError:
    """Return how an agent is told what a supplier did not do."""
    if outcome.is_unknown:
        return SupplierSilentError(performance_id=performance_id)
    if not outcome.is_reached:
        return SupplierUnavailableError(
            performance_id=performance_id, reason=outcome.said
        )
    if outcome.reason == "price-changed" and outcome.said:
        old, _, new = outcome.said.partition("/")
        if old.isdigit() and new.isdigit():
            return SupplierPriceError(
                performance_id=performance_id,
                currency=order.lines[0].currency,
                old_minor=int(old),
                new_minor=int(new),
            )
    more: dict[str, Any] = {}
    if outcome.seats:
        more["seats"] = seats_taken(outcome.seats, order)
    return SupplierRefusedError(
        performance_id=performance_id, reason=outcome.reason, **more
    )
