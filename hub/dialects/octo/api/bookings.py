"""OCTO's bookings: held, found, changed, confirmed, extended, cancelled."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask.views import MethodView

from hub.dialects.octo import queries
from hub.dialects.octo.api.blueprint import (
    asking_now,
    blp,
    documented,
    route,
    said_to,
    span_of,
)
from hub.dialects.octo.errors import bad_request
from hub.dialects.octo.schemas import asked as ask
from hub.dialects.octo.schemas import told
from hub.dialects.octo.services import bookings, carts, changing, standings
from hub.kernel import clock
from hub.kernel.db import transaction

BOOKINGS_MAX = 200


@route("/bookings")
class Bookings(MethodView):
    @blp.arguments(ask.BookingQuerySchema, location="query")
    @documented(told.BookingSchema(many=True))
    def get(self, said: dict[str, Any]) -> Response:
        """Find bookings by either reference, or by the day they are for."""
        asked, wanted = asking_now(), _wanted(said)
        with transaction() as session:
            rows = queries.bookings(
                session, asked.who.partner, wanted, most=BOOKINGS_MAX
            )
            rows = [row for row in rows if row.world == asked.who.world]
            found = [(row, standings.standing(session, asked, row)) for row in rows]
            now = clock.now(session, asked.who.world)
        return said_to(
            asked, [standings.told(asked, row, how, now) for row, how in found]
        )

    @blp.arguments(ask.ReservationSchema)
    @documented(told.BookingSchema)
    def post(self, said: dict[str, Any]) -> Response:
        """Hold tickets; the uuid sent again is answered with the same booking."""
        asked = asking_now()
        cart_id = carts.cart_id_of(asked, said.get("orderId"))
        return said_to(asked, bookings.reserve(asked, said, cart_id))


def _wanted(said: Mapping[str, Any]) -> queries.BookingFilter:
    span = span_of(said)
    supplier = said.get("supplierReference")
    if span is None and supplier is None and not said.get("resellerReference"):
        raise bad_request("Say resellerReference, supplierReference or a localDate")
    return queries.BookingFilter(
        reseller_reference=said.get("resellerReference"),
        hold_id=supplier,
        first=span and span[0],
        last=span and span[1],
        product_id=said.get("productId"),
        option_id=said.get("optionId"),
    )


@route("/bookings/<uuid>")
class BookingById(MethodView):
    @documented(told.BookingSchema)
    def get(self, uuid: str) -> Response:
        """Show a booking as it stands."""
        asked = asking_now()
        return said_to(asked, standings.show(asked, uuid))

    @blp.arguments(ask.UpdateSchema)
    @documented(told.BookingSchema)
    def patch(self, said: dict[str, Any], uuid: str) -> Response:
        """Change a booking: its units, its day, its words."""
        asked = asking_now()
        return said_to(asked, changing.change(asked, uuid, said))

    @blp.arguments(ask.CancellationSchema)
    @documented(told.BookingSchema)
    def delete(self, said: dict[str, Any], uuid: str) -> Response:
        """Cancel a booking, as resellers of the first version do."""
        asked = asking_now()
        return said_to(asked, bookings.cancel(asked, uuid, said))


@route("/bookings/<uuid>/confirm")
class BookingConfirmation(MethodView):
    @blp.arguments(ask.ConfirmationSchema)
    @documented(told.BookingSchema)
    def post(self, said: dict[str, Any], uuid: str) -> Response:
        """Make an order of a booking: its tickets are in the answer."""
        asked = asking_now()
        return said_to(asked, bookings.confirm(asked, uuid, said))


@route("/bookings/<uuid>/extend")
class BookingExtension(MethodView):
    @blp.arguments(ask.ExtensionSchema)
    @documented(told.BookingSchema)
    def post(self, _minutes: dict[str, Any], uuid: str) -> Response:
        """Give a booking on hold its time again, as the supplier's plan allows."""
        asked = asking_now()
        return said_to(asked, bookings.extend(asked, uuid))


@route("/bookings/<uuid>/cancel")
class BookingCancellation(MethodView):
    @blp.arguments(ask.CancellationSchema)
    @documented(told.BookingSchema)
    def post(self, said: dict[str, Any], uuid: str) -> Response:
        """Let a booking on hold go, or give its tickets back."""
        asked = asking_now()
        return said_to(asked, bookings.cancel(asked, uuid, said))
