"""What OCTO calls refusals: one of its error codes, a text, and what it was about."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from hub.kernel.errors import HubError

BAD_REQUEST, UNPROCESSABLE = "BAD_REQUEST", "UNPROCESSABLE_ENTITY"
UNAUTHORIZED, FORBIDDEN = "UNAUTHORIZED", "FORBIDDEN"
INTERNAL = "INTERNAL_SERVER_ERROR"
_KINDS: Mapping[int, tuple[int, str]] = {
    HTTPStatus.UNAUTHORIZED: (401, UNAUTHORIZED),
    HTTPStatus.FORBIDDEN: (403, FORBIDDEN),
    HTTPStatus.TOO_MANY_REQUESTS: (429, UNPROCESSABLE),
}


class OctoError(Exception):
    """A refusal in OCTO's words. *about*: the ids it echoes, and the hub's own code."""

    def __init__(
        self, error: str, message: str, *, status: int = 400, **about: Any
    ) -> None:
        self.error, self.message, self.status = error, message, status
        self.about = about
        super().__init__(message)

    @property
    def body(self) -> dict[str, Any]:
        """What is sent of it."""
        return {"error": self.error, "errorMessage": self.message, **self.about}


def bad_request(message: str) -> OctoError:
    """Return the refusal of a request that is not well formed."""
    return OctoError(BAD_REQUEST, message)


def unprocessable(message: str, **about: Any) -> OctoError:
    """Return the refusal of what cannot be done as things are."""
    return OctoError(UNPROCESSABLE, message, **about)


def invalid(what: str, said: str) -> OctoError:
    """Return the refusal of an id: *what* is ``productId``, ``optionId`` and so on."""
    names = {"uuid": "INVALID_BOOKING_UUID", "orderId": "INVALID_ORDER_ID"}
    name = what.removesuffix("Id").upper()
    code = names.get(what, f"INVALID_{name}_ID")
    about: dict[str, Any] = {what: said}
    return OctoError(code, f"The {what} was missing or invalid", **about)


def said_as_octo(error: HubError) -> OctoError:
    """Return a refusal of the hub as OCTO has it, with the hub's own code beside it.

    OCTO has one code for sold out, expired and past the cut-off; the hub's tells them
    apart, and ``retry`` says whether to come again.
    """
    status, code = _KINDS.get(error.status, (400, UNPROCESSABLE))
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        status, code = error.status, INTERNAL
    facts = error.facts
    reason = facts.get("reason")
    message = f"{error.title}: {reason}" if reason else error.title
    about = {**facts, "code": error.code, "retry": str(error.retry)}
    return OctoError(code, message, status=status, **about)
