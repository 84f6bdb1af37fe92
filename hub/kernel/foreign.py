"""APIs in other people's words beside the hub's own, with documents of their own."""

from collections.abc import Callable
from typing import Any, TypeVar

import flask_smorest
from flask import Flask, request
from marshmallow import EXCLUDE
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest

F = TypeVar("F", bound=Callable[..., Any])


class Parser(FlaskParser):
    """Reads a body as JSON whatever it says it is; an empty one is an empty object."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012
        "json": None,
        "query": EXCLUDE,
        "headers": EXCLUDE,
    }

    def load_json(self, req: Any, _schema: Any) -> Any:
        if not req.get_data(cache=True):
            return {}
        try:
            return req.get_json(force=True)
        except (RecursionError, ValueError):
            raise BadRequest from None


class ForeignBlueprint(flask_smorest.Blueprint):
    """A blueprint of a dialect; its refusals are said in the dialect's words."""

    ARGUMENTS_PARSER = Parser()

    def arguments(self, schema: Any, **more: Any) -> Callable[[F], F]:
        """Read arguments by a schema; made once, or webargs makes one a request."""
        made = schema() if isinstance(schema, type) else schema
        documented: Callable[[F], F] = super().arguments(made, **more)
        return documented


class ForeignApi(flask_smorest.Api):
    """A document of its own; it handles no errors, its blueprints do."""

    def _register_error_handlers(self) -> None:
        pass


def foreign_api(app: Flask, prefix: str, title: str, version: str) -> ForeignApi:
    """Make the document of a dialect."""
    app.config[f"{prefix}_API_TITLE"] = title
    app.config[f"{prefix}_API_VERSION"] = version
    app.config[f"{prefix}_OPENAPI_VERSION"] = "3.1.0"
    api = ForeignApi(app, config_prefix=prefix)
    api.DEFAULT_ERROR_RESPONSE_NAME = None
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    api.spec.options["security"] = [{"key": []}]
    return api


def languages() -> list[str]:
    """Return the languages a request wants to read, the best first."""
    return [language for language, _ in request.accept_languages if language != "*"]
