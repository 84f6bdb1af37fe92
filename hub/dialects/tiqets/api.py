"""The Tiqets supplier API (v2) at /tiqets: products, availability, sale, return."""

from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Blueprint, Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from flask.views import MethodView
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from hub.dialects.shared.services.looking import look_for
from hub.dialects.tiqets.errors import (
    TOO_MANY,
    TiqetsError,
    missing,
    no_booking,
    said_as_tiqets,
)
from hub.dialects.tiqets.rules import day_of
from hub.dialects.tiqets.services import offering, selling
from hub.kernel import clock
from hub.kernel.callers import caller, note_refusal
from hub.kernel.db import transaction
from hub.kernel.errors import ForbiddenError, HubError, UnauthenticatedError
from hub.kernel.problems import handle_database_error, handle_unexpected
from hub.kernel.texts import UNSTORABLE
from hub.sales.rules.people import Person
from hub.sales.schemas.sale import TICKETS_MAX

FORBIDDEN = "Forbidden - Missing or incorrect API key"
FAILED = 500
RESERVATION = ("datetime", "tickets", "customer")
REFERENCE_MAX = 64
blp = Blueprint("tiqets", __name__, url_prefix="/tiqets/v2")


def install(app: Flask) -> None:
    """Speak Tiqets in an application."""
    app.register_blueprint(blp)


def _said(body: Any, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(body), status=status, content_type="application/json"
    )


@blp.errorhandler(TiqetsError)
def refuse_in_tiqets(error: TiqetsError) -> ResponseReturnValue:
    """Answer a refusal of this dialect."""
    return _said(error.body, 400)


@blp.errorhandler(HubError)
def refuse_of_hub(error: HubError) -> ResponseReturnValue:
    """Answer a refusal of the hub's: a key's as text, what passes as a failure."""
    note_refusal(error)
    if isinstance(error, UnauthenticatedError | ForbiddenError):
        return Response(FORBIDDEN, status=403, content_type="text/plain")
    if error.status < FAILED and error.code != "sale-under-way":
        return _said(said_as_tiqets(error).body, 400)
    response = _said({"message": error.title}, FAILED)
    response.headers["Retry-After"] = str(error.retry_after_s or 1)
    return response


@blp.errorhandler(HTTPException)
def refuse_of_http(error: HTTPException) -> ResponseReturnValue:
    """Answer what could not be read."""
    body = TiqetsError(2004, error.name).body
    return _said(body, 400 if error.code in {413, 415, 422} else error.code or FAILED)


@blp.errorhandler(DBAPIError)
@blp.errorhandler(PoolTimeoutError)
def refuse_of_store(error: DBAPIError | PoolTimeoutError) -> ResponseReturnValue:
    """Answer when the database is away or busy, or will not have a value."""
    response = current_app.make_response(handle_database_error(error))
    if response.status_code < FAILED:
        return _said(TiqetsError(2004, "A value cannot be stored").body, 400)
    return _said({"message": "Come again in a moment"}, FAILED)


@blp.errorhandler(Exception)
def refuse_unexpected(error: Exception) -> ResponseReturnValue:
    """Log a defect, and say that it is one."""
    handle_unexpected(error)
    return _said({"message": "The hub made a mistake"}, FAILED)


def _body() -> Mapping[str, Any]:
    """Return the body; what is none lacks everything."""
    found = request.get_json(force=True, silent=True)
    return found if isinstance(found, dict) else {}


def _argument(said: Mapping[str, Any], name: str, kind: type) -> Any:
    found = said.get(name)
    if found is None or found in ("", []):
        raise missing(name)
    if not isinstance(found, kind):
        raise TiqetsError(2004, f'Argument "{name}" is of another type')
    if isinstance(found, str) and (UNSTORABLE.search(found) or len(found) > 255):  # noqa: PLR2004
        raise TiqetsError(2004, f'Argument "{name}" is not a text that can be kept')
    return found


class Products(MethodView):
    def get(self) -> Response:
        """List what is to come: each production at each venue."""
        world = caller().world
        with transaction() as session:
            now = clock.now(session, world)
            return _said(offering.catalogue(session, world, now))


class Availability(MethodView):
    def get(self, product_id: str) -> Response:
        """Tell what may be had on some days, by slot, and what the public pays."""
        who = caller()
        first = _argument(request.args, "start", str)
        last = _argument(request.args, "end", str)
        span = (day_of(first), day_of(last))
        if span[1] < span[0]:
            message = "The end date cannot be earlier than start date"
            raise TiqetsError(2001, message)
        with transaction() as session:
            now = clock.now(session, who.world)
            asked = offering.asked_of(session, product_id, who.world, now)
            return _said(offering.slots(session, asked, span, look_for(who)))


class Reservation(MethodView):
    def post(self, product_id: str) -> Response:
        """Hold tickets of a slot."""
        who, said = caller(), _body()
        when = _argument(said, "datetime", str)
        tickets = [_wanted(one) for one in _argument(said, "tickets", list)]
        _argument(said, "customer", dict)
        if sum(one["quantity"] for one in tickets) > TICKETS_MAX:
            raise TiqetsError(TOO_MANY, f"At most {TICKETS_MAX} tickets in an order")
        slots: offering.Slots = current_app.extensions["tiqets"]
        sale = slots.find(who.world, product_id, when)
        return _said(selling.reserve(who, sale, tickets))


def _wanted(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise TiqetsError(2004, 'Argument "tickets" is of another type')
    count = _argument(said, "quantity", int)
    if isinstance(count, bool) or not 0 < count <= TICKETS_MAX:
        raise TiqetsError(2004, f'"quantity" is between 1 and {TICKETS_MAX}')
    return {"variant_id": _argument(said, "variant_id", str), "quantity": count}


class Booking(MethodView):
    def post(self) -> Response:
        """Make an order of a reservation, under Tiqets' reference."""
        said = _body()
        reservation = _argument(said, "reservation_id", str)
        reference = _argument(said, "order_reference", str)
        if not reference.isascii() or len(reference) > REFERENCE_MAX:
            raise TiqetsError(2004, '"order_reference" has at most 64 plain characters')
        buyer = _person(said.get("customer"))
        return _said(selling.book(caller(), reservation, reference, buyer))


def _person(said: Any) -> Person | None:
    if not isinstance(said, dict):
        return None
    names = (said.get("first_name"), said.get("last_name"))
    name = " ".join(str(part) for part in names if part)
    return Person(name) if name and not UNSTORABLE.search(name) else None


class BookingById(MethodView):
    def delete(self, booking_id: str) -> Response:
        """Cancel all of a booking."""
        if not booking_id:
            raise no_booking(booking_id)
        selling.cancel(caller(), booking_id)
        return Response(status=204)


for rule, view in (
    ("/products", Products),
    ("/products/<product_id>/availability", Availability),
    ("/products/<product_id>/reservation", Reservation),
    ("/booking", Booking),
    ("/booking/<booking_id>", BookingById),
):
    blp.add_url_rule(rule, view_func=view.as_view(view.__name__))
