"""What suppliers' answers mean for a hold and its sale. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from connectors.ports import Locked, OrderWanted, Sold, TicketSold

BACKOFF_S = (1, 2, 5, 10, 20, 40, 60, 120, 300)
CASE_AFTER_S = 15 * 60
LOCK_MARGIN_S = 15
LOCK_S = 900  # how long a supplier locks, unless it was agreed otherwise


class PartState(StrEnum):
    """Where a hold's part at one supplier stands.

    ``undoing``: whatever is there is to go; ``ended``: nothing is there.
    """

    LOCKING = "locking"
    LOCKED = "locked"
    SELLING = "selling"
    UNKNOWN = "unknown"
    SOLD = "sold"
    UNDOING = "undoing"
    CANCELLING = "cancelling"
    ENDED = "ended"


class SaleState(StrEnum):
    """Where a confirm stands that needs suppliers' words."""

    SELLING = "selling"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class Told(StrEnum):
    """How an agent is told of a hold or an order that waits for a supplier."""

    LOCKING = "locking"
    CONFIRMING = "confirming"
    UNKNOWN = "unknown"
    REJECTED = "rejected"


DECIDED = {PartState.SOLD, PartState.ENDED}


@dataclass(frozen=True, slots=True)
class Mismatch:
    """In what an answer differs from what was asked: a reason, and what it is now."""

    reason: str
    wanted: int
    got: int


def mismatch(
    wanted: OrderWanted, locked: Locked, *, tolerance_minor: int
) -> Mismatch | None:
    """Say in what a lock differs: other seats, another number, another price."""
    if locked.quantity != wanted.quantity:
        return Mismatch("not-as-wanted", wanted.quantity, locked.quantity)
    asked = set(wanted.seat_codes())
    if asked and locked.seats and set(locked.seats) != asked:
        return Mismatch("not-as-wanted", len(asked), len(asked & set(locked.seats)))
    total = locked.total_minor
    if total is not None and abs(total - wanted.total_minor) > tolerance_minor:
        return Mismatch("price-changed", wanted.total_minor, total)
    return None


def is_as_wanted(wanted: OrderWanted, sold: Sold) -> bool:
    """Say whether what was sold is what was asked: as many, those seats, by codes."""
    codes = [ticket.code for ticket in sold.tickets]
    is_distinct = sold.is_shared or len(set(codes)) == len(codes)
    if len(codes) != wanted.quantity or not all(codes) or not is_distinct:
        return False
    asked = wanted.seat_codes()
    got = [ticket.seat for ticket in sold.tickets if ticket.seat is not None]
    return not asked or not got or sorted(got) == sorted(asked)


def decided(states: Collection[str]) -> str | None:
    """Return what the parts of a sale make of it: None while one is not known.

    One that is sold makes an order, of what is sold; without any it is rejected.
    """
    if not set(states) <= DECIDED:
        return None
    return SaleState.CONFIRMED if PartState.SOLD in states else SaleState.REJECTED


def backoff_s(attempts: int, pace: float = 1.0) -> float:
    """Return how long to wait before a supplier is asked once more."""
    return pace * BACKOFF_S[min(attempts, len(BACKOFF_S) - 1)]


def sold_by_line(wanted: OrderWanted, sold: Sold) -> dict[int, list[TicketSold]]:
    """Return what was sold of each line: by the seats, or as it comes."""
    by_seat = {ticket.seat: ticket for ticket in sold.tickets if ticket.seat}
    rest = [ticket for ticket in sold.tickets if ticket.seat is None]
    found: dict[int, list[TicketSold]] = {}
    for line in wanted.lines:
        if line.seats and by_seat:
            found[line.no] = [by_seat[seat.code] for seat in line.seats]
        else:
            found[line.no], rest = rest[: line.quantity], rest[line.quantity :]
    return found


def seats_taken(codes: Sequence[str], wanted: OrderWanted) -> list[dict[str, str]]:
    """Return the seats of codes by what is printed on them."""
    named = {seat.code: seat for line in wanted.lines for seat in line.seats}
    return [
        {"row": named[code].row, "number": named[code].number}
        for code in codes
        if code in named
    ]
