"""What can be rehearsed: each is the name of an area, and of a row of the stalls."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from connectors.ports import OrderWanted

FINE, SLOW, TAKEN, DEARER = "fine", "slow", "taken", "dearer"
SILENT, LOCK_LOST = "silent", "lock-lost"
SOLD_LOST, NOT_SOLD, PENDING = "sold-lost", "not-sold", "pending"
REFUSED, HALF = "refused", "half"
NO_REFUND, REFUND_LOST = "no-refund", "refund-lost"
BEHAVIOURS: Mapping[str, str] = {
    FINE: "All goes well",
    SLOW: "Every answer takes two seconds",
    TAKEN: "Somebody else has just taken the seats: the hold is refused",
    DEARER: "It costs more than it was offered for: the hold is refused",
    SILENT: "No answer about the seats comes, and none are locked",
    LOCK_LOST: "The seats are locked, the answer is lost: refused, and let go",
    SOLD_LOST: "It is sold, but the answer is lost: unknown, then confirmed",
    NOT_SOLD: "Nothing is sold, and the answer is lost: unknown, then rejected",
    PENDING: "It is not decided until it was asked three times: then confirmed",
    REFUSED: "The sale is refused",
    HALF: "One ticket fewer is sold than was wanted: it is all taken back",
    NO_REFUND: "It is sold, and the cancellation is refused",
    REFUND_LOST: "It is cancelled, but the answer is lost: it is asked again",
}
STALLS = "stalls"


class RehearsalSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When the season begins, where it is, and what it costs.

    *days*: after the first, on which there is a performance.
    """

    first: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d\Z")]
    zone: Annotated[str, Meta(min_length=1, max_length=64)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    days: tuple[int, ...] = (3, 10, 20, 40, 70, 100, 130, 160, 190, 220, 250, 300)


class RehearsalCredentials(Struct, frozen=True, forbid_unknown_fields=True):
    """Nobody is asked for any."""


def behaviour(wanted: OrderWanted) -> str:
    """Return what is rehearsed: by the row of the first seat, or by the area."""
    first = wanted.lines[0]
    return first.seats[0].row if first.seats else first.area
