"""Carts: bookings that are extended, confirmed and cancelled together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from hub.dialects.octo import queries
from hub.dialects.octo.errors import invalid, unprocessable
from hub.dialects.octo.models import OctoBooking, OctoCart
from hub.dialects.octo.rules import (
    CANCELLED,
    CONFIRMED,
    EXPIRED,
    ON_HOLD,
    PENDING,
    PRICING,
    REDEEMED,
    added,
)
from hub.dialects.octo.services import bookings
from hub.dialects.octo.services.asking import Asking
from hub.dialects.octo.services.standings import standing, told
from hub.dialects.octo.services.telling import contact
from hub.kernel import clock
from hub.kernel.db import transaction
from hub.kernel.ids import new_id

RANKS = (PENDING, ON_HOLD, CONFIRMED, REDEEMED, EXPIRED, CANCELLED)


def open_cart(asked: Asking, said: Mapping[str, Any]) -> dict[str, Any]:
    """Open an empty cart."""
    kept = {name: value for name, value in said.items() if value is not None}
    cart = OctoCart(
        agent_id=asked.who.partner, id=new_id(), world=asked.who.world, said=kept
    )
    with transaction() as session:
        session.add(cart)
    return show(asked, str(cart.id))


def cart_id_of(asked: Asking, said: str | None) -> UUID | None:
    """Return the id of the agent's cart that a booking goes into, if it names one."""
    if said is None:
        return None
    with transaction() as session:
        return _find(session, asked, said).id


def _find(session: Session, asked: Asking, said: str) -> OctoCart:
    try:
        key = (asked.who.partner, UUID(said))
    except ValueError:
        raise invalid("orderId", said) from None
    cart = session.get(OctoCart, key)
    if cart is None or cart.world != asked.who.world:
        raise invalid("orderId", said)
    return cart


def show(asked: Asking, said: str) -> dict[str, Any]:
    """Return a cart with its bookings as they stand."""
    with transaction() as session:
        cart = _find(session, asked, said)
        rows = queries.of_cart(session, asked.who.partner, cart.id)
        found = [(row, standing(session, asked, row)) for row in rows]
        now = clock.now(session, asked.who.world)
    return _told(asked, cart, [told(asked, row, how, now) for row, how in found])


def _told(
    asked: Asking, cart: OctoCart, rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    status = min((row["status"] for row in rows), key=_rank, default=ON_HOLD)
    expiries = [row["utcExpiresAt"] for row in rows if row["utcExpiresAt"]]
    confirmed = [row["utcConfirmedAt"] for row in rows if row["utcConfirmedAt"]]
    found = {
        "id": str(cart.id),
        "testMode": asked.is_test,
        "supplierReference": str(cart.id),
        "settlementMethod": "DEFERRED",
        "status": status,
        "utcExpiresAt": min(expiries, default=None),
        "utcConfirmedAt": max(confirmed, default=None) if status != ON_HOLD else None,
        "cancellable": bool(rows) and all(row["cancellable"] for row in rows),
        "bookings": list(rows),
        "contact": contact(cart.said.get("contact")),
    }
    if asked.has(PRICING) and rows:
        found["pricing"] = added([row["pricing"] for row in rows])
    return found


def _rank(status: str) -> int:
    return RANKS.index(status) if status in RANKS else len(RANKS)


def confirm(asked: Asking, said: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Confirm every booking of a cart; all must be on hold, or confirmed already."""
    states = _standings(asked, said)
    gone = [
        str(row.uuid)
        for row, status in states
        if status not in {ON_HOLD, CONFIRMED, REDEEMED, PENDING}
    ]
    if gone or not states:
        message = "Every booking of the order is to be on hold"
        raise unprocessable(message, code="cart-not-on-hold", bookings=gone)
    if wanted.get("contact"):
        _note(asked, said, wanted)
    return _each(asked, said, lambda uuid: bookings.confirm(asked, uuid, wanted))


def extend(asked: Asking, said: str) -> dict[str, Any]:
    """Give every booking of a cart its time again."""
    return _each(asked, said, lambda uuid: bookings.extend(asked, uuid))


def cancel(asked: Asking, said: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Cancel every booking of a cart."""
    return _each(asked, said, lambda uuid: bookings.cancel(asked, uuid, wanted))


def change(asked: Asking, said: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Keep whose a cart is."""
    _note(asked, said, wanted)
    return show(asked, said)


def _note(asked: Asking, said: str, wanted: Mapping[str, Any]) -> None:
    more = {name: value for name, value in wanted.items() if value is not None}
    with transaction() as session:
        cart = _find(session, asked, said)
        cart.said = cart.said | more


def _standings(asked: Asking, said: str) -> list[tuple[OctoBooking, str]]:
    with transaction() as session:
        cart = _find(session, asked, said)
        rows = queries.of_cart(session, asked.who.partner, cart.id)
        return [(row, standing(session, asked, row).status) for row in rows]


def _each(asked: Asking, said: str, do: Callable[[str], Any]) -> dict[str, Any]:
    for row, _ in _standings(asked, said):
        do(str(row.uuid))
    return show(asked, said)
