"""How holds and orders are told to their agents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.sales.rules import order_state
from hub.sales.rules.people import Person

HELD = "held"
"""What is kept of a new hold's reply: its id; the rest is told from the hold."""

SUMMED = ("price_minor", "commission_minor", "service_fee_minor", "net_minor")


def named(seat: Mapping[str, Any]) -> dict[str, str]:
    """Return what a seat is called, and its id, for who wants to ask for it."""
    return {name: seat[name] for name in ("id", "row", "number")}


def hold_line(
    no: int,
    offer: Any,
    quantity: int,
    seats: Sequence[Any],
    priced: Mapping[str, Any],
) -> dict[str, Any]:
    """Return how a line of a hold is told: what, which seats, at what price."""
    return {
        "no": no,
        "performance_id": str(offer.performance_id),
        "offer_id": str(offer.offer_id),
        "area": offer.area,
        "price_type": offer.price_type,
        "quantity": quantity,
        "seats": [named(seat) for seat in seats],
        **priced,
    }


def hold_body(
    hold_id: UUID,
    state: str,
    version: int,
    expires_at: datetime,
    lines: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Return how a hold is told: with its sums, in one currency."""
    return {
        "id": str(hold_id),
        "state": state,
        "version": version,
        "expires_at": expires_at.isoformat(),
        "currency": lines[0]["currency"],
        **{name: sum(line[name] for line in lines) for name in SUMMED},
        "lines": list(lines),
    }


def order_line(
    said: Mapping[str, Any], cancelled: int, resale_minor: int | None
) -> dict[str, Any]:
    """Return how a line of an order is told; amounts are those of the sale."""
    state = order_state(said["quantity"], cancelled)
    return {
        **said,
        "state": str(state),
        "cancelled": cancelled,
        "resale_minor": resale_minor,
    }


@dataclass(frozen=True, slots=True)
class OrderHead:
    """What an order says of itself."""

    id: UUID
    hold_id: UUID
    reference: str
    state: str
    version: int
    confirmed_at: datetime | None
    exchanged_from: UUID | None


def order_body(
    order: OrderHead,
    *,
    buyer: Person | None,
    lines: Sequence[dict[str, Any]],
    tickets: Sequence[dict[str, Any]],
    refunds: Sequence[dict[str, Any]] = (),
    not_sold: Sequence[dict[str, Any]] = (),
    reason: str | None = None,
    cancelling: Sequence[str] = (),
) -> dict[str, Any]:
    """Return how an order is told.

    *not_sold*: lines its suppliers did not sell; *reason*: why none was; *cancelling*:
    performances whose supplier has not answered yet whether it takes tickets back.
    """
    return {
        "id": str(order.id),
        "hold_id": str(order.hold_id),
        "reference": order.reference,
        "state": str(order.state),
        "version": order.version,
        "confirmed_at": order.confirmed_at and order.confirmed_at.isoformat(),
        "exchanged_from": order.exchanged_from and str(order.exchanged_from),
        "buyer": buyer and buyer.told(),
        "lines": list(lines),
        "tickets": list(tickets),
        "refunds": list(refunds),
        "not_sold": list(not_sold),
        "reason": reason,
        "cancelling": list(cancelling),
    }


def ticket_body(
    ticket_id: UUID,
    line_no: int,
    code: str,
    seat: Any,
    *,
    placement: str | None = None,
    holder: Person | None = None,
    used_at: datetime | None = None,
    cancelled_at: datetime | None = None,
    cancelled_for: str | None = None,
) -> dict[str, Any]:
    """Return how a ticket is told; what is cancelled has no code any more."""
    state = "used" if used_at else "cancelled" if cancelled_at else "valid"
    return {
        "id": str(ticket_id),
        "line_no": line_no,
        "state": state,
        "code": None if cancelled_at else code,
        "seat": seat,
        "placement": placement,
        "holder": holder and holder.told(),
        "used_at": used_at and used_at.isoformat(),
        "cancelled_at": cancelled_at and cancelled_at.isoformat(),
        "cancelled_for": cancelled_for,
    }
