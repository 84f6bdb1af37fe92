"""Writes over HTTP: carried out once for each Idempotency-Key, then replayed."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from flask import Response, current_app, request
from sqlalchemy.orm import Session

from hub.kernel import idempotency
from hub.kernel.callers import caller
from hub.kernel.db import joined, transaction
from hub.kernel.errors import (
    IdempotencyInProgressError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
)
from hub.kernel.idempotency import Claim, Key, Reply

KEY_HEADER, KEY_MAX = "Idempotency-Key", 255
KEYS = (IdempotencyKeyReusedError, IdempotencyInProgressError)
EMPTY = b"null"

F = TypeVar("F", bound=Callable[..., Any])


def replied(reply: Reply) -> Response:
    """Render an answer that was, or could be, stored under an idempotency key."""
    response = Response(
        reply.sent, status=reply.status, content_type="application/json"
    )
    if reply.is_replay:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def claim_of(key: str) -> Claim:
    """Return the claim of this request: its caller's key and a hash of its body."""
    owner = Key(caller().world, caller().owner_id, key)
    body = request.get_data(cache=True)
    query = request.query_string.decode()
    asked = f"{request.path}?{query}" if query else request.path
    return Claim(owner, idempotency.digest(request.method, asked, body))


def once(key: str, status: int, work: Callable[[Session], dict[str, Any]]) -> Response:
    """Carry a write out in one transaction, or replay what it was answered before."""
    with transaction() as session:
        body: dict[str, Any] = {}

        def do() -> tuple[int, bytes]:
            body.update(work(session))
            return status, msgspec.json.encode(body)

        earlier = idempotency.once(session, claim_of(key), do)
    return replied(earlier or Reply(status, body))


def step(status: int, work: Callable[[Session], dict[str, Any]]) -> Response:
    """Carry out a write's one step: once, if it was sent with a key.

    For writes that go on after it, in transactions of their own.
    """
    key = request.headers.get(KEY_HEADER)
    if key is not None:
        return once(_checked(key), status, work)
    with transaction() as session:
        return replied(Reply(status, work(session)))


def earlier() -> Response | None:
    """Return what a write sent with a key was answered before, if it was."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return None
    with transaction() as session:
        found = idempotency.find(session, claim_of(_checked(key)))
    return None if found is None else _replayed(found)


def _checked(key: str) -> str:
    if not 0 < len(key) <= KEY_MAX:
        reason = f"between 1 and {KEY_MAX} characters"
        raise InvalidRequestError(field=KEY_HEADER, reason=reason)
    return key


def once_if_keyed(view: F) -> F:
    """Let a view be asked with an Idempotency-Key: then all it does is one transaction.

    The key is claimed in that transaction, which whatever the view opens joins.
    """

    @wraps(view)
    def call(*args: Any, **kwargs: Any) -> Any:
        key = request.headers.get(KEY_HEADER)
        if key is None:
            return view(*args, **kwargs)
        key = _checked(key)
        answered: list[Response] = []
        with transaction() as session, joined(session):

            def do() -> tuple[int, bytes]:
                response = current_app.make_response(view(*args, **kwargs))
                answered.append(response)
                return response.status_code, response.get_data() or EMPTY

            earlier = idempotency.once(session, claim_of(key), do)
        return answered[0] if earlier is None else _replayed(earlier)

    return call  # type: ignore[return-value]


def _replayed(earlier: Reply) -> Response:
    response = replied(earlier)
    if earlier.status == HTTPStatus.NO_CONTENT:
        response.set_data(b"")
    return response
