"""pretix's words as ours: settings, keys, orders, refusals. Pure.

Source: the REST API of pretix 2026.8 as it answers when it runs.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from connectors.errors import NoAnswerError, SaidNoError
from connectors.ports import Answer, LineWanted, OrderWanted, Sold, Standing, TicketSold
from connectors.suppliers.amounts import decimal_of
from connectors.suppliers.rest import Reply
from connectors.suppliers.settings import Place, Selling

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # of those its order codes may have
CODE_BYTES = 10
NOT_FOUND, AT_ONCE, REFUSED = 404, 409, 400
Said = Mapping[str, Any]


class PretixSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An organizer: *channel* is the sales channel we sell through.

    *city* of its venues, for pretix has addresses in one text; *capacity* of a quota
    that is unlimited; *email* and *provider* are what its orders are booked by;
    *calls_per_minute* when it is read, for a pretix that is hosted bears 360.
    """

    organizer: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9.-]+\Z")]
    place: Place
    city: Annotated[str, Meta(min_length=1, max_length=64)]
    email: Annotated[str, Meta(pattern=r"^\S+@\S+\Z")]
    selling: Selling = Selling()
    channel: Annotated[str, Meta(min_length=1)] = "web"
    provider: Annotated[str, Meta(min_length=1)] = "manual"
    capacity: Annotated[int, Meta(ge=0, le=500_000)] = 0
    calls_per_minute: Annotated[int, Meta(ge=0, le=100_000)] = 300
    genre: Literal["film", "stage", "sport", "general"] = "general"


class PretixCredentials(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A team's API token."""

    token: Annotated[str, Meta(min_length=1)]


def order_code(key: str) -> str:
    """Return the code an order of our key has there: 16 letters, 80 bits of it."""
    bits = int.from_bytes(hashlib.sha256(key.encode()).digest()[:CODE_BYTES], "big")
    found = ""
    for _ in range(CODE_BYTES * 8 // 5):
        bits, at = divmod(bits, len(LETTERS))
        found += LETTERS[at]
    return found


def cart_of(key: str) -> str:
    """Return the cart that holds the lock of our key."""
    return f"{key}@api"


def parts(performance: str) -> tuple[str, int | None]:
    """Return the event, and the date of a series, of a performance's reference."""
    event, _, date = performance.partition("/")
    return event, int(date) if date else None


def sellable(code: str) -> tuple[int, int | None]:
    """Return the item and the variation of an offer's code."""
    item, _, variation = code.partition(":")
    return int(item), int(variation) if variation else None


def positions(
    wanted: OrderWanted, *, is_priced: bool = True
) -> Iterator[dict[str, Any]]:
    """Yield a position for each ticket; without prices it says its own."""
    _, date = parts(wanted.performance)
    for line in wanted.lines:
        item, variation = sellable(line.type_code)
        for n in range(line.quantity):
            found = {"item": item, "variation": variation, "subevent": date}
            if line.seats:
                found["seat"] = line.seats[n].code  # type: ignore[assignment]
            if is_priced:
                found["price"] = price_of(line)  # type: ignore[assignment]
            yield {name: one for name, one in found.items() if one is not None}


def price_of(line: LineWanted) -> str:
    """Return the price of a ticket as it is sent."""
    return decimal_of(line.face_minor, line.currency)


def refused(reply: Reply, wanted: OrderWanted | None = None) -> SaidNoError:
    """Return a refusal in our words, with the seats of what was *wanted* it names.

    NoAnswerError for what is to be asked again.
    """
    if reply.status == AT_ONCE:
        raise NoAnswerError("it works on this still")
    said = str(reply.said)
    taken = ("quota" in said and "not enough" in said) or "not available" in said
    if reply.status == NOT_FOUND or "not active" in said or "does not exist" in said:
        return SaidNoError("not-on-sale", f"{reply.status} {said}")
    if taken or "sold out" in said:
        seats = () if wanted is None else _seats_named(wanted, reply.said)
        return SaidNoError("seats-taken", f"{reply.status} {said}", seats=seats)
    return SaidNoError("other", f"{reply.status} {said}")


def _seats_named(wanted: OrderWanted, said: Any) -> tuple[str, ...]:
    told = said.get("positions") if isinstance(said, Mapping) else None
    if not isinstance(told, list) or len(told) != wanted.quantity:
        return ()
    return seats_refused(wanted, [{"errors": one} for one in told])


def seats_refused(wanted: OrderWanted, results: Sequence[Said]) -> tuple[str, ...]:
    """Return the codes of the seats that were refused among results, one a ticket."""
    codes: list[str | None] = []
    for line in wanted.lines:
        codes += [seat.code for seat in line.seats] or [None] * line.quantity
    return tuple(
        code
        for code, one in zip(codes, results, strict=False)
        if code is not None and "seat" in (one.get("errors") or {})
    )


def expires_at(results: Sequence[Said]) -> datetime:
    """Return when the first of the positions of a cart runs out."""
    return min(datetime.fromisoformat(one["data"]["expires"]) for one in results)


def answer(order: Said) -> Answer:
    """Return how an order stands; NoAnswerError for a status that is none."""
    theirs, status = str(order["code"]), order["status"]
    if status == "c":
        return Answer(Standing.CANCELLED, theirs=theirs)
    if status == "p":
        return Answer(Standing.SOLD, sold(order), theirs)
    if status == "n":
        return Answer(Standing.PENDING, theirs=theirs)
    if status == "e":
        return Answer(Standing.NOTHING, theirs=theirs)
    raise NoAnswerError(f"status {status}"[:200])


class Left(Struct, frozen=True):
    """Which positions of those *wanted* are valid, and how many are in all."""

    wanted: list[int]
    valid: int


def left_of(order: Said, codes: Collection[str]) -> Left:
    """Return which tickets of some codes an order has still.

    NoAnswerError for a code that is on none, cancelled or not: it has another by now.
    """
    every = order["positions"]
    lost = set(codes) - {one["secret"] for one in every}
    if lost:
        raise NoAnswerError(f"{len(lost)} of its codes are others by now")
    is_over = order["status"] == "c"
    valid = [one for one in every if not one["canceled"] and not is_over]
    return Left([one["id"] for one in valid if one["secret"] in codes], len(valid))


def sold(order: Said) -> Sold:
    """Return what an order has sold: a secret for each position, and its seat."""
    tickets = tuple(
        TicketSold(one["secret"], one["seat"]["seat_guid"] if one["seat"] else None)
        for one in order["positions"]
    )
    if not tickets:
        raise NoAnswerError("it says sold, without a ticket")
    return Sold(str(order["code"]), tickets)
