"""OCTO's catalogue: supplier, products, availability by the hour and by the day."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, current_app, request
from flask.views import MethodView

from hub.dialects.octo.api.blueprint import (
    Span,
    asking_now,
    blp,
    documented,
    route,
    said_to,
    span_of,
)
from hub.dialects.octo.errors import bad_request, invalid
from hub.dialects.octo.rules import CAPABILITIES
from hub.dialects.octo.schemas import asked as ask
from hub.dialects.octo.schemas import catalogue as told
from hub.dialects.octo.services.asking import Asking
from hub.dialects.octo.services.availability import (
    Wanted,
    availabilities,
    availability_id,
    calendar,
)
from hub.dialects.octo.services.finding import option_of
from hub.dialects.octo.services.products import one_product, products
from hub.dialects.shared import queries
from hub.dialects.shared.rules import ProductId
from hub.dialects.shared.services.looking import look_for
from hub.kernel import clock
from hub.kernel.callers import caller
from hub.kernel.db import transaction

SUPPLIER = "hub"


def _supplier() -> dict[str, Any]:
    public = current_app.config["HUB_PUBLIC_URL"] or request.url_root
    contact = dict.fromkeys(("website", "email", "telephone", "address"))
    endpoint = f"{str(public).rstrip('/')}/octo"
    return {
        "id": SUPPLIER,
        "name": "Ticket hub",
        "endpoint": endpoint,
        "contact": contact,
    }


@route("/supplier")
class Supplier(MethodView):
    @documented(told.SupplierSchema)
    def get(self) -> Response:
        """Say who sells: the hub, for all whose tickets it distributes."""
        return said_to(asking_now(), _supplier())


@route("/suppliers")
class Suppliers(MethodView):
    @documented(told.SupplierSchema(many=True))
    def get(self) -> Response:
        """List who sells, for resellers that begin with a list: the hub."""
        return said_to(asking_now(), [_supplier()])


@route("/suppliers/<supplier_id>")
class SupplierById(MethodView):
    @documented(told.SupplierSchema)
    def get(self, supplier_id: str) -> Response:
        """Say who a supplier of that list is."""
        if supplier_id != SUPPLIER:
            raise invalid("supplierId", supplier_id)
        return said_to(asking_now(), _supplier())


@route("/capabilities")
class Capabilities(MethodView):
    @documented(told.CapabilitySchema(many=True))
    def get(self) -> Response:
        """List what more may be asked for with Octo-Capabilities."""
        rest = {"revision": 1, "required": False, "dependencies": [], "docs": None}
        return said_to(asking_now(), [{"id": one} | rest for one in CAPABILITIES])


@route("/products")
class Products(MethodView):
    @documented(told.ProductSchema(many=True))
    def get(self) -> Response:
        """List what is to come: each production at each venue."""
        asked = asking_now()
        with transaction() as session:
            now = clock.now(session, asked.who.world)
            return said_to(asked, products(session, asked, now))


@route("/products/<product_id>")
class ProductById(MethodView):
    @documented(told.ProductSchema)
    def get(self, product_id: str) -> Response:
        """Show a product with its options and units."""
        asked = asking_now()
        with transaction() as session:
            now = clock.now(session, asked.who.world)
            return said_to(asked, one_product(session, asked, now, product_id))


@route("/availability")
class Availability(MethodView):
    @blp.arguments(ask.AvailabilityAskedSchema)
    @documented(told.AvailabilitySchema(many=True))
    def post(self, said: dict[str, Any]) -> Response:
        """Tell what may be sold on some days, or of some availabilities."""
        asked, rows, _ = _looked(said)
        return said_to(asked, rows)


@route("/availability/calendar")
class AvailabilityCalendar(MethodView):
    @blp.arguments(ask.CalendarAskedSchema)
    @documented(told.CalendarDaySchema(many=True))
    def post(self, said: dict[str, Any]) -> Response:
        """Tell for each day of a span the best that may be sold on it."""
        asked, rows, span = _looked(said)
        assert span is not None  # noqa: S101 - both dates are required
        return said_to(asked, calendar(rows, span))


def _looked(
    said: Mapping[str, Any],
) -> tuple[Asking, list[dict[str, Any]], Span | None]:
    """Return what is to be had of an option, and the days asked for."""
    asked, world = asking_now(), caller().world
    span, ids = span_of(said), said.get("availabilityIds")
    if span is None and not ids:
        raise bad_request("Say localDateStart and localDateEnd, or availabilityIds")
    product = ProductId.read(said["productId"])
    with transaction() as session:
        now = clock.now(session, world)
        shown = option_of(session, asked, now, said)
        assert product is not None  # noqa: S101 - it was found
        zone = shown["timeZone"]
        days = None if span is None else _to_come(span, now, zone)
        of_world: dict[str, Any] = {"world": world, "now": now}
        if ids:
            read = [availability_id(one).performance_id for one in ids]
            sales = queries.sales(session, read, **of_world)
            sales = [sale for sale in sales if sale.product == product]
        else:
            assert days is not None  # noqa: S101 - one of the two is said
            sales = queries.sales_between(
                session, product, said["optionId"], days, **of_world
            )
    units = {one["id"]: one["quantity"] for one in said.get("units") or ()}
    wanted = Wanted(said["optionId"], units, said.get("currency"))
    rows = availabilities(asked, sales, wanted, look_for(asked.who), days)
    if ids:
        rows = [row for row in rows if row["id"] in ids]
    return asked, rows, span


def _to_come(span: Span, now: datetime, zone: str) -> Span:
    """Return the days of a span that are not over, on the clocks of a venue."""
    return max(span[0], now.astimezone(ZoneInfo(zone)).date()), span[1]
