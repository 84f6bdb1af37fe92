"""The one place that knows flask-smorest: our Api, Blueprint, schemas and problems."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

import flask_smorest
import structlog
from flask import Flask, Response, current_app, request
from marshmallow import (
    EXCLUDE,
    INCLUDE,
    RAISE,
    Schema,
    ValidationError,
    fields,
    pre_load,
    validate,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, HTTPException, UnsupportedMediaType

from hub.kernel.errors import (
    ForbiddenError,
    HubError,
    NotFoundError,
    Retry,
    TooManyAtOnceError,
    TooManyRequestsError,
    UnauthenticatedError,
)
from hub.kernel.problems import (
    PROBLEM_JSON,
    handle_database_error,
    handle_hub_error,
    handle_unexpected,
    problem,
)
from hub.kernel.texts import UNSTORABLE
from hub.kernel.writes import KEY_HEADER, KEY_MAX, KEYS, once_if_keyed

PAGE_MAX = 200
APIDOC = "_apidoc"  # where flask-smorest keeps what a route documents
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
FRAMEWORK_CODES = {
    400: "malformed-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
    422: "invalid-request",
    500: "internal-error",
}

UNREADABLE = (400, 413, 415)
F = TypeVar("F", bound=Callable[..., Any])
log = structlog.get_logger(__name__)


class RequestSchema(Schema):
    """What a caller sends: an unknown field is a mistake, and said so."""

    class Meta:
        unknown = RAISE

    @pre_load
    def refuse_unstorable_text(self, data: Any, **_: Any) -> Any:
        for name, value in data.items() if isinstance(data, Mapping) else ():
            if isinstance(value, str) and UNSTORABLE.search(value):
                message = (
                    "Text may hold no control character, nor half a surrogate pair."
                )
                raise ValidationError(message, name)
        return data


class Moment(fields.AwareDateTime):
    """A time with its zone, in a range that every part of the hub can tell."""

    def __init__(self, **more: Any) -> None:
        bounds = validate.Range(EARLIEST, LATEST, error="Between {min} and {max}.")
        super().__init__(validate=bounds, **more)


class ReplySchema(Schema):
    """What the hub answers; it may grow fields."""

    class Meta:
        unknown = EXCLUDE


class ProblemSchema(Schema):
    """An RFC 9457 problem; the facts of the refusal are further members."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    retry = fields.Enum(Retry, by_value=True, required=True)
    instance = fields.String(metadata={"description": "The id of the request"})
    errors = fields.Dict(metadata={"description": "What is wrong, field by field"})


class IdempotencyKeySchema(RequestSchema):
    """The header that makes a write safe to repeat."""

    class Meta:
        unknown = EXCLUDE

    idempotency_key = fields.String(
        required=True,
        data_key=KEY_HEADER,
        validate=validate.Length(1, KEY_MAX),
        metadata={"description": "Chosen by the caller; a repeat gets the same reply"},
    )


class PageSchema(RequestSchema):
    """A keyset page: what comes after a cursor, at most so many."""

    after = fields.String(metadata={"description": "``next`` of the page before"})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, PAGE_MAX))


class Parser(FlaskParser):
    """Reads arguments; refuses unknown query parameters and bodies not JSON."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012
        "json": None,
        "query": RAISE,
        "headers": EXCLUDE,
    }

    def load_json(self, req: Any, schema: Schema) -> Any:
        if not req.is_json:
            raise UnsupportedMediaType
        try:
            return super().load_json(req, schema)
        except (RecursionError, ValueError):
            raise BadRequest from None


class Blueprint(flask_smorest.Blueprint):
    """A blueprint whose routes name the problems they may answer."""

    ARGUMENTS_PARSER = Parser()

    def arguments(self, schema: Any, **more: Any) -> Callable[[F], F]:
        """Read arguments by a schema; made once, or webargs makes one a request."""
        made = schema() if isinstance(schema, type) else schema
        document = super().arguments(made, **more)
        if more.get("location", "json") == "json":
            return self._with_a_body(document)
        if not isinstance(made, IdempotencyKeySchema):
            return document

        def read(function: F) -> F:
            return _keyed(function, document(function))

        return read

    def _with_a_body(self, document: Callable[[F], F]) -> Callable[[F], F]:
        """Document what a body that cannot be read is refused with."""

        def read(function: F) -> F:
            documented = document(function)
            for status in UNREADABLE:
                said = f"{FRAMEWORK_CODES[status]}: {HTTPStatus(status).phrase}"
                documented = self.problem(status, said)(documented)
            return documented

        return read

    def keyed(self, view: F) -> F:
        """Let a write be sent with an Idempotency-Key, and repeated; outermost."""
        return self.takes_a_key(once_if_keyed(view))

    def takes_a_key(self, view: F) -> F:
        """Document that a write may be sent with an Idempotency-Key; outermost."""
        said = {
            "in": "header",
            "name": KEY_HEADER,
            "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX},
            "description": "Chosen by the caller; a repeat gets the same reply",
        }
        documented: F = self.doc(parameters=[said])(view)
        known = getattr(documented, APIDOC)["response"]["responses"]
        for error in KEYS:
            if error.status not in known:
                documented = self.problem(error.status, error.title)(documented)
        return documented

    def problem(self, status: int, said: str) -> Callable[[F], F]:
        """Document one status that a route may refuse with."""
        documented: Callable[[F], F] = self.alt_response(
            status, schema=ProblemSchema, content_type=PROBLEM_JSON, description=said
        )
        return documented

    def conditional(self, view: F) -> F:
        """Let a read be asked for again: with its ETag, 304 if nothing has changed."""
        said = "As it was when it had the ETag of If-None-Match"
        documented = self.alt_response(HTTPStatus.NOT_MODIFIED, description=said)
        return documented(_conditional(view))

    def problems(self, *errors: type[HubError]) -> Callable[[F], F]:
        """Document the refusals of a route; several may share a status."""
        titles: dict[int, list[str]] = {}
        known: tuple[type[HubError], ...] = (
            UnauthenticatedError,
            ForbiddenError,
            NotFoundError,
            TooManyRequestsError,
            TooManyAtOnceError,
            *errors,
        )
        for error in known:
            titles.setdefault(error.status, []).append(f"{error.code}: {error.title}")

        def document(function: F) -> F:
            documented = function
            for status, said in titles.items():
                documented = self.problem(status, ". ".join(said))(documented)
            # What is documented is done by the handlers: no need to call through it.
            setattr(function, APIDOC, getattr(documented, APIDOC))
            return function

        return document


def _conditional(view: F) -> F:
    @wraps(view)
    def call(*args: Any, **kwargs: Any) -> Response:
        response = current_app.make_response(view(*args, **kwargs))
        if response.status_code == HTTPStatus.OK:
            response.add_etag()
            response.headers["Cache-Control"] = "private, no-cache"
            response.make_conditional(request)
        return response

    return call  # type: ignore[return-value]


def _keyed(function: F, parsing: F) -> F:
    """Return a function that is given its Idempotency-Key; a wrong one is parsed.

    A schema for one header costs a request as much as all the rest of its headers.
    """

    @wraps(parsing)
    def call(*args: Any, **kwargs: Any) -> Any:
        key = request.headers.get(KEY_HEADER, "")
        if 0 < len(key) <= KEY_MAX:
            return function(*args, {"idempotency_key": key}, **kwargs)
        return parsing(*args, **kwargs)

    return call  # type: ignore[return-value]


class Api(flask_smorest.Api):
    """The Api with problem details (RFC 9457) as its only error format."""

    ERROR_SCHEMA = ProblemSchema

    def _register_responses(self) -> None:
        json_type: str = flask_smorest.Api.DEFAULT_RESPONSE_CONTENT_TYPE
        self.DEFAULT_RESPONSE_CONTENT_TYPE = PROBLEM_JSON
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = json_type

    def init_app(self, app: Flask, **kwargs: Any) -> None:
        super().init_app(app, **kwargs)
        app.register_error_handler(HubError, handle_hub_error)
        app.register_error_handler(DBAPIError, handle_database_error)
        app.register_error_handler(PoolTimeoutError, handle_database_error)
        app.register_error_handler(Exception, handle_unexpected)

    def handle_http_exception(self, error: HTTPException) -> Response:
        data = getattr(error, "data", None) or {}
        facts = {"errors": data["messages"]} if "messages" in data else {}
        status = error.code or 500
        code = FRAMEWORK_CODES.get(status, "http-error")
        response = problem(code, error.name, status, retry=Retry.NEVER, facts=facts)
        for name, value in error.get_headers():
            if name != "Content-Type":
                response.headers.add(name, value)
        response.headers.extend(data.get("headers") or {})
        return response
