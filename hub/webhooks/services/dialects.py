"""Endpoints that are told in another API's words: what a dialect brings for them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sqlalchemy.orm import Session

from hub.webhooks.models import WebhookEndpoint
from hub.webhooks.rules import Message


class Dialect(Protocol):
    """Which changes an endpoint of a dialect is told, and in which words."""

    def choose(
        self, session: Session, endpoint: WebhookEndpoint, messages: Sequence[Message]
    ) -> list[Message]:
        """Return those of some new changes that mean something to the endpoint."""

    def say(
        self, session: Session, endpoint: WebhookEndpoint, messages: Sequence[Message]
    ) -> list[Message]:
        """Return messages with their bodies, as things stand now."""

    def headers(self, endpoint: WebhookEndpoint) -> Mapping[str, str]:
        """Return what its agent wants sent with each message."""

    def note_told(
        self, session: Session, endpoint: WebhookEndpoint, messages: Sequence[Message]
    ) -> None:
        """Keep what has arrived."""


class Own:
    """The hub's own words: all changes of the endpoint's topics, thin."""

    def choose(
        self, _: Session, __: WebhookEndpoint, messages: Sequence[Message]
    ) -> list[Message]:
        return list(messages)

    def say(
        self, _: Session, __: WebhookEndpoint, messages: Sequence[Message]
    ) -> list[Message]:
        return list(messages)

    def headers(self, _: WebhookEndpoint) -> Mapping[str, str]:
        return {}

    def note_told(
        self, _: Session, __: WebhookEndpoint, messages: Sequence[Message]
    ) -> None:
        pass


DIALECTS: dict[str | None, Dialect] = {None: Own()}
"""Those this process has spoken, by what an endpoint says."""
SPEAKERS: dict[str, Callable[[], Dialect]] = {}
"""How those are had that it can speak."""


def dialect_of(endpoint: WebhookEndpoint) -> Dialect:
    """Return how an endpoint is told; KeyError if this process cannot."""
    name = endpoint.dialect
    if name is not None and name not in DIALECTS:
        DIALECTS[name] = SPEAKERS[name]()
    return DIALECTS[name]
