"""Confirming a hold into an order, and cancelling its tickets."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from allocation.queries import wait_for_performances
from allocation.services.tree import free_seats, give_back
from hub.catalogue import queries as catalogue
from hub.catalogue.errors import PerformanceCancelledError
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.kernel.ids import new_id
from hub.kernel.metrics import ORDERS
from hub.sales import queries
from hub.sales.errors import (
    AlreadyCancelledError,
    PastCancellationError,
    ReferenceTakenError,
)
from hub.sales.models import HoldLine, Order, OrderLine, Ticket
from hub.sales.rules import (
    HoldState,
    OrderState,
    new_code,
    order_state,
    refuse_unless_held,
    sums,
)
from settlement.rules.postings import Fact
from settlement.rules.quotes import Quote
from settlement.services.journal import post

UNIQUE_VIOLATION = "23505"
_FACTS_BEFORE = text(
    "SELECT line_no, max(sequence) AS last FROM journal_entry"
    " WHERE order_id = :order GROUP BY line_no"
)


def confirm_hold(
    session: Session, who: Caller, *, hold_id: UUID, reference: str
) -> Order:
    """Turn a hold into an order with tickets, and post what everybody gets.

    HoldExpiredError, HoldReleasedError, AlreadyConfirmedError, ReferenceTakenError
    and PerformanceCancelledError say why not.
    """
    hold = queries.get_hold(
        session, hold_id, world=who.world, agent_id=who.partner, lock=True
    )
    lines = queries.hold_lines(session, [hold_id])
    _share(session, {line.performance_id for line in lines})
    now = clock.now(session, who.world)
    refuse_unless_held(hold.state, is_past=hold.expires_at <= now, hold_id=hold_id)
    hold.state = HoldState.CONFIRMED
    hold.version += 1
    order = Order(
        id=new_id(),
        world=who.world,
        agent_id=who.partner,
        hold_id=hold_id,
        reference=reference,
        state=OrderState.CONFIRMED,
        version=1,
        confirmed_at=now,
    )
    _add_order(session, order)
    session.execute(insert(OrderLine), [_order_line(order.id, line) for line in lines])
    session.execute(
        insert(Ticket), [row for line in lines for row in _tickets(order.id, line)]
    )
    facts = [
        Fact(order.id, line.no, 0, Quote.loaded(line.quote), (0, 0), now)
        for line in lines
    ]
    post(session, who.world, facts)
    ORDERS.labels("confirmed").inc()
    return order


def _share(session: Session, performance_ids: Collection[UUID]) -> None:
    """Keep performances from being changed; refuse if one is cancelled."""
    wait_for_performances(session, performance_ids)
    for window in catalogue.windows(session, performance_ids).values():
        if window.status == "cancelled":
            raise PerformanceCancelledError(performance_id=window.performance_id)


def _add_order(session: Session, order: Order) -> None:
    try:
        with session.begin_nested():
            session.add(order)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
            raise
        raise ReferenceTakenError(reference=order.reference) from None


def _order_line(order_id: UUID, line: HoldLine) -> dict[str, object]:
    return {
        "order_id": order_id,
        "no": line.no,
        "performance_id": line.performance_id,
        "node_id": line.node_id,
        "offer_id": line.offer_id,
        "quantity": line.quantity,
        "currency": line.quote["currency"],
        "face_minor": line.quote["face_minor"],
        "booking_fee_minor": line.quote["booking_fee_minor"],
        "quote": line.quote,
    }


def _tickets(order_id: UUID, line: HoldLine) -> list[dict[str, object]]:
    seats: list[UUID | None] = [*line.seat_ids] or [None] * line.quantity
    return [
        {
            "id": new_id(),
            "order_id": order_id,
            "line_no": line.no,
            "performance_id": line.performance_id,
            "code": new_code(),
            "seat_id": seat,
        }
        for seat in seats
    ]


def cancel_tickets(
    session: Session, who: Caller, order_id: UUID, ticket_ids: Collection[UUID] | None
) -> Order:
    """Cancel tickets of an order, or all that are left; money and seats go back.

    NotFoundError for a ticket that is not the order's, AlreadyCancelledError when
    nothing of it is left, PastCancellationError once the performance has begun.
    """
    order = queries.get_order(
        session, order_id, world=who.world, agent_id=who.partner, lock=True
    )
    tickets = _chosen(queries.tickets(session, [order_id]), ticket_ids)
    now = clock.now(session, who.world)
    windows = catalogue.windows(session, {ticket.performance_id for ticket in tickets})
    for window in windows.values():
        if now >= window.last_at:
            began_at = window.last_at.isoformat()
            raise PastCancellationError(
                performance_id=window.performance_id, began_at=began_at
            )
    lines = queries.order_lines(session, [order_id])
    undone = Counter(ticket.line_no for ticket in tickets)
    post(session, who.world, _facts(session, order_id, lines, undone, now))
    session.execute(
        update(Ticket)
        .where(Ticket.id.in_([ticket.id for ticket in tickets]))
        .values(cancelled_at=now)
    )
    for line in lines:
        line.cancelled += undone[line.no]
    quantity = sum(line.quantity for line in lines)
    order.state = order_state(quantity, sum(line.cancelled for line in lines))
    order.version += 1
    give_back(session, sums((line.node_id, undone[line.no]) for line in lines))
    free_seats(session, [(t.performance_id, t.seat_id) for t in tickets if t.seat_id])
    ORDERS.labels("cancelled").inc()
    return order


def _chosen(
    tickets: Sequence[Ticket], ticket_ids: Collection[UUID] | None
) -> list[Ticket]:
    valid = [ticket for ticket in tickets if ticket.cancelled_at is None]
    if ticket_ids is None:
        if not valid:
            raise AlreadyCancelledError
        return valid
    known = {ticket.id for ticket in tickets}
    for wanted in ticket_ids:
        if wanted not in known:
            raise NotFoundError(ticket_id=wanted)
    gone = sorted(set(ticket_ids) - {ticket.id for ticket in valid})
    if gone:
        raise AlreadyCancelledError(ticket_ids=gone)
    return [ticket for ticket in valid if ticket.id in set(ticket_ids)]


def _facts(
    session: Session,
    order_id: UUID,
    lines: Sequence[OrderLine],
    undone: Counter[int],
    now: datetime,
) -> list[Fact]:
    rows = session.execute(_FACTS_BEFORE, {"order": order_id})
    last = {row.line_no: row.last for row in rows}
    return [
        Fact(
            order_id,
            line.no,
            last[line.no] + 1,
            Quote.loaded(line.quote),
            (line.cancelled, line.cancelled + undone[line.no]),
            now,
        )
        for line in lines
        if undone[line.no]
    ]
