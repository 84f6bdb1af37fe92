"""Refund runs: all tickets of a cancelled performance go back, some orders at a time.

A run is what is left to do: the tickets themselves. So it goes on wherever it was cut
off, and is done when no ticket is left that nobody has used.
"""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.catalogue.models import Performance
from hub.catalogue.queries import get_own_performance
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.ids import new_id
from hub.kernel.metrics import ORDERS
from hub.sales import queries
from hub.sales.errors import NotCancelledError, RefundsRunningError
from hub.sales.models import Order, OrderLine, RefundRun, Ticket
from hub.sales.queries.returning import orders_to_refund
from hub.sales.rules.returning import VENUE
from hub.sales.services.undoing import Undone, undo
from settlement.services.credit import Move, move_credit

CHUNK = 100
CANCELLED = "cancelled"


def begin_refunds(
    session: Session, who: Caller, performance_id: UUID, reason: str
) -> RefundRun:
    """Begin to give all tickets of a cancelled performance back.

    NotCancelledError if it takes place, RefundsRunningError if that is under way.
    """
    performance = get_own_performance(session, who, performance_id)
    if performance.status != CANCELLED:
        raise NotCancelledError(status_now=performance.status)
    run = RefundRun(
        id=new_id(),
        world=who.world,
        performance_id=performance_id,
        reason=reason,
        made_by=who.credential_id,
        made_at=clock.now(session, who.world),
        orders=0,
        tickets=0,
    )
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError as error:
        raise RefundsRunningError(performance_id=performance_id) from error
    return run


def go_on_refunding(session: Session, *, most: int = CHUNK) -> int:
    """Give back the tickets of some orders of the oldest run; return how many orders.

    A run of which nothing is left is done, and one whose performance takes place after
    all; 0 when there is none.
    """
    wanted = select(RefundRun).where(RefundRun.done_at.is_(None)).order_by(RefundRun.id)
    run = session.scalar(wanted.limit(1).with_for_update(skip_locked=True))
    if run is None:
        return 0
    now = clock.now(session, run.world)
    lock = {"read": True}  # while some are refunded it stays as it is
    performance = session.get_one(
        Performance, run.performance_id, with_for_update=lock, populate_existing=True
    )
    if performance.status != CANCELLED:
        run.done_at = now
        return 1
    ids = orders_to_refund(session, run.performance_id, most=most)
    if not ids:
        run.done_at = now
        return 1
    locked = select(Order).where(Order.id.in_(ids)).order_by(Order.id)
    orders = session.scalars(locked.with_for_update()).all()
    undone = _undone(session, run.performance_id, orders)
    owed = undo(session, undone, now)
    move_credit(session, {i: Move(exposure=minor) for i, minor in owed.items()})
    run.orders += len(undone)
    run.tickets += sum(len(one.tickets) for one in undone)
    ORDERS.labels("refunded").inc(len(undone))
    return len(ids)


def _undone(
    session: Session, performance_id: UUID, orders: Sequence[Order]
) -> list[Undone]:
    """Return what is left of orders for a performance, as they are once locked."""
    ids = [order.id for order in orders]
    wanted = select(Ticket).where(
        Ticket.order_id.in_(ids),
        Ticket.performance_id == performance_id,
        Ticket.cancelled_at.is_(None),
        Ticket.used_at.is_(None),
    )
    fresh = wanted.order_by(Ticket.id).execution_options(populate_existing=True)
    tickets: defaultdict[UUID, list[Ticket]] = defaultdict(list)
    for ticket in session.scalars(fresh):
        tickets[ticket.order_id].append(ticket)
    lines: defaultdict[UUID, list[OrderLine]] = defaultdict(list)
    for line in queries.order_lines(session, ids):
        lines[line.order_id].append(line)
    return [
        Undone(order, lines[order.id], own, {ticket.id: VENUE for ticket in own})
        for order in orders
        if (own := tickets[order.id])
    ]
