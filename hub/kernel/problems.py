"""Problem details (RFC 9457): how every refusal and failure is answered."""

import json
from collections.abc import Mapping
from http import HTTPStatus

import structlog
from flask import Response, g
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hub.kernel.callers import note_refusal
from hub.kernel.errors import (
    HubError,
    InvalidRequestError,
    Retry,
    StoreUnavailableError,
)

PROBLEM_JSON = "application/problem+json"
DISCONNECTED = {"57P01", "57P02", "57P03", "08000", "08003", "08006", "08001"}
log = structlog.get_logger(__name__)


def problem(
    code: str,
    title: str,
    status: int,
    *,
    retry: Retry,
    facts: Mapping[str, object],
    retry_after_s: int | None = None,
) -> Response:
    """Make the RFC 9457 reply of a refusal."""
    body = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "code": code,
        "retry": retry,
        "instance": g.get("request_id", ""),
        **facts,
    }
    response = Response(
        json.dumps(body, default=str), status=status, content_type=PROBLEM_JSON
    )
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def handle_hub_error(error: HubError) -> ResponseReturnValue:
    """Answer a refusal of ours."""
    note_refusal(error)
    return problem(
        error.code,
        error.title,
        error.status,
        retry=error.retry,
        facts=error.facts,
        retry_after_s=error.retry_after_s,
    )


def handle_database_error(
    error: DBAPIError | PoolTimeoutError,
) -> ResponseReturnValue:
    """Say 503 when the database is away or busy; anything else is a defect."""
    if isinstance(error, PoolTimeoutError) or _is_away(error):
        log.warning("store unavailable", error=str(error).splitlines()[0])
        return handle_hub_error(StoreUnavailableError())
    if isinstance(error, DataError):
        reason = "a value cannot be stored"
        return handle_hub_error(InvalidRequestError(reason=reason))
    return handle_unexpected(error)


def _is_away(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    if error.connection_invalidated or state in DISCONNECTED:
        return True
    is_connection = isinstance(error, OperationalError | InterfaceError)
    return is_connection and (
        state is None or state.startswith(("57", "53", "55", "40"))
    )


def handle_unexpected(error: Exception) -> ResponseReturnValue:
    """Log a defect with its trace; tell the caller only the request id."""
    log.error("unexpected error", exc_info=error)
    return problem(
        "internal-error",
        "The hub made a mistake; it is logged under the instance",
        500,
        retry=Retry.SAME_KEY,
        facts={},
    )
