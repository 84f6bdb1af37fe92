"""What every route of OCTO shares: who asks, how it is answered and refused."""

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Response, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from hub.dialects.octo.errors import (
    BAD_REQUEST,
    INTERNAL,
    OctoError,
    bad_request,
    said_as_octo,
)
from hub.dialects.octo.schemas import catalogue
from hub.dialects.octo.services.asking import Asking, asking
from hub.kernel.callers import caller, note_refusal
from hub.kernel.errors import HubError
from hub.kernel.foreign import ForeignBlueprint, languages
from hub.kernel.problems import handle_database_error, handle_unexpected

DAYS_MAX = 366
REFUSED = {
    400: "Refused, in OCTO's words",
    401: "UNAUTHORIZED: the key is not known",
    403: "FORBIDDEN: the key is not a reseller's, or may not do that",
    429: "Too many requests: Retry-After says when to come again",
    503: "Not now: Retry-After says when to come again",
}
blp = ForeignBlueprint(
    "octo", __name__, url_prefix="/octo", description="OCTO for resellers"
)
Span = tuple[date, date]


def asking_now() -> Asking:
    """Return who asks, in which languages, with which capabilities."""
    return asking(caller(), languages(), dict(request.headers))


def said_to(asked: Asking, body: Any, status: int = 200) -> Response:
    """Answer, and say which capabilities were heeded."""
    response = Response(
        msgspec.json.encode(body), status=status, content_type="application/json"
    )
    response.headers["Octo-Capabilities"] = ", ".join(asked.capabilities)
    return response


def _refused(error: OctoError) -> ResponseReturnValue:
    body = msgspec.json.encode(error.body, enc_hook=str)
    return Response(body, status=error.status, content_type="application/json")


@blp.errorhandler(OctoError)
def refuse_in_octo(error: OctoError) -> ResponseReturnValue:
    """Answer a refusal of this dialect."""
    return _refused(error)


@blp.errorhandler(HubError)
def refuse_of_hub(error: HubError) -> ResponseReturnValue:
    """Answer a refusal of the hub's, in OCTO's words."""
    note_refusal(error)
    response = current_app.make_response(_refused(said_as_octo(error)))
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


@blp.errorhandler(HTTPException)
def refuse_of_http(error: HTTPException) -> ResponseReturnValue:
    """Answer what could not be read, naming the fields that are wrong."""
    data = getattr(error, "data", None) or {}
    wrong = data.get("messages", {}).get("json") or data.get("messages")
    message = error.name if wrong is None else msgspec.json.encode(wrong).decode()
    status = error.code or 500
    return _refused(
        OctoError(BAD_REQUEST, message, status=400 if status in {415, 422} else status)
    )


@blp.errorhandler(DBAPIError)
@blp.errorhandler(PoolTimeoutError)
def refuse_of_store(error: DBAPIError | PoolTimeoutError) -> ResponseReturnValue:
    """Answer when the database is away or busy, or will not have a value."""
    status = current_app.make_response(handle_database_error(error)).status_code
    if status == 422:  # noqa: PLR2004 - a value that cannot be stored
        return _refused(bad_request("A value cannot be stored"))
    return _refused(OctoError(INTERNAL, "Come again in a moment", status=status))


@blp.errorhandler(Exception)
def refuse_unexpected(error: Exception) -> ResponseReturnValue:
    """Log a defect, and say that it is one."""
    handle_unexpected(error)
    return _refused(OctoError(INTERNAL, "The hub made a mistake", status=500))


def route(rule: str) -> Any:
    """Add a route, with a slash at its end or none."""
    return blp.route(rule, strict_slashes=False)


def documented(schema: Any) -> Any:
    """Document what a route answers, and how it refuses."""

    def document(view: Any) -> Any:
        for status, said in REFUSED.items():
            refusal = blp.alt_response(
                status, schema=catalogue.OctoErrorSchema, description=said
            )
            view = refusal(view)
        return blp.response(200, schema)(view)

    return document


def span_of(said: Mapping[str, Any]) -> Span | None:
    """Return the days that are asked for; refuses more than a year of them."""
    one = said.get("localDate")
    first, last = said.get("localDateStart") or one, said.get("localDateEnd") or one
    if (first is None) != (last is None):
        raise bad_request("localDateStart and localDateEnd are said together")
    if first is None or last is None:
        return None
    if not 0 <= (last - first).days <= DAYS_MAX:
        raise bad_request(f"localDateEnd is at most {DAYS_MAX} days after the start")
    return first, last
