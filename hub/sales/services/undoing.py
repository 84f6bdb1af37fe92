"""Undoing tickets of orders, many at a time: postings, seats and counts go back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.services.tree import free_seats, give_back, lower_caps
from hub.kernel.db import rows
from hub.sales.models import Order, OrderLine, Ticket
from hub.sales.rules import order_state, sums
from hub.sales.rules.returning import VENUE
from settlement.rules.facts import Fact
from settlement.rules.quotes import Quote
from settlement.services.journal import post

_FACTS_BEFORE = text(
    "SELECT order_id, line_no, max(sequence) AS last FROM journal_entry"
    " WHERE order_id = ANY(:orders) GROUP BY order_id, line_no"
)
_END_TICKETS = text(
    "UPDATE ticket AS t SET cancelled_at = :now, cancelled_for = r.why"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, why text)"
    " WHERE t.id = r.id"
)
_FREE_NAMES = text(
    "UPDATE order_person AS p SET performance_id = NULL"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(order_id uuid, id uuid)"
    " WHERE p.order_id = r.order_id AND p.ticket_id = r.id"
)


@dataclass(frozen=True, slots=True)
class Undone:
    """Tickets of a locked order that are given up, and why each is."""

    order: Order
    lines: Sequence[OrderLine]
    tickets: Sequence[Ticket]
    why: Mapping[UUID, str]


def undo(session: Session, undone: Sequence[Undone], now: datetime) -> dict[UUID, int]:
    """Cancel tickets; return what agents' contracts owe more (less: negative).

    Seats and counters go back, in the order of locks; the caller moves the credit.
    """
    _give_back(session, undone)
    last = _last(session, undone)
    facts = [fact for one in undone for fact in _facts(one, last, now)]
    owed = post(
        session, facts, [one.order.world for one in undone for _ in _lines(one)]
    )
    gone = [
        {"order_id": one.order.id, "id": ticket.id, "why": one.why[ticket.id]}
        for one in undone
        for ticket in one.tickets
    ]
    session.execute(_END_TICKETS, {"now": now, "rows": rows(gone)})
    session.execute(_FREE_NAMES, {"rows": rows(gone)})
    for one in undone:
        count = Counter(ticket.line_no for ticket in one.tickets)
        for line in one.lines:
            line.cancelled += count[line.no]
        quantity = sum(line.quantity for line in one.lines)
        cancelled = sum(line.cancelled for line in one.lines)
        one.order.state = order_state(quantity, cancelled)
        one.order.version += 1
    session.flush()
    return owed


def _give_back(session: Session, undone: Sequence[Undone]) -> None:
    """Give seats back to who paid for them, and count them out; all orders at once."""
    line_of = {(line.order_id, line.no): line for one in undone for line in one.lines}
    found = [
        (ticket, line_of[ticket.order_id, ticket.line_no])
        for one in undone
        for ticket in one.tickets
    ]
    give_back(session, sums((t.node_id or line.node_id, 1) for t, line in found))
    free_seats(session, [(t.performance_id, t.seat_id) for t, _ in found if t.seat_id])
    lower_caps(session, sums((cap, 1) for _, line in found for cap in line.caps))


def _lines(one: Undone) -> list[OrderLine]:
    numbers = {ticket.line_no for ticket in one.tickets}
    return [line for line in one.lines if line.no in numbers]


def _last(session: Session, undone: Sequence[Undone]) -> dict[tuple[UUID, int], int]:
    """Return the number of the last fact of each line."""
    orders = [one.order.id for one in undone]
    found = session.execute(_FACTS_BEFORE, {"orders": orders})
    return {(row.order_id, row.line_no): row.last for row in found}


def _facts(
    one: Undone, last: Mapping[tuple[UUID, int], int], now: datetime
) -> list[Fact]:
    """Return a fact for each line that loses tickets; a line has one performance."""
    facts = []
    for line in _lines(one):
        own = [ticket for ticket in one.tickets if ticket.line_no == line.no]
        cancelled = (line.cancelled, line.cancelled + len(own))
        quote = Quote.loaded(line.quote)
        facts.append(
            Fact(
                *(
                    one.order.id,
                    line.no,
                    last[one.order.id, line.no] + 1,
                    quote,
                    cancelled,
                    now,
                ),
                *(one.order.confirmed_at, one.why[own[0].id] == VENUE),
            )
        )
    return facts
