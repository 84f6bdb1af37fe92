"""The blueprint of the sale, and what its writes have in common."""

from collections.abc import Callable
from typing import Any

import msgspec
from flask import Response, request
from sqlalchemy.orm import Session

from hub.kernel import idempotency
from hub.kernel.callers import caller
from hub.kernel.db import transaction
from hub.kernel.errors import IdempotencyInProgressError, IdempotencyKeyReusedError
from hub.kernel.http import Blueprint, replied, request_body
from hub.kernel.idempotency import Claim, Key, Reply

blp = Blueprint("agent", __name__, url_prefix="/v1", description="Agents: the sale")
KEYS = (IdempotencyKeyReusedError, IdempotencyInProgressError)


def claim_of(key: str) -> Claim:
    """Return the claim of this request: its caller's key and a hash of its body."""
    owner = Key(caller().world, caller().owner_id, key)
    return Claim(
        owner, idempotency.digest(request.method, request.path, request_body())
    )


def once(key: str, status: int, work: Callable[[Session], dict[str, Any]]) -> Response:
    """Carry a write out in one transaction, or replay what it was answered before."""
    with transaction() as session:
        body: dict[str, Any] = {}

        def do() -> tuple[int, bytes]:
            body.update(work(session))
            return status, msgspec.json.encode(body)

        earlier = idempotency.once(session, claim_of(key), do)
    return replied(earlier or Reply(status, body))
