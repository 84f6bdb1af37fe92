"""Tiqets' words for the hub's facts: variants, slots, amounts. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from hub.dialects.tiqets.errors import TiqetsError

APART = ":"
DAY, SLOT = "YYYY-MM-DD", "YYYY-MM-DDTHH:MM"
SLOT_LENGTH = len(SLOT)


def variant_id(area: str, price_type: str) -> str:
    """Return the id of a price type in an area."""
    return f"{area}{APART}{price_type}"


def amount(minor: int, digits: int) -> str:
    """Return an amount in minor units as decimals: 4650 of two digits is 46.50."""
    if not digits:
        return str(minor)
    whole, rest = divmod(minor, 10**digits)
    return f"{whole}.{rest:0{digits}d}"


def price(told: Mapping[str, Any], digits: int) -> dict[str, str]:
    """Return what the public pays for a ticket."""
    return {
        "amount": amount(told["price_minor"], digits),
        "currency": told["currency"],
    }


def day_of(said: str) -> date:
    """Read a day."""
    try:
        found = date.fromisoformat(said)
    except ValueError:
        raise _malformed(said, DAY) from None
    if found.isoformat() != said:
        raise _malformed(said, DAY)
    return found


def slot_of(said: str) -> datetime:
    """Read a slot on the clocks of the venue: what is open all day has midnight."""
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        raise _malformed(said, SLOT) from None
    if found.tzinfo is not None or slot(found) != said:
        raise _malformed(said, SLOT)
    return found


def slot(at: datetime) -> str:
    """Write a slot."""
    return at.replace(tzinfo=None).isoformat(timespec="minutes")


def _malformed(said: str, form: str) -> TiqetsError:
    message = f"Incorrect date format {said}, please use the {form} format"
    return TiqetsError(2000, message)
