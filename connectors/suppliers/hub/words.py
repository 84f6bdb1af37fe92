"""Another hub's words as ours: settings, refusals, holds, orders. Pure.

Source: the document of its API, which is our own (``openapi/hub.v1.json``).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from connectors.errors import NoAnswerError, NotReachedError, SaidNoError
from connectors.ports import Answer, OrderWanted, Sold, Standing, TicketSold
from connectors.suppliers.rest import Reply
from connectors.suppliers.settings import Selling

ACCEPTED, NOT_FOUND = 202, 404
UNDER_WAY = {"sale-under-way", "idempotency-in-progress", "hold-requested"}
TOO_MANY = 429
LATER = {"too-many-at-once", "too-many-requests"}
OVER = {"hold-expired", "hold-released", "hold-voided", "not-found"}
REASONS = {
    **dict.fromkeys(OVER, "lock-expired"),
    **dict.fromkeys(("seats-taken", "allotment-exhausted", "protected"), "seats-taken"),
    **dict.fromkeys(("cap-reached", "overcommitted"), "seats-taken"),
    **dict.fromkeys(("not-on-sale", "not-allotted", "stopped"), "not-on-sale"),
    **dict.fromkeys(("offer-changed", "unknown-seats", "ticket-limit"), "changed"),
    "seats-not-sold": "changed",
    **dict.fromkeys(("credit-exhausted", "no-terms", "look-to-book"), "not-allowed"),
    **dict.fromkeys(("past-cancellation", "ticket-used"), "past-cancellation"),
    "must-also-cancel": "past-cancellation",
    "supplier-price": "price-changed",
}
DONE = {"confirmed", "partly_cancelled"}
Said = Mapping[str, Any]


class HubSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How another hub is read; what it has it tells itself.

    *began_days*: how long ago what is open for a while may have begun, to be read.
    """

    selling: Selling = Selling()
    began_days: Annotated[int, Meta(ge=0, le=3_660)] = 31


class HubCredentials(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Our key there: an agent's."""

    key: Annotated[str, Meta(min_length=1)]


def refused(reply: Reply) -> SaidNoError:
    """Return a refusal in our words, with the seats it names.

    NoAnswerError for what its own supplier has not answered yet; NotReachedError for
    what it did not even look at.
    """
    said = reply.said if isinstance(reply.said, Mapping) else {}
    code = str(said.get("code", reply.status))
    if code in LATER:
        raise NotReachedError(f"{code}: it did nothing")
    if code in UNDER_WAY:
        raise NoAnswerError(f"{code}: it does not know yet")
    seats = [str(one.get("id", "")) for one in said.get("seats") or ()]
    reason = str(said.get("reason", code)) if code == "supplier-refused" else code
    told = REASONS.get(reason, reason if code == "supplier-refused" else "other")
    return SaidNoError(told, f"{code} {said.get('title', '')}", seats=seats)


def lines(wanted: OrderWanted) -> Iterator[dict[str, Any]]:
    """Yield what is to be held: these seats, or so many."""
    for line in wanted.lines:
        found: dict[str, Any] = {"offer_id": line.type_code}
        if line.seats:
            yield found | {"seat_ids": [seat.code for seat in line.seats]}
        else:
            yield found | {"quantity": line.quantity}


def moment(said: str) -> datetime:
    """Return a time that is told, in UTC."""
    return datetime.fromisoformat(said).astimezone(UTC)


def faces(told: Sequence[Said]) -> int:
    """Return the face value of lines: fees are the statement's matter."""
    return sum(int(line["face_minor"]) for line in told)


def seats_of(told: Sequence[Said]) -> tuple[str, ...]:
    """Return the codes of the seats of lines."""
    return tuple(str(seat["id"]) for line in told for seat in line["seats"])


def answer(order: Said) -> Answer:
    """Return how an order stands there."""
    theirs, state = str(order["id"]), order["state"]
    if state in DONE:
        return Answer(Standing.SOLD, sold(order), theirs)
    if state == "cancelled":
        return Answer(Standing.CANCELLED, theirs=theirs)
    if state == "rejected":
        return Answer(Standing.NOTHING, theirs=theirs)
    return Answer(Standing.PENDING, theirs=theirs)


def sold(order: Said) -> Sold:
    """Return what an order has sold that is valid: NoAnswerError if nothing is."""
    tickets = tuple(
        TicketSold(
            ticket["code"],
            None if ticket["seat"] is None else str(ticket["seat"]["id"]),
            ticket.get("placement"),
        )
        for ticket in order["tickets"]
        if ticket["code"] is not None
    )
    if not tickets:
        raise NoAnswerError("it says sold, without a ticket")
    is_shared = len({one.code for one in tickets}) < len(tickets)
    return Sold(str(order["id"]), tickets, is_shared=is_shared)


def standing_of_hold(state: str) -> Standing:
    """Return how an order stands of which there is a hold only."""
    if state == "held":
        return Standing.LOCKED
    if state in {"locking", "confirming", "unknown", "requested", "confirmed"}:
        return Standing.PENDING
    return Standing.NOTHING
