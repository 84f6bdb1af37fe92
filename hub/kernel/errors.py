"""The root of every expected failure, and those any part of the hub may meet."""

from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar


class Retry(StrEnum):
    """What a caller may do after a refusal."""

    NEVER = "never"
    SAME_KEY = "same-key"
    LATER = "later"
    REQUOTE = "requote"


class HubError(Exception):
    """Base of every expected failure. Subclass it; never raise it directly.

    *advice* is what its page says to do, where its retry class does not say enough.

    Facts are keywords; they become members of the RFC 9457 problem, so they may not
    be named ``type``, ``title``, ``status``, ``code``, ``retry`` or ``instance``.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    status: ClassVar[int] = 422
    retry: ClassVar[Retry] = Retry.NEVER
    retry_after_s: int | None = None
    advice: ClassVar[str | None] = None

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.title)

    def __str__(self) -> str:
        """Say the title and the facts, for logs and the command line."""
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.title} ({facts})" if facts else self.title


def every_refusal() -> Iterator[type[HubError]]:
    """Yield every kind of expected failure that is imported."""
    waiting = list(HubError.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        yield kind


class NotFoundError(HubError):
    """There is no such thing, or it is not the caller's to see."""

    code, title, status = "not-found", "There is no such thing here", 404
    advice = (
        "Check the id, and that it is of this world and yours. What was withdrawn, or"
        " is not announced yet, is not there either."
    )


class InvalidRequestError(HubError):
    """The request does not say something the hub can act on."""

    code, title, status = "invalid-request", "The request is not valid", 422


class UnauthenticatedError(HubError):
    """No credential, or one that is unknown, expired or revoked."""

    code, title, status = "unauthenticated", "A valid API key is needed", 401
    advice = (
        "Send `Authorization: Bearer` and a key that is neither expired nor revoked."
    )


class ForbiddenError(HubError):
    """The caller is known, and this route is not for its kind or scopes."""

    code, title, status = "forbidden", "This key may not do that", 403
    advice = (
        "Use a key of the kind and scope that the route is for, or ask the operators"
        " for one."
    )


class StoreUnavailableError(HubError):
    """The database does not answer; nothing was done that was not confirmed."""

    code, title, status = "store-unavailable", "The hub cannot reach its store", 503
    retry = Retry.SAME_KEY
    retry_after_s = 2


class OverloadedError(HubError):
    """The hub has more waiting than it can serve in time."""

    code, title, status = "overloaded", "Too many requests are waiting", 503
    retry = Retry.SAME_KEY
    retry_after_s = 1


class IdempotencyKeyReusedError(HubError):
    """The key was used before for another request."""

    code, title, status = (
        "idempotency-key-reused",
        "The key belongs to another request",
        422,
    )
    advice = (
        "Take a new key for a new request. If it was meant as a repeat, send the same"
        " method, path, query and body."
    )


class IdempotencyInProgressError(HubError):
    """The same request is being carried out at this moment."""

    code, title, status = (
        "idempotency-in-progress",
        "The same request is under way",
        409,
    )
    retry = Retry.SAME_KEY
    retry_after_s = 1


class TooManyRequestsError(HubError):
    """The caller asks more of these in a minute than it may; the headers say when."""

    code, title, status = "too-many-requests", "Too many requests in a minute", 429
    retry = Retry.LATER
    retry_after_s = 60


class TooManyAtOnceError(HubError):
    """The caller has too many requests under way; others are to be served, too."""

    code, title, status = "too-many-at-once", "Too many requests at the same time", 429
    retry = Retry.LATER
    retry_after_s = 1
