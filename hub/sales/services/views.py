"""How holds and orders stand, as their agents are told. Reads only."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.sales import queries
from hub.sales.models import Hold, HoldLine, Order, OrderLine, SuppliedSale, Ticket
from hub.sales.queries.frozen import frozen_quotes
from hub.sales.queries.supplied import cancelling, parts, sale_of
from hub.sales.rules import HoldState, priced
from hub.sales.rules.people import Person
from hub.sales.rules.supplied import PartState, SaleState
from hub.sales.rules.supplied import Told as Waits
from hub.sales.services.returned import refunds
from hub.sales.services.telling import (
    HELD,
    OrderHead,
    hold_body,
    hold_line,
    order_body,
    order_line,
    ticket_body,
)
from hub.sales.services.wishes import LIVE
from settlement.rules.quotes import Quote

_OFFERED = text(
    "SELECT o.id AS offer_id, o.price_type, a.ref AS area, pa.performance_id"
    " FROM offer o JOIN performance_area pa ON pa.id = o.performance_area_id"
    " JOIN area a ON a.id = pa.area_id WHERE o.id = ANY(:ids)"
)
_SEATS = text(
    'SELECT id::text, row_name AS "row", number FROM seat WHERE id = ANY(:ids)'
)


def hold_view(session: Session, who: Caller, hold: Hold) -> dict[str, Any]:
    """Return how a hold stands now: one past its time has lapsed."""
    lines = queries.hold_lines(session, [hold.id])
    told = _told(session, lines)
    is_past = hold.expires_at <= clock.now(session, who.world)
    is_held = hold.state == HoldState.HELD
    state = HoldState.LAPSED if is_held and is_past else hold.state
    if is_held and hold.kind == LIVE:
        state = _live_state(session, hold) or state
    return hold_body(hold.id, state, hold.version, hold.expires_at, told)


def _live_state(session: Session, hold: Hold) -> str | None:
    """Return how a hold stands at its suppliers; None where it does as it does here."""
    sale = sale_of(session, hold.id)
    if sale is not None:
        is_unknown = sale.state == SaleState.UNKNOWN
        return Waits.UNKNOWN if is_unknown else Waits.CONFIRMING
    states = {part.state for part in parts(session, hold.id)}
    return Waits.LOCKING if states - {PartState.LOCKED, PartState.ENDED} else None


def sale_view(session: Session, sale: SuppliedSale, state: str) -> dict[str, Any]:
    """Return how a sale is told that is no order yet, or will be none."""
    told = _told(session, queries.hold_lines(session, [sale.hold_id]))
    head = OrderHead(
        *(sale.order_id, sale.hold_id, sale.reference, state, 0, None, None)
    )
    lines = [order_line(said, 0, None) | {"state": str(state)} for said in told]
    return order_body(head, buyer=None, lines=lines, tickets=[], reason=sale.reason)


def first_reply(session: Session, who: Caller, kept: dict[str, Any]) -> dict[str, Any]:
    """Return what a hold was answered when it was placed, from what is kept of it.

    One that a supplier locks is told as it stands.
    """
    hold = queries.get_hold(
        session, UUID(kept[HELD]), world=who.world, agent_id=who.partner
    )
    if hold.kind == LIVE:
        return hold_view(session, who, hold)
    told = _told(session, queries.hold_lines(session, [hold.id]))
    until = datetime.fromisoformat(kept["until"])
    return hold_body(hold.id, HoldState.HELD, 1, until, told)


def _told(
    session: Session,
    lines: Sequence[HoldLine | OrderLine],
    seats_of: dict[tuple[UUID, int], list[UUID]] | None = None,
) -> list[dict[str, Any]]:
    offers = offered(session, [line.offer_id for line in lines])
    chosen = [
        line.seat_ids
        if isinstance(line, HoldLine)
        else (seats_of or {}).get((line.order_id, line.no), [])
        for line in lines
    ]
    names = seat_names(session, [seat for line in chosen for seat in line])
    held = [line.quote_id for line in lines if isinstance(line, HoldLine)]
    quotes = frozen_quotes(session, held)
    return [
        hold_line(
            line.no,
            offers[line.offer_id],
            line.quantity,
            [names[seat] for seat in line_seats],
            quotes[line.quote_id].told
            if isinstance(line, HoldLine)
            else priced(Quote.loaded(line.quote)),
        )
        for line, line_seats in zip(lines, chosen, strict=True)
    ]


def offered(session: Session, ids: Collection[UUID]) -> dict[UUID, Row[Any]]:
    """Return what orders say of offers, by id: performance, area, price type."""
    rows = session.execute(_OFFERED, {"ids": list(ids)})
    return {row.offer_id: row for row in rows}


def seat_names(session: Session, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return what seats are called, by id."""
    if not ids:
        return {}
    rows = session.execute(_SEATS, {"ids": list(ids)})
    return {UUID(row.id): dict(row._mapping) for row in rows}  # noqa: SLF001 - documented


def order_views(session: Session, orders: Sequence[Order]) -> list[dict[str, Any]]:
    """Return how orders stand, with their lines and tickets."""
    ids = [order.id for order in orders]
    lines, tickets = queries.order_lines(session, ids), queries.tickets(session, ids)
    names = seat_names(session, [t.seat_id for t in tickets if t.seat_id])
    seats_of: dict[tuple[UUID, int], list[UUID]] = {}
    for ticket in tickets:
        if ticket.seat_id is not None:
            key = (ticket.order_id, ticket.line_no)
            seats_of.setdefault(key, []).append(ticket.seat_id)
    told = _told(session, lines, seats_of)
    lines_of: defaultdict[UUID, list[tuple[OrderLine, Any]]] = defaultdict(list)
    tickets_of: defaultdict[UUID, list[Ticket]] = defaultdict(list)
    waiting = _cancelling(session, orders)
    for line, said in zip(lines, told, strict=True):
        whole = order_line(said, line.cancelled, line.resale_minor)
        lines_of[line.order_id].append((line, whole))
    people = queries.people(session, ids)
    for ticket in tickets:
        tickets_of[ticket.order_id].append(ticket)
    return [
        order_body(
            OrderHead(
                *(order.id, order.hold_id, order.reference, order.state),
                *(order.version, order.confirmed_at, order.exchanged_from),
            ),
            buyer=people.get((order.id, None)),
            lines=[whole for _, whole in lines_of[order.id]],
            tickets=[
                _ticket(ticket, names, people.get((order.id, ticket.id)))
                for ticket in tickets_of[order.id]
            ],
            refunds=refunds(
                order, [line for line, _ in lines_of[order.id]], tickets_of[order.id]
            ),
            not_sold=order.not_sold,
            cancelling=waiting.get(order.hold_id, ()),
        )
        for order in orders
    ]


def _cancelling(session: Session, orders: Sequence[Order]) -> dict[UUID, list[str]]:
    """Return the performances of orders that suppliers are asked to take back."""
    found: dict[UUID, list[str]] = {}
    for hold_id, performance_id in cancelling(session, [o.hold_id for o in orders]):
        found.setdefault(hold_id, []).append(str(performance_id))
    return found


def _ticket(
    ticket: Ticket, names: dict[UUID, dict[str, Any]], holder: Person | None
) -> dict[str, Any]:
    return ticket_body(
        *(ticket.id, ticket.line_no, ticket.code),
        names[ticket.seat_id] if ticket.seat_id else None,
        placement=ticket.placement,
        holder=holder,
        used_at=ticket.used_at,
        cancelled_at=ticket.cancelled_at,
        cancelled_for=ticket.cancelled_for,
    )
