"""OCTO's words as ours: settings, bookings, refusals. Pure.

Source: the OCTO specification (octo-types, openapi.yaml); statuses and time stamps as
its validator wants them.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from connectors.errors import NoAnswerError, SaidNoError
from connectors.ports import Answer, OrderWanted, Sold, Standing, TicketSold
from connectors.suppliers.rest import Reply
from connectors.suppliers.settings import Place, Selling

AREA = "GA"
APART = "|"  # product, option and availability in one reference
NO_BOOKING = "INVALID_BOOKING_UUID"
NOT_FOUND = 404
REASONS = {
    "INVALID_PRODUCT_ID": "changed",
    "INVALID_OPTION_ID": "changed",
    "INVALID_UNIT_ID": "changed",
    "INVALID_AVAILABILITY_ID": "not-on-sale",
    "UNPROCESSABLE_ENTITY": "seats-taken",  # sold out, and it says no more
}
STANDINGS = {
    "ON_HOLD": Standing.LOCKED,
    "PENDING": Standing.PENDING,
    "CONFIRMED": Standing.SOLD,
    "REDEEMED": Standing.SOLD,
    "EXPIRED": Standing.NOTHING,
    "REJECTED": Standing.NOTHING,
}


class OctoSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a supplier is read: *days* ahead; *capacity* of what is not counted."""

    place: Place
    selling: Selling = Selling()
    genre: Literal["film", "stage", "sport", "general"] = "general"
    days: Annotated[int, Meta(ge=1, le=366)] = 60
    capacity: Annotated[int, Meta(ge=0, le=500_000)] = 0


class OctoCredentials(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The key the supplier has given out."""

    bearer: Annotated[str, Meta(min_length=1)]


def parts(performance: str) -> tuple[str, str, str]:
    """Return the product, option and availability of a performance's reference."""
    product, option, availability = performance.split(APART, 2)
    return product, option, availability


def key_of(wanted: OrderWanted) -> str:
    """Return our key as OCTO has keys: a UUID, which makes a booking once."""
    return str(UUID(hex=wanted.key))


def units(wanted: OrderWanted) -> Iterator[dict[str, str]]:
    """Yield a unit item for each ticket."""
    for line in wanted.lines:
        for _ in range(line.quantity):
            yield {"unitId": line.type_code}


def refused(reply: Reply) -> SaidNoError:
    """Return a refusal in our words."""
    said = reply.said if isinstance(reply.said, Mapping) else {}
    code = str(said.get("error", reply.status))
    told = f"{code}: {said.get('errorMessage', '')}"
    return SaidNoError(REASONS.get(code, "other"), told)


def is_unknown(reply: Reply) -> bool:
    """Say whether it knows no such booking."""
    said = reply.said if isinstance(reply.said, Mapping) else {}
    return reply.status == NOT_FOUND or said.get("error") == NO_BOOKING


def moment(said: str | None) -> datetime | None:
    """Return a time that is told, as UTC; ValueError if it has no zone."""
    if said is None:
        return None
    found = datetime.fromisoformat(said)
    if found.tzinfo is None:
        message = f"{said} has no zone"
        raise ValueError(message)
    return found.astimezone(UTC)


def total(booking: Mapping[str, Any]) -> int | None:
    """Return what a booking comes to at retail prices; None if it does not say."""
    pricing = booking.get("pricing")
    return int(pricing["retail"]) if pricing else None


def answer(booking: Mapping[str, Any]) -> Answer:
    """Return how a booking stands; NoAnswerError for a status that is none."""
    status = booking["status"]
    theirs = str(booking["id"])
    if status == "CANCELLED":
        was_sold = booking.get("utcConfirmedAt") is not None
        standing = Standing.CANCELLED if was_sold else Standing.NOTHING
        return Answer(standing, theirs=theirs)
    if status not in STANDINGS:
        raise NoAnswerError(f"status {status}"[:200])
    standing = STANDINGS[status]
    if standing is Standing.SOLD:
        return Answer(standing, sold(booking), theirs)
    return Answer(standing, theirs=theirs)


def sold(booking: Mapping[str, Any]) -> Sold:
    """Return what a confirmed booking has sold: a code a unit, or one for all.

    NoAnswerError when it has no code: it is sold, and nobody could be let in.
    """
    theirs = str(booking["id"])
    codes = [_code(item.get("ticket")) for item in booking["unitItems"]]
    if codes and all(codes):
        tickets = tuple(TicketSold(code) for code in codes if code)
        return Sold(theirs, tickets)
    shared = _code(booking.get("voucher"))
    if shared is None:
        raise NoAnswerError("it says sold, without a code")
    return Sold(theirs, (TicketSold(shared),) * len(codes), is_shared=True)


def _code(said: Any) -> str | None:
    """Return the code of a ticket or voucher; a page to look at is none."""
    for option in (said or {}).get("deliveryOptions", ()):
        if option.get("deliveryFormat") in {"QRCODE", "CODE128", "AZTECCODE"}:
            return str(option["deliveryValue"])
    return None
