"""OCTO at /octo: its routes, and its document."""

from typing import Any

from flask import Flask

from hub.dialects.octo.api import bookings, carts, catalogue, hooks  # noqa: F401 - routes
from hub.dialects.octo.api.blueprint import blp
from hub.kernel.foreign import foreign_api

PREFIX = "OCTO"


def install(app: Flask) -> dict[str, Any]:
    """Speak OCTO in an application; return the document of it."""
    api = foreign_api(app, PREFIX, "Ticket hub, in OCTO's words", "1")
    api.register_blueprint(blp)
    found: dict[str, Any] = api.spec.to_dict()
    return found
