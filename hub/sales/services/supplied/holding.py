"""Holding what a supplier sells itself: seats of our tree, then the supplier's lock.

Three steps, each a transaction of its own: the intent, the hold, what the supplier
said; between the last two it is asked. Whoever dies in between is found by ``next_at``,
and what may be locked there is let go.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from connectors.models import Source
from connectors.ports import Locked, OrderWanted
from connectors.services.guarding import Suppliers
from hub.kernel import clock
from hub.kernel.db import transaction
from hub.kernel.errors import HubError, OverloadedError
from hub.kernel.idempotency import Reply
from hub.kernel.ids import new_id
from hub.sales.errors import (
    HoldReleasedError,
    NotLiveError,
    SupplierRefusedError,
)
from hub.sales.models import Hold, SupplierOrder
from hub.sales.queries import supplied as queries
from hub.sales.rules import HoldState
from hub.sales.rules.supplied import LOCK_MARGIN_S, PartState, mismatch
from hub.sales.services.lapse import end_holds
from hub.sales.services.supplied.asking import Outcome, ask, refuse_unless_askable
from hub.sales.services.supplied.looking import look
from hub.sales.services.supplied.refusing import forget_key, refusal
from hub.sales.services.telling import HELD
from hub.sales.services.wishes import HOLD, LIVE, HoldWish

SPARE_S, TRIES = 5.0, 3
_STORE_UNTIL = text(
    "UPDATE idempotency_key SET reply = jsonb_set(reply, '{until}', to_jsonb("
    "CAST(:until AS text))) WHERE world = :world AND owner_id = :owner AND key = :key"
)


def is_live(wish: HoldWish) -> bool:
    """Say whether any line is of what a supplier sells itself."""
    return any(line.offer.source_id is not None for line in wish.lines)


def hold_live(
    suppliers: Suppliers, wish: HoldWish, place: Callable[[HoldWish], Reply]
) -> Reply:
    """Place a hold and have its suppliers lock it: a reply that names it.

    Seats the hub has chosen itself it chooses again if others have them there.

    SupplierUnavailableError before anything is held; SupplierRefusedError,
    SupplierPriceError, SupplierSilentError give back what was.
    """
    if wish.kind != HOLD:
        raise NotLiveError(kind=wish.kind)
    is_open = not any(line.seats for line in wish.lines)
    for _ in range(TRIES):
        try:
            return _hold_once(suppliers, wish, place)
        except SupplierRefusedError as error:
            if error.facts.get("reason") != "seats-taken":
                raise
            refused = error
            _look_again(suppliers, wish)
            if not is_open:
                break
            wish = replace(wish, hold_id=new_id())
    raise refused


def _look_again(suppliers: Suppliers, wish: HoldWish) -> None:
    """See which seats others have by now, so that they are not chosen once more."""
    for line in wish.lines:
        if line.offer.source_id is not None:
            look(suppliers, line.offer.source_id, line.offer.performance_id)


def _hold_once(
    suppliers: Suppliers, wish: HoldWish, place: Callable[[HoldWish], Reply]
) -> Reply:
    sources = {
        line.offer.performance_id: line.offer.source_id
        for line in wish.lines
        if line.offer.source_id is not None
    }
    for source_id in set(sources.values()):
        refuse_unless_askable(suppliers, source_id)
    wish = replace(wish, kind=LIVE)
    with transaction() as session:
        _intend(session, wish, sources)
    try:
        reply = place(wish)
    except OverloadedError:
        raise  # it may be held all the same: whoever looks at its parts will see
    except (HubError, IntegrityError):
        _forget(wish.hold_id)
        raise
    if reply.is_replay:
        _forget(wish.hold_id)
        return reply
    _lock(suppliers, wish)
    return Reply(reply.status, {HELD: str(wish.hold_id)})


def _intend(session: Session, wish: HoldWish, sources: dict[UUID, UUID]) -> None:
    """Write down that suppliers are about to be asked, before anything is done."""
    found = select(Source).where(Source.id.in_(set(sources.values())))
    grace = sum(grace_s(source) for source in session.scalars(found))
    now = clock.real(session)
    for performance_id, source_id in sources.items():
        session.add(
            SupplierOrder(
                id=new_id(),
                world=wish.world,
                agent_id=wish.agent_id,
                hold_id=wish.hold_id,
                source_id=source_id,
                performance_id=performance_id,
                state=PartState.LOCKING,
                wanted={},
                next_at=now + timedelta(seconds=grace * len(sources)),
            )
        )


def grace_s(source: Source) -> float:
    """Return for how long whoever asks a source is left to it before others go on."""
    return SPARE_S + 2 * (source.connect_ms + source.operation_ms) / 1000


def _forget(hold_id: UUID) -> None:
    with transaction() as session:
        own = delete(SupplierOrder).where(SupplierOrder.hold_id == hold_id)
        session.execute(own)


def _lock(suppliers: Suppliers, wish: HoldWish) -> None:
    """Have each supplier lock its part; all or none."""
    with transaction() as session:
        asked = _wanted(session, wish)
    found: list[tuple[UUID, OrderWanted, Outcome[Locked]]] = []
    for part_id, source_id, order in asked:

        def lock(port: Any, order: OrderWanted = order) -> Locked:
            locked: Locked = port.lock(order)
            return locked

        outcome = ask(suppliers, source_id, "lock", lock)
        with transaction() as session:
            outcome = _compared(session, source_id, order, outcome)
        found.append((part_id, order, outcome))
        if outcome.reason is not None:
            break
    with transaction() as session:
        error = _noted(session, wish, found)
    if error is not None:
        raise error


def _wanted(session: Session, wish: HoldWish) -> list[tuple[UUID, UUID, OrderWanted]]:
    """Write down what each supplier is asked for, as it is asked."""
    lines = queries.wanted_of(session, wish.hold_id)
    found = []
    for part in queries.parts(session, wish.hold_id, lock=True):
        order = OrderWanted(
            key=part.id.hex,
            performance=queries.ref_of(session, part.performance_id),
            lines=lines[part.performance_id],
            ttl_s=wish.ttl_s,
        )
        part.wanted = msgspec.to_builtins(order)
        part.sent_at = clock.real(session)
        found.append((part.id, part.source_id, order))
    return found


def _compared(
    session: Session, source_id: UUID, order: OrderWanted, outcome: Outcome[Locked]
) -> Outcome[Locked]:
    """Turn a lock of something else into a refusal that must be undone."""
    if outcome.answer is None:
        return outcome
    source = session.get_one(Source, source_id)
    wrong = mismatch(order, outcome.answer, tolerance_minor=source.tolerance_minor)
    if wrong is None:
        return outcome
    return replace(outcome, reason=wrong.reason, said=f"{wrong.wanted}/{wrong.got}")


def _noted(
    session: Session,
    wish: HoldWish,
    found: Sequence[tuple[UUID, OrderWanted, Outcome[Locked]]],
) -> HubError | None:
    """Write what suppliers said; return why the hold does not stand, if it does not."""
    hold = session.get_one(Hold, wish.hold_id, with_for_update=True)
    parts = {part.id: part for part in queries.parts(session, hold.id, lock=True)}
    found = [
        (part_id, order, _overtaken(parts[part_id], outcome))
        for part_id, order, outcome in found
    ]
    failed = next((f for f in found if f[2].reason is not None), None)
    now = clock.real(session)
    for part_id, _, outcome in found:
        part = parts.pop(part_id)
        part.fence += 1
        _note(part, outcome, now, is_kept=failed is None)
    for part in parts.values():  # those that were not asked any more
        part.state, part.next_at = PartState.ENDED, None
    if failed is None and hold.state != HoldState.HELD:
        for part in queries.parts(session, hold.id):
            part.state, part.next_at = PartState.UNDOING, now
        return HoldReleasedError(hold_id=hold.id)
    if failed is None:
        _stand(session, wish, hold, [f[2].answer for f in found])
        return None
    _, order, outcome = failed
    if outcome.is_unknown:
        hold.is_frozen = True  # its seats may be locked there, under our own key
    elif hold.state == HoldState.HELD:
        reason = f"the supplier: {outcome.reason}"
        end_holds(session, [hold.id], HoldState.REJECTED, reason)
    forget_key(session, wish.claim)
    return refusal(order, outcome, parts_performance(session, failed[0]))


def _overtaken(part: SupplierOrder, outcome: Outcome[Locked]) -> Outcome[Locked]:
    """Return what came of a lock; unknown if a worker has gone on with it meanwhile."""
    if part.fence == 0 and part.state == PartState.LOCKING:
        return outcome
    return Outcome(reason="no-answer", said="it took too long", is_unknown=True)


def parts_performance(session: Session, part_id: UUID) -> UUID:
    """Return the performance of a part."""
    return session.get_one(SupplierOrder, part_id).performance_id


def _note(
    part: SupplierOrder, outcome: Outcome[Locked], now: datetime, *, is_kept: bool
) -> None:
    part.reason, part.said = outcome.reason, outcome.said
    if outcome.answer is not None:
        part.theirs, part.lock_until = outcome.answer.theirs, outcome.answer.until
    if outcome.answer is not None and is_kept:
        part.state = PartState.LOCKED
        part.next_at = outcome.answer.until
    elif outcome.answer is not None or outcome.is_unknown:
        part.state, part.next_at = PartState.UNDOING, now
    else:
        part.state, part.next_at = PartState.ENDED, None


def _stand(
    session: Session, wish: HoldWish, hold: Hold, locks: Sequence[Locked | None]
) -> None:
    """Let a hold end before the first of its locks does."""
    offset = clock.now(session, wish.world) - session.scalar(  # type: ignore[operator]
        select(func.clock_timestamp())
    )
    margin = timedelta(seconds=LOCK_MARGIN_S)
    ends = [lock.until for lock in locks if lock is not None and lock.until is not None]
    hold.expires_at = min([hold.expires_at, *(end + offset - margin for end in ends)])
    key = wish.claim.key
    where = {"world": key.world, "owner": key.owner_id, "key": key.key}
    until = hold.expires_at.isoformat()
    session.execute(_STORE_UNTIL, where | {"until": until})
