"""What Tiqets calls refusals: a number of a family, a name and a sentence.

1xxx: something is missing; 2xxx: something is not right; 3xxx: it cannot be done.
Source: the published document of the supplier API (v2) and its tester.
"""

from collections.abc import Mapping

from hub.kernel.errors import HubError

SOLD_OUT, EXPIRED, NOT_KNOWN = 3000, 3001, 3002
CANCELLED, NOT_POSSIBLE, USED = 3003, 3004, 3005
FUNDS, TOO_MANY = 3006, 3008
NAMES: Mapping[int, str] = {
    1000: "Missing argument",
    1001: "Missing product",
    1004: "Missing booking",
    2000: "Malformed datetime",
    2001: "Incorrect date range",
    2003: "Incorrect variant",
    2004: "Incorrect argument type",
    2009: "Incorrect date",
    SOLD_OUT: "Not available",
    EXPIRED: "Reservation expired",
    NOT_KNOWN: "Incorrect reservation ID",
    CANCELLED: "Already cancelled",
    NOT_POSSIBLE: "Cancellation not possible",
    USED: "Already used",
    FUNDS: "Insufficient funds",
    TOO_MANY: "Too many tickets",
}
_MEANT: Mapping[str, int] = {
    "hold-expired": EXPIRED,
    "hold-released": EXPIRED,
    "hold-voided": EXPIRED,
    "already-cancelled": CANCELLED,
    "past-cancellation": NOT_POSSIBLE,
    "must-also-cancel": NOT_POSSIBLE,
    "ticket-used": USED,
    "credit-exhausted": FUNDS,
    "ticket-limit": TOO_MANY,
    "sales-closed": 2009,
    "invalid-request": 2004,
}


class TiqetsError(Exception):
    """A refusal in Tiqets' words."""

    def __init__(self, number: int, message: str) -> None:
        self.body = {
            "error_code": number,
            "error": NAMES[number],
            "message": message,
        }
        super().__init__(message)


def missing(name: str) -> TiqetsError:
    """Return the refusal of a request that lacks an argument."""
    return TiqetsError(1000, f'Required argument "{name}" was not found')


def no_product(said: str) -> TiqetsError:
    """Return the refusal of an id that is no product's."""
    return TiqetsError(1001, f"Product with ID {said} doesn't exist")


def no_reservation() -> TiqetsError:
    """Return the refusal of an id that is no reservation's."""
    return TiqetsError(NOT_KNOWN, "Given reservation ID is incorrect")


def no_booking(said: str) -> TiqetsError:
    """Return the refusal of an id that is no booking's."""
    return TiqetsError(1004, f"Booking with ID {said} doesn't exist")


def said_as_tiqets(error: HubError) -> TiqetsError:
    """Return a refusal of the hub's as Tiqets has it, with the hub's code in it."""
    number = _MEANT.get(error.code, SOLD_OUT)
    return TiqetsError(number, f"{error.title} ({error.code})")
