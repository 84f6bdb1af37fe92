"""OCTO's cart capability: orders, of bookings that are confirmed together."""

from typing import Any

from flask import Response
from flask.views import MethodView

from hub.dialects.octo.api.blueprint import (
    asking_now,
    blp,
    documented,
    route,
    said_to,
)
from hub.dialects.octo.schemas import asked as ask
from hub.dialects.octo.schemas import told
from hub.dialects.octo.services import carts


@route("/orders")
class Orders(MethodView):
    @blp.arguments(ask.CartSchema)
    @documented(told.CartToldSchema)
    def post(self, said: dict[str, Any]) -> Response:
        """Open a cart; bookings go into it by its id."""
        asked = asking_now()
        return said_to(asked, carts.open_cart(asked, said))


@route("/orders/<order_id>")
class OrderById(MethodView):
    @documented(told.CartToldSchema)
    def get(self, order_id: str) -> Response:
        """Show a cart with its bookings as they stand."""
        asked = asking_now()
        return said_to(asked, carts.show(asked, order_id))

    @blp.arguments(ask.CartSchema)
    @documented(told.CartToldSchema)
    def patch(self, said: dict[str, Any], order_id: str) -> Response:
        """Say whose a cart is."""
        asked = asking_now()
        return said_to(asked, carts.change(asked, order_id, said))


@route("/orders/<order_id>/confirm")
class OrderConfirmation(MethodView):
    @blp.arguments(ask.CartConfirmationSchema)
    @documented(told.CartToldSchema)
    def post(self, said: dict[str, Any], order_id: str) -> Response:
        """Confirm every booking of a cart."""
        asked = asking_now()
        return said_to(asked, carts.confirm(asked, order_id, said))


@route("/orders/<order_id>/extend")
class OrderExtension(MethodView):
    @blp.arguments(ask.ExtensionSchema)
    @documented(told.CartToldSchema)
    def post(self, _minutes: dict[str, Any], order_id: str) -> Response:
        """Give every booking of a cart its time again."""
        asked = asking_now()
        return said_to(asked, carts.extend(asked, order_id))


@route("/orders/<order_id>/cancel")
class OrderCancellation(MethodView):
    @blp.arguments(ask.CancellationSchema)
    @documented(told.CartToldSchema)
    def post(self, said: dict[str, Any], order_id: str) -> Response:
        """Cancel every booking of a cart."""
        asked = asking_now()
        return said_to(asked, carts.cancel(asked, order_id, said))
