"""Clearing what is not known: suppliers are asked by our key until they have told.

Each part that is due is taken by one worker, with a fence; what that worker learns it
writes only if nobody has taken the part since. Nothing is ever sold here: a part whose
sale was not answered is asked about; if it is not sold, its lock is let go first, so
that a sale on its way there finds nothing to sell, and then it is asked once more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from connectors.models import Source
from connectors.ports import Answer, Sold, Standing
from connectors.services.guarding import Suppliers
from hub.kernel import clock
from hub.kernel.db import transaction
from hub.sales.models import Hold, SupplierOrder
from hub.sales.queries import supplied as queries
from hub.sales.rules import HoldState
from hub.sales.rules.supplied import (
    LOCK_MARGIN_S,
    LOCK_S,
    PartState,
    is_as_wanted,
)
from hub.sales.services.lapse import end_holds
from hub.sales.services.supplied.asking import Outcome
from hub.sales.services.supplied.returned import go_on_cancelling
from hub.sales.services.supplied.settling import settle
from hub.sales.services.supplied.tasks import Task, again, own, raise_case, task_of

GONE = {Standing.NOTHING, Standing.CANCELLED}


def reconcile(suppliers: Suppliers, part_id: UUID, *, pace: float = 1.0) -> None:
    """Go on with a part that was taken; *pace* stretches how long is waited."""
    with transaction() as session:
        part = session.get_one(SupplierOrder, part_id)
        task = task_of(suppliers, part, pace)
        is_held = _is_held(session, part.hold_id)
        is_under_way = queries.sale_of(session, part.hold_id) is not None
    match task.state:
        case PartState.LOCKING if not part.wanted:
            _end(task, "no-answer")  # whoever wanted it died before it asked
        case PartState.LOCKED if is_under_way:
            settle(task.hold_id)
        case PartState.LOCKED if is_held:
            _wait(task)
        case PartState.LOCKING | PartState.UNDOING if task.is_nameless:
            _leave_to_time(task)
        case PartState.LOCKING | PartState.LOCKED | PartState.UNDOING:
            _undo(task)
        case PartState.SELLING | PartState.UNKNOWN:
            _find_out(task)
        case PartState.SOLD:
            _make_order(task)
        case PartState.CANCELLING:
            go_on_cancelling(suppliers, part_id, fence=task.fence, pace=pace)
        case _:
            _after_end(task)


def _is_held(session: Session, hold_id: UUID) -> bool:
    hold = session.get(Hold, hold_id)
    return hold is not None and hold.state == HoldState.HELD


def _find_out(task: Task) -> None:
    """Find out whether a sale was made; settle it when that is known.

    A supplier that tells of no order is asked by a person, at once.
    """
    if not task.can.ask_by_key:
        raise_case(task, Outcome(reason="no-answer", said="it tells of no order"))
        return
    outcome = task.ask("ask", lambda port: port.ask(task.order))
    answer = outcome.answer
    if answer is None:
        again(task, outcome)
        return
    if answer.standing in {Standing.NOTHING, Standing.LOCKED}:
        answer = _fenced(task)
        if answer is None:
            return
    _take(task, answer)


def _fenced(task: Task) -> Answer | None:
    """Let a lock go, so that nothing is sold by it any more; then ask once more."""
    let_go = task.ask("release", lambda port: port.release(task.order))
    if let_go.is_unknown or not let_go.is_reached:
        again(task, let_go)
        return None
    outcome = task.ask("ask", lambda port: port.ask(task.order))
    if outcome.answer is None:
        again(task, outcome)
    found: Answer | None = outcome.answer
    return found


def _take(task: Task, answer: Answer) -> None:
    """Write what a supplier says of an order whose sale was not answered."""
    match answer.standing:
        case Standing.SOLD if answer.sold is not None:
            _sold(task, answer.sold)
            _make_order(task)
        case Standing.NOTHING | Standing.CANCELLED:
            _end(task, "no-answer")
        case _:
            again(task, Outcome(reason="pending", said=answer.standing))


def _make_order(task: Task) -> None:
    """Conclude a sale; what cannot be made an order of is for a person."""
    try:
        settle(task.hold_id)
    except (IntegrityError, DataError, ValueError) as error:
        said = f"no order can be made of it: {type(error).__name__}"
        raise_case(task, Outcome(reason="other", said=said))


def _sold(task: Task, sold: Sold) -> None:
    with transaction() as session:
        part = own(session, task)
        if part is None:
            return
        part.sold, part.theirs = msgspec.to_builtins(sold), sold.theirs
        is_good = is_as_wanted(task.order, sold)
        part.state = PartState.SOLD if is_good else PartState.UNDOING
        part.reason = None if is_good else "not-as-wanted"
        part.next_at, part.case_since = clock.real(session), None


def _undo(task: Task) -> None:
    """Have whatever is there go: what was sold is cancelled, a lock let go."""
    if task.sold is not None:
        sold = task.sold
        outcome = task.ask("cancel", lambda port: port.cancel(task.order, sold.tickets))
    else:
        outcome = task.ask("release", lambda port: port.release(task.order))
    if outcome.is_refused and task.sold is not None:
        raise_case(task, outcome)
    elif (outcome.is_unknown or not outcome.is_reached) and _has_run_out(task):
        _end(task, "lock-expired")
    elif outcome.is_unknown or not outcome.is_reached:
        again(task, outcome)
    elif task.can.ask_by_key:
        _see_that_it_is_gone(task)
    else:
        _end(task, None)


def _see_that_it_is_gone(task: Task) -> None:
    """Ask once more what was let go: it may have been sold meanwhile."""
    asked = task.ask("ask", lambda port: port.ask(task.order))
    if asked.answer is None:
        again(task, asked)
        return
    if asked.answer.standing is Standing.SOLD and task.sold is None:
        _turned_out_sold(task, asked.answer)
        return
    if asked.answer.standing not in GONE:
        again(task, Outcome(reason="pending", said=asked.answer.standing))
        return
    _end(task, None)


def _turned_out_sold(task: Task, answer: Answer) -> None:
    """Keep in mind that what was to be let go is sold: next time it is cancelled."""
    with transaction() as session:
        part = own(session, task)
        if part is not None and answer.sold is not None:
            part.sold = msgspec.to_builtins(answer.sold)
            part.next_at = clock.real(session)


def _leave_to_time(task: Task) -> None:
    """Look again when a lock has run out that nobody can ask about, or let go."""
    with transaction() as session:
        part = own(session, task)
        if part is None:
            return
        ends = _runs_out_at(session, task, part)
        is_over = ends < clock.real(session)
        if not is_over:
            part.state, part.next_at = PartState.UNDOING, ends
    if is_over:
        _end(task, "lock-expired")


def _has_run_out(task: Task) -> bool:
    """Say whether a lock has run out there by itself, whoever answers or not."""
    if task.sold is not None:
        return False
    with transaction() as session:
        part = session.get_one(SupplierOrder, task.part_id)
        return _runs_out_at(session, task, part) < clock.real(session)


def _runs_out_at(session: Session, task: Task, part: SupplierOrder) -> datetime:
    """Return when a lock runs out there: as was told, or as was agreed."""
    source = session.get_one(Source, part.source_id)
    agreed = source.settings.get("selling", {}).get("lock_s", LOCK_S)
    lasts = timedelta(seconds=max(task.order.ttl_s, agreed) + LOCK_MARGIN_S)
    return part.lock_until or (part.sent_at or part.created_at) + lasts


def _end(task: Task, reason: str | None) -> None:
    """Note that nothing is there any more; it stays due until that is concluded."""
    with transaction() as session:
        part = own(session, task)
        if part is None:
            return
        part.state, part.case_since = PartState.ENDED, None
        part.next_at = clock.real(session)
        part.reason = part.reason or reason
    _after_end(task)


def _after_end(task: Task) -> None:
    """Conclude what a part's end means: its hold ends, or its sale is settled."""
    with transaction() as session:
        hold = session.get(Hold, task.hold_id, with_for_update=True)
        sale = queries.sale_of(session, task.hold_id)
        if sale is None:
            _end_hold(session, hold, queries.parts(session, task.hold_id, lock=True))
    if sale is not None:
        settle(task.hold_id)


def _end_hold(
    session: Session, hold: Hold | None, parts: Sequence[SupplierOrder]
) -> None:
    ended = [part for part in parts if part.state == PartState.ENDED]
    is_held = hold is not None and hold.state == HoldState.HELD
    if hold is not None and is_held and len(ended) == len(parts):
        reason = next((part.reason for part in parts if part.reason), "no-answer")
        hold.is_frozen = False
        session.flush()
        end_holds(session, [hold.id], HoldState.REJECTED, f"the supplier: {reason}")
    for part in ended:
        part.next_at = None


def _wait(task: Task) -> None:
    """Look at a lock again when it has run out: its hold stands still."""
    with transaction() as session:
        part = own(session, task)
        if part is not None:
            pause = timedelta(seconds=LOCK_MARGIN_S)
            now = clock.real(session)
            part.next_at = max(part.lock_until or now, now) + pause
            part.attempts = 0
