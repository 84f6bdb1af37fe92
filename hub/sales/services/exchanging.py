"""Exchanging tickets for a hold: the difference first, then both at once."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from hub.kernel.callers import Caller
from hub.kernel.idempotency import Claim
from hub.sales import queries
from hub.sales.errors import (
    ExchangeDifferenceError,
    NotExchangeableError,
    NotLiveError,
)
from hub.sales.queries.supplied import parts_of
from hub.sales.rules import refuse_unless_held
from hub.sales.rules.returning import EXCHANGE, refuse_unless_returnable
from hub.sales.services.cancelling import Giving, giving, quoted
from hub.sales.services.committing import confirm_within
from hub.sales.services.ordering import ConfirmWish
from hub.sales.services.undoing import undo
from hub.sales.services.views import hold_view
from settlement.services.credit import Move, move_credit


def quote_exchange(
    session: Session,
    who: Caller,
    order_id: UUID,
    *,
    ticket_ids: Collection[UUID] | None,
    hold_id: UUID,
) -> dict[str, Any]:
    """Return what giving up tickets for a hold comes to; nothing is done yet."""
    found = giving(session, who, order_id, ticket_ids)
    return _compared(session, who, found, hold_id)


def exchange(
    session: Session,
    order_id: UUID,
    wish: ConfirmWish,
    said: dict[str, Any],
    who: Caller,
) -> dict[str, Any]:
    """Cancel tickets and confirm a hold in their place; return the new order.

    Seats go back first. ExchangeDifferenceError unless it comes to what was shown.
    """
    found = giving(session, who, order_id, said.get("ticket_ids"), lock=True)
    refuse_live(session, found.order.hold_id, wish.hold_id)
    refuse_unless_returnable(found.admissions, found.chosen, found.now)
    now = _compared(session, who, found, wish.hold_id)["difference_minor"]
    if now != said["difference_minor"]:
        raise ExchangeDifferenceError(
            difference_minor=now, known_minor=said["difference_minor"]
        )
    owed = undo(session, [found.undone(EXCHANGE)], found.now)
    key = replace(wish.claim.key, key=f"{wish.claim.key.key}/exchange")
    inner = Claim(key, wish.claim.digest)
    reply = confirm_within(session, replace(wish, claim=inner, exchanged_from=order_id))
    # Last, as everywhere; the confirm has set what the same agent owes by then.
    move_credit(session, {i: Move(exposure=minor) for i, minor in owed.items()})
    return reply.body


def refuse_live(session: Session, *hold_ids: UUID) -> None:
    """Refuse what suppliers sell themselves: two of them cannot be asked as one."""
    if any(parts_of(session, hold_ids).values()):
        raise NotLiveError(wanted="an exchange")


def _compared(
    session: Session, who: Caller, found: Giving, hold_id: UUID
) -> dict[str, Any]:
    hold = queries.get_hold(session, hold_id, world=who.world, agent_id=who.partner)
    refuse_unless_held(
        hold.state, is_past=hold.expires_at <= found.now, hold_id=hold_id
    )
    new, back = hold_view(session, who, hold), quoted(found)
    if new["currency"] != back["currency"]:
        raise NotExchangeableError(given=back["currency"], wanted=new["currency"])
    returned = back["price_minor"] - back["refund_fee_minor"]
    return {
        "given_up": back,
        "currency": new["currency"],
        "price_minor": new["price_minor"],
        "difference_minor": new["price_minor"] - returned,
        "net_difference_minor": new["net_minor"] - back["net_minor"],
    }
