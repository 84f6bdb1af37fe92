"""What an agent is told: availability with its walk, holds, orders. Reads only."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from allocation import queries as allocation
from allocation.errors import NotAllottedError
from allocation.rules.tree import Node, available, explain
from hub.catalogue import queries as catalogue
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import HubError, NotFoundError
from hub.sales import queries
from hub.sales.models import Hold, HoldLine, Order, OrderLine, Ticket
from hub.sales.rules import HoldState, priced
from hub.sales.services.holds import hold_body, hold_line
from settlement.errors import NoTermsError
from settlement.queries.quoting import Wanted, quote_each
from settlement.queries.terms import agreements
from settlement.rules.quotes import Quote

_OFFERED = text(
    "SELECT o.id AS offer_id, o.price_type, a.ref AS area, pa.performance_id"
    " FROM offer o JOIN performance_area pa ON pa.id = o.performance_area_id"
    " JOIN area a ON a.id = pa.area_id WHERE o.id = ANY(:ids)"
)
_SEATS = text(
    'SELECT id::text, row_name AS "row", number FROM seat WHERE id = ANY(:ids)'
)


def availability(session: Session, who: Caller, performance_id: UUID) -> dict[str, Any]:
    """Return what an agent may take of a performance now, area by area, and why.

    NotFoundError when it is not announced to agents.
    """
    now = clock.now(session, who.world)
    offers = catalogue.offers(
        session, world=who.world, performance_ids=[performance_id]
    )
    window = catalogue.windows(session, [performance_id]).get(performance_id)
    if window is None or not offers or not window.is_announced(now):
        raise NotFoundError(performance_id=performance_id)
    paths = allocation.agent_paths(session, [performance_id], who.partner)
    quotes = _quotes(session, who, offers)
    refusal = _refusal(window, now)
    areas: dict[UUID, list[Row[Any]]] = {}
    for offer in offers:
        areas.setdefault(offer.root_id, []).append(offer)
    return {
        "performance_id": performance_id,
        "as_of": now,
        "source": "hub",
        "max_age_s": 0,
        "is_on_sale": refusal is None,
        "not_on_sale_because": refusal and refusal.code,
        "areas": [
            _area(found, paths.get(root_id, []), quotes, is_open=refusal is None)
            for root_id, found in areas.items()
        ],
    }


def _quotes(
    session: Session, who: Caller, offers: Sequence[Row[Any]]
) -> dict[UUID, Quote]:
    """Quote one ticket of each offer that has terms."""
    agreed = agreements(
        session,
        world=who.world,
        suppliers={offer.supplier_id for offer in offers},
        agent_id=who.partner,
    )
    wanted = [
        Wanted(offer, 1, agreement)
        for offer in offers
        if (agreement := agreed.get((offer.supplier_id, offer.currency)))
    ]
    return quote_each(session, wanted)


def _refusal(window: Any, now: datetime) -> HubError | None:
    try:
        window.refuse_unless_on_sale(now)
    except HubError as error:
        return error
    return None


def _area(
    offers: Sequence[Row[Any]],
    path: Sequence[Node],
    quotes: dict[UUID, Quote],
    *,
    is_open: bool,
) -> dict[str, Any]:
    free = available(path) if path and is_open else 0
    priced_offers = [
        _offer(offer, quotes[offer.offer_id])
        for offer in offers
        if offer.offer_id in quotes
    ]
    missing = None if path else NotAllottedError.code
    return {
        "area": offers[0].area,
        "name": offers[0].area_name,
        "is_seated": offers[0].is_seated,
        "available": free if priced_offers else 0,
        "nothing_because": missing if priced_offers else NoTermsError.code,
        "walk": explain(path),
        "offers": priced_offers,
    }


def _offer(offer: Row[Any], quote: Quote) -> dict[str, Any]:
    return {
        "offer_id": offer.offer_id,
        "price_type": offer.price_type,
        "tax_bp": offer.tax_bp,
        "tickets_min": offer.tickets_min,
        "tickets_max": offer.tickets_max,
        **priced(quote),
    }


def seats(session: Session, who: Caller, performance_id: UUID) -> dict[str, Any]:
    """Return the seats of a performance's seated areas, and whether they are free."""
    now = clock.now(session, who.world)
    offers = catalogue.offers(
        session, world=who.world, performance_ids=[performance_id]
    )
    window = catalogue.windows(session, [performance_id]).get(performance_id)
    if window is None or not offers or not window.is_announced(now):
        raise NotFoundError(performance_id=performance_id)
    taken = allocation.taken_seats(session, [performance_id])[performance_id]
    areas = {o.area_id: o for o in offers if o.is_seated}
    return {
        "as_of": now,
        "items": [
            {**seat, "area": offer.area, "is_free": seat_id not in taken}
            for area_id, offer in areas.items()
            for seat_id, seat in catalogue.seat_map(
                session, area_id, offer.map_version
            ).seats.items()
        ],
    }


def hold_view(session: Session, who: Caller, hold: Hold) -> dict[str, Any]:
    """Return how a hold stands now: one past its time has lapsed."""
    lines = queries.hold_lines(session, [hold.id])
    told = _told(session, lines)
    is_past = hold.expires_at <= clock.now(session, who.world)
    is_lapsed = hold.state == HoldState.HELD and is_past
    state = HoldState.LAPSED if is_lapsed else hold.state
    return hold_body(hold.id, state, hold.version, hold.expires_at, told)


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
    return [
        hold_line(
            line.no,
            offers[line.offer_id],
            line.quantity,
            [names[seat] for seat in line_seats],
            Quote.loaded(line.quote),
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
    lines = queries.order_lines(session, ids)
    tickets = queries.tickets(session, ids)
    names = seat_names(session, [t.seat_id for t in tickets if t.seat_id])
    seats_of: dict[tuple[UUID, int], list[UUID]] = {}
    for ticket in tickets:
        if ticket.seat_id is not None:
            key = (ticket.order_id, ticket.line_no)
            seats_of.setdefault(key, []).append(ticket.seat_id)
    told = _told(session, lines, seats_of)
    lines_of: dict[UUID, list[dict[str, Any]]] = {}
    for line, said in zip(lines, told, strict=True):
        whole = {**said, "cancelled": line.cancelled}
        lines_of.setdefault(line.order_id, []).append(whole)
    tickets_of: dict[UUID, list[dict[str, Any]]] = {}
    for ticket in tickets:
        tickets_of.setdefault(ticket.order_id, []).append(_ticket(ticket, names))
    return [
        {
            "id": str(order.id),
            "hold_id": str(order.hold_id),
            "reference": order.reference,
            "state": str(order.state),
            "version": order.version,
            "confirmed_at": order.confirmed_at.isoformat(),
            "lines": lines_of[order.id],
            "tickets": tickets_of[order.id],
        }
        for order in orders
    ]


def _ticket(ticket: Ticket, names: dict[UUID, dict[str, Any]]) -> dict[str, Any]:
    cancelled_at = ticket.cancelled_at
    return {
        "id": str(ticket.id),
        "line_no": ticket.line_no,
        "code": ticket.code,
        "seat": names[ticket.seat_id] if ticket.seat_id else None,
        "cancelled_at": cancelled_at and cancelled_at.isoformat(),
    }
