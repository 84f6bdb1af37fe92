"""Selling what suppliers sell themselves: the intent, their word, what comes of it.

The key of the request is claimed with the intent, so that a repeat finds the sale under
way. Each supplier is asked once to sell; what it does not answer is asked after, never
sent again.
"""

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.models import Source
from connectors.ports import OrderWanted, Sold
from connectors.services.guarding import Suppliers
from hub.kernel import clock, idempotency
from hub.kernel.callers import Caller
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Reply
from hub.kernel.ids import new_id
from hub.sales.errors import (
    HoldExpiredError,
    SaleUnderWayError,
)
from hub.sales.models import Hold, SuppliedSale, SupplierOrder
from hub.sales.queries import supplied as queries
from hub.sales.rules.supplied import LOCK_MARGIN_S, PartState, SaleState, is_as_wanted
from hub.sales.services.committing import refuse_unless_confirmable
from hub.sales.services.ordering import INTENT, ConfirmWish
from hub.sales.services.placing import patiently
from hub.sales.services.supplied.asking import Outcome, ask
from hub.sales.services.supplied.holding import grace_s
from hub.sales.services.supplied.settling import settle
from hub.sales.services.supplied.telling import sale_reply

ACCEPTED = 202
_FREEZE = text("UPDATE hold SET is_frozen = true WHERE id = :id")


def sell_live(suppliers: Suppliers, who: Caller, wish: ConfirmWish) -> Reply:
    """Confirm a hold by its suppliers' word: 201 with the order, or 202 and where.

    SupplierRefusedError if none sold; SupplierUnavailableError if none could be asked:
    then the hold stands as before.
    """

    def begin() -> Reply | None:
        with transaction() as session:
            return idempotency.once(session, wish.claim, lambda: intend(session))

    def intend(session: Session) -> tuple[int, bytes]:
        order_id = _intend(session, wish)
        return ACCEPTED, msgspec.json.encode({"id": str(order_id)})

    earlier = patiently(begin)
    if earlier is not None:
        return _told_again(who, wish, earlier)
    for part_id, fence in _parts(wish.hold_id):
        sell_part(suppliers, part_id, fence=fence)
    return conclude(who, wish.hold_id)


def _told_again(who: Caller, wish: ConfirmWish, earlier: Reply) -> Reply:
    """Tell a sale that was begun before as it stands now; its order as it was made."""
    if earlier.status != ACCEPTED:
        return earlier
    return replace(conclude(who, wish.hold_id), is_replay=True)


def _intend(session: Session, wish: ConfirmWish) -> UUID:
    """Write down that suppliers are about to be asked to sell a hold; freeze it."""
    inner = replace(wish.claim.key, key=f"{wish.claim.key.key}/sale")
    dry = replace(wish, claim=replace(wish.claim, key=inner), stage=INTENT)
    refuse_unless_confirmable(session, dry)
    hold = session.get_one(Hold, wish.hold_id, populate_existing=True)
    if hold.is_frozen:
        raise SaleUnderWayError(hold_id=hold.id)
    now, parts = clock.real(session), queries.parts(session, hold.id, lock=True)
    if not parts:
        raise HoldExpiredError(hold_id=hold.id)
    sources = [session.get_one(Source, part.source_id) for part in parts]
    grace = timedelta(seconds=sum(map(grace_s, sources)))  # one after the other
    for part in parts:
        if part.state == PartState.LOCKING:
            raise SaleUnderWayError(hold_id=hold.id)
        margin = timedelta(seconds=LOCK_MARGIN_S // 3)
        is_past = part.lock_until is not None and part.lock_until - margin <= now
        if part.state != PartState.LOCKED or is_past:
            raise HoldExpiredError(hold_id=hold.id)
        part.state, part.sent_at, part.attempts = PartState.SELLING, now, 0
        part.fence += 1
        part.next_at = now + grace
    session.execute(_FREEZE, {"id": hold.id})
    order_id = new_id()
    session.add(
        SuppliedSale(
            hold_id=hold.id,
            world=wish.world,
            agent_id=wish.agent_id,
            order_id=order_id,
            reference=wish.reference,
            wish=kept_wish(wish),
            state=SaleState.SELLING,
            made_at=now,
        )
    )
    session.flush()
    return order_id


def kept_wish(wish: ConfirmWish) -> dict[str, Any]:
    """Return what is kept of a confirm until it is decided: it holds personal data."""
    return {
        "key": wish.claim.key.key,
        "owner": str(wish.claim.key.owner_id),
        "digest": wish.claim.digest.hex(),
        "buyer": None if wish.buyer is None else asdict(wish.buyer),
        "holders": [asdict(person) for person in wish.holders],
        "resale": {str(no): minor for no, minor in wish.resale.items()},
    }


def _parts(hold_id: UUID) -> list[tuple[UUID, int]]:
    with transaction() as session:
        return [(part.id, part.fence) for part in queries.parts(session, hold_id)]


def sell_part(suppliers: Suppliers, part_id: UUID, *, fence: int) -> None:
    """Ask one supplier to sell its part, and write what it said."""
    with transaction() as session:
        part = session.get_one(SupplierOrder, part_id, with_for_update=True)
        if part.fence != fence or part.state != PartState.SELLING:
            return  # somebody has gone on with it: it is not to be sold any more
        source = session.get_one(Source, part.source_id)
        part.sent_at = clock.real(session)  # its turn has come only now
        part.next_at = part.sent_at + timedelta(seconds=grace_s(source))
        source_id, order = part.source_id, queries.order_wanted(part)

    def sell(port: Any) -> Sold:
        sold: Sold = port.sell(order)
        return sold

    outcome = ask(suppliers, source_id, "sell", sell)
    with transaction() as session:
        note_sold(session, part_id, order, outcome, fence=fence)


def note_sold(
    session: Session,
    part_id: UUID,
    order: OrderWanted,
    outcome: Outcome[Sold],
    *,
    fence: int,
) -> None:
    """Write what came of asking to sell; nothing if somebody has gone on with it."""
    part = session.get_one(
        SupplierOrder, part_id, with_for_update=True, populate_existing=True
    )
    if part.fence != fence:
        return
    now = clock.real(session)
    part.reason, part.said = outcome.reason, outcome.said
    if outcome.answer is not None:
        part.sold = msgspec.to_builtins(outcome.answer)
        part.theirs = outcome.answer.theirs
        is_good = is_as_wanted(order, outcome.answer)
        part.state = PartState.SOLD if is_good else PartState.UNDOING
        part.reason = None if is_good else "not-as-wanted"
        part.next_at = now  # its order is made at once, or by whoever comes by
    elif outcome.is_unknown:
        part.state, part.next_at = PartState.UNKNOWN, now
    elif outcome.is_refused:
        part.state, part.next_at = PartState.ENDED, now  # until that is concluded
    else:  # it was not asked: what is locked there is as it was
        part.state, part.next_at = PartState.LOCKED, now  # until that is concluded


def conclude(who: Caller, hold_id: UUID) -> Reply:
    """Make of a sale what its suppliers have said so far, and tell it.

    HubError when nothing was sold; then its key may be used again.
    """
    settled = settle(hold_id)
    if isinstance(settled, HubError):
        raise settled
    with transaction() as session:
        return sale_reply(session, who, hold_id)
