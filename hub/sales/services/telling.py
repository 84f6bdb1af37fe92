"""How holds are told to their agents."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

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
