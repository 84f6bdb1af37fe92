"""Cancelling tickets of an order: money, seats and credit go back."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from allocation.services.tree import free_seats, give_back, lower_caps
from hub.catalogue import queries as catalogue
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.kernel.metrics import ORDERS
from hub.sales import queries
from hub.sales.errors import AlreadyCancelledError, PastCancellationError
from hub.sales.models import Order, OrderLine, Ticket
from hub.sales.rules import order_state, sums
from settlement.rules.postings import Fact
from settlement.rules.quotes import Quote
from settlement.services.credit import Move, move_credit
from settlement.services.journal import post

_FACTS_BEFORE = text(
    "SELECT line_no, max(sequence) AS last FROM journal_entry"
    " WHERE order_id = :order GROUP BY line_no"
)


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
    facts = _facts(session, order, lines, undone, now)
    owed = post(session, facts, [who.world] * len(facts))
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
    _give_back(session, lines, tickets)
    move_credit(session, {i: Move(exposure=minor) for i, minor in owed.items()})
    ORDERS.labels("cancelled").inc()
    return order


def _give_back(
    session: Session, lines: Sequence[OrderLine], tickets: Sequence[Ticket]
) -> None:
    """Give seats back to who paid for them, and count them out."""
    own = {line.no: line for line in lines}
    paid = ((t.node_id or own[t.line_no].node_id, 1) for t in tickets)
    give_back(session, sums(paid))
    free_seats(session, [(t.performance_id, t.seat_id) for t in tickets if t.seat_id])
    lower_caps(session, sums((cap, 1) for t in tickets for cap in own[t.line_no].caps))


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
    order: Order,
    lines: Sequence[OrderLine],
    undone: Counter[int],
    now: datetime,
) -> list[Fact]:
    rows = session.execute(_FACTS_BEFORE, {"order": order.id})
    last = {row.line_no: row.last for row in rows}
    return [
        Fact(
            order.id,
            line.no,
            last[line.no] + 1,
            Quote.loaded(line.quote),
            (line.cancelled, line.cancelled + undone[line.no]),
            now,
            order.confirmed_at,
        )
        for line in lines
        if undone[line.no]
    ]
