"""A reservation is a hold, a booking an order under Tiqets' own reference."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from flask import current_app
from sqlalchemy import select

from hub.dialects.shared.queries import Sale
from hub.dialects.tiqets.errors import (
    CANCELLED,
    EXPIRED,
    TiqetsError,
    no_booking,
    no_reservation,
)
from hub.dialects.tiqets.rules import amount, variant_id
from hub.kernel.callers import Caller
from hub.kernel.db import transaction
from hub.kernel.errors import NotFoundError
from hub.kernel.idempotency import Claim, Key
from hub.kernel.money import exponent
from hub.sales.api.placing import placed
from hub.sales.errors import SaleUnderWayError
from hub.sales.models import Order
from hub.sales.rules.people import Person
from hub.sales.services import cancelling
from hub.sales.services.confirming import ASK_SUPPLIER
from hub.sales.services.ordering import ConfirmWish
from hub.sales.services.placing import submit
from hub.sales.services.supplied.returning import cancel_live, has_live
from hub.sales.services.supplied.selling import sell_live
from hub.sales.services.supplied.telling import order_view

DONE = ("confirmed", "partly_cancelled", "cancelled")


def reserve(
    who: Caller, sale: Sale, tickets: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Hold tickets for the time of a hold, at the prices it is told with."""
    wanted: defaultdict[UUID, int] = defaultdict(int)
    for one in tickets:
        area, _, kind = str(one["variant_id"]).rpartition(":")
        offer_id = sale.areas.get(area, {}).get(kind)
        if offer_id is None:
            message = f"Variant with ID {one['variant_id']} doesn't exist"
            raise TiqetsError(2003, message)
        wanted[offer_id] += one["quantity"]
    lines = [{"offer_id": one, "quantity": count} for one, count in wanted.items()]
    claim = _claim(who, f"reservation/{uuid4()}")  # Tiqets names none of its own
    held = placed(claim, {"lines": lines}, lambda wish: wish, who=who).body
    return {
        "reservation_id": held["id"],
        "expires_at": held["expires_at"],
        "unit_price": {
            variant_id(line["area"], line["price_type"]): _each(line)
            for line in held["lines"]
        },
    }


def _each(line: Mapping[str, Any]) -> dict[str, str]:
    minor = line["price_minor"] // line["quantity"]
    currency = line["currency"]
    return {"amount": amount(minor, exponent(currency)), "currency": currency}


def book(
    who: Caller, reservation: str, reference: str, buyer: Person | None
) -> dict[str, Any]:
    """Make an order of a reservation; sent again it is answered with its tickets."""
    try:
        hold_id = UUID(reservation)
    except ValueError:
        raise no_reservation() from None
    wish = ConfirmWish(
        _claim(who, f"booking/{hold_id}"),
        *(who.world, who.partner, hold_id, reference),
        buyer=buyer,
    )
    try:
        reply = submit(current_app.extensions["committer"], wish)
        if reply.status == ASK_SUPPLIER.status:
            reply = sell_live(current_app.extensions["suppliers"], who, wish)
    except NotFoundError:
        raise no_reservation() from None
    order = reply.body
    if order["state"] not in DONE:
        if order["state"] == "rejected":
            raise TiqetsError(EXPIRED, "The venue has not sold it; reserve again")
        raise SaleUnderWayError(hold_id=hold_id)
    return _booking(order)


def _booking(order: Mapping[str, Any]) -> dict[str, Any]:
    variants = {
        line["no"]: variant_id(line["area"], line["price_type"])
        for line in order["lines"]
    }
    tickets: defaultdict[str, list[str]] = defaultdict(list)
    for ticket in order["tickets"]:
        tickets[variants[ticket["line_no"]]].append(ticket["code"])
    return {
        "booking_id": order["id"],
        "barcode_format": "QRCODE",
        "barcode_scope": "ticket",
        "tickets": dict(tickets),
    }


def cancel(who: Caller, said: str) -> None:
    """Cancel all of a booking; it says so if it is cancelled already."""
    try:
        order_id = UUID(said)
    except ValueError:
        raise no_booking(said) from None
    with transaction() as session:
        own = select(Order.id).where(
            Order.id == order_id,
            Order.agent_id == who.partner,
            Order.world == who.world,
        )
        if session.scalar(own) is None:
            raise no_booking(said)
        order = order_view(session, who, order_id)
        if order["state"] == "cancelled":
            message = f"The booking with ID {said} was already cancelled"
            raise TiqetsError(CANCELLED, message)
        is_live = has_live(session, who, order_id)
        if not is_live:
            cancelling.cancel_tickets(session, who, order_id, None)
    if is_live:
        suppliers = current_app.extensions["suppliers"]
        claim = _claim(who, f"cancellation/{order_id}")
        reply = cancel_live(suppliers, who, claim, order_id, {})
        if reply.body["cancelling"]:
            raise SaleUnderWayError(order_id=order_id)


def _claim(who: Caller, key: str) -> Claim:
    return Claim(Key(who.world, who.owner_id, f"tiqets/{key}"), b"")
