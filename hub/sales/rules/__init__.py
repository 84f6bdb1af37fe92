"""Pure rules of the sale: states, ticket codes."""

import secrets
from collections.abc import Iterable
from enum import StrEnum
from typing import Any
from uuid import UUID

from hub.sales.errors import (
    AlreadyConfirmedError,
    HoldChangedError,
    HoldExpiredError,
    HoldReleasedError,
    HoldRequestedError,
    HoldVoidedError,
)
from settlement.rules.quotes import FINAL, PROVISIONAL, Amount, Quote

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 16


class HoldState(StrEnum):
    """Where a hold stands; every state but requested and held is final."""

    REQUESTED = "requested"
    HELD = "held"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    LAPSED = "lapsed"
    REJECTED = "rejected"
    VOIDED = "voided"


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
    if state in {HoldState.VOIDED, HoldState.REJECTED}:
        raise HoldVoidedError(hold_id=hold_id, state=state)
    if state == HoldState.REQUESTED and not is_past:
        raise HoldRequestedError(hold_id=hold_id)
    if state == HoldState.LAPSED or is_past:
        raise HoldExpiredError(hold_id=hold_id)


def refuse_if_changed(version: int, known: int | None) -> None:
    """Raise HoldChangedError if a hold's agent knows another version of it."""
    if known is not None and known != version:
        raise HoldChangedError(version=version, known=known)


def order_state(quantity: int, cancelled: int) -> OrderState:
    """Return the state of an order with so many of its tickets cancelled."""
    if cancelled == 0:
        return OrderState.CONFIRMED
    is_all = cancelled == quantity
    return OrderState.CANCELLED if is_all else OrderState.PARTLY_CANCELLED


def new_code() -> str:
    """Return a ticket code: 80 random bits in Crockford's base 32."""
    bits = secrets.randbits(5 * CODE_LENGTH)
    return "".join(
        CODE_ALPHABET[bits >> 5 * place & 31] for place in range(CODE_LENGTH)
    )


def sums(items: Iterable[tuple[UUID, int]]) -> dict[UUID, int]:
    """Add up numbers by id."""
    total: dict[UUID, int] = {}
    for key, number in items:
        total[key] = total.get(key, 0) + number
    return total


def priced(quote: Quote) -> dict[str, Any]:
    """Return what an agent is told of a quote: price, commission, net, and why.

    The supplier's terms are the supplier's: of those it sees the price they make.
    """
    face, discount = quote.sum_of("face"), quote.sum_of("discount")
    booking = quote.sum_of("booking-fee")
    commission = quote.sum_of("commission", "agent")
    fee = quote.sum_of("service-fee", "agent")
    price, agent = face - discount + booking, quote.agent
    assert agent is not None  # noqa: S101 - a sale has both sides
    own = [amount for amount in quote.amounts if amount.side == "agent"]
    is_final = all(amount.state == FINAL for amount in own)
    return {
        "currency": quote.currency,
        "face_minor": face,
        "discount_minor": discount,
        "booking_fee_minor": booking,
        "price_minor": price,
        "commission_minor": commission,
        "service_fee_minor": fee,
        "net_minor": price + fee - commission,
        "terms": {
            "terms_id": agent.terms_id,
            "version": agent.version,
            "state": FINAL if is_final else PROVISIONAL,
            "amounts": [_told(amount) for amount in own],
        },
    }


def _told(amount: Amount) -> dict[str, Any]:
    return {
        "what": amount.what,
        "minor": amount.minor,
        "tax_minor": amount.tax_minor,
        "tax": amount.tax,
        "to": amount.to,
        "rule": amount.rule,
        "inputs": amount.inputs,
        "state": amount.state,
    }
