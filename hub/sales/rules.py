"""Pure rules of the sale: states, ticket codes."""

import secrets
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID

from hub.sales.errors import (
    AlreadyConfirmedError,
    HoldExpiredError,
    HoldReleasedError,
)

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 16


class HoldState(StrEnum):
    """Where a hold stands; every state but held is final."""

    HELD = "held"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    LAPSED = "lapsed"


class OrderState(StrEnum):
    """Where an order stands."""

    CONFIRMED = "confirmed"
    PARTLY_CANCELLED = "partly_cancelled"
    CANCELLED = "cancelled"


def refuse_unless_held(state: str, *, is_past: bool, hold_id: UUID) -> None:
    """Raise what has become of a hold, unless it still stands."""
    if state == HoldState.CONFIRMED:
        raise AlreadyConfirmedError(hold_id=hold_id)
    if state == HoldState.RELEASED:
        raise HoldReleasedError(hold_id=hold_id)
    if state == HoldState.LAPSED or is_past:
        raise HoldExpiredError(hold_id=hold_id)


def order_state(quantity: int, cancelled: int) -> OrderState:
    """Return the state of an order with so many of its tickets cancelled."""
    if cancelled == 0:
        return OrderState.CONFIRMED
    is_all = cancelled == quantity
    return OrderState.CANCELLED if is_all else OrderState.PARTLY_CANCELLED


def new_code() -> str:
    """Return a ticket code: 80 random bits in Crockford's base 32."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def sums(items: Iterable[tuple[UUID, int]]) -> dict[UUID, int]:
    """Add up numbers by id."""
    total: dict[UUID, int] = {}
    for key, number in items:
        total[key] = total.get(key, 0) + number
    return total


def priced(quote: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an agent is told of a stored quote: price, commission, net."""
    agent = quote["agent"]
    price = quote["face_minor"] + quote["booking_fee_minor"]
    return {
        "currency": quote["currency"],
        "face_minor": quote["face_minor"],
        "booking_fee_minor": quote["booking_fee_minor"],
        "price_minor": price,
        "commission_minor": agent["commission_minor"],
        "service_fee_minor": agent["service_fee_minor"],
        "net_minor": price + agent["service_fee_minor"] - agent["commission_minor"],
        "terms": {
            "terms_id": agent["terms_id"],
            "version": agent["version"],
            "rule": agent["rule"],
            "commission_bp": agent["commission_bp"],
            "ticket_fee_minor": agent["ticket_fee_minor"],
            "state": agent["state"],
        },
    }
