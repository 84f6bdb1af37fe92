"""OCTO's document: the standard's own, the hub's, what a client and a fuzzer make of it."""

import json
import random
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from jsonschema import Draft4Validator
from octo_client import client as octo
from octo_client.exceptions import InvalidRequest, Unauthorized
from octo_client.models import UnitItem, UnitQuantity
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode

from hub.access import ROUTES
from hub.app import octo_document
from tests.contract.test_documents import path_of
from tests.contract.test_schemathesis import CHECKS, acquaint
from tests.dialects.reseller import DAYS, Reseller, day
from tests.lengths import IS_LONG
from tests.servers import serving

ROOT = Path(__file__).parents[2]
STANDARD = ROOT.parent / "shared/data/octo/openapi.yaml"
OPERATIONS = sorted(
    (method, path_of(route))
    for method, route in ROUTES
    if route.startswith("/octo/") and route != "/octo/openapi.json"
)


@pytest.fixture(scope="module")
def standard():
    if not STANDARD.exists():
        pytest.skip("the standard's document is not here")
    return yaml.safe_load(STANDARD.read_text())


def nullable(schema):
    """Write what OpenAPI 3.0 says of null as JSON Schema does."""
    if isinstance(schema, list):
        return [nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: nullable(one) for name, one in schema.items()}
    if found.pop("nullable", False):
        return {"anyOf": [found, {"type": "null"}]}
    return found


def check(standard, name, said):
    schemas = nullable(standard["components"]["schemas"])
    whole = {"components": {"schemas": schemas}, "$ref": f"#/components/schemas/{name}"}
    errors = [e.message for e in Draft4Validator(whole).iter_errors(said)]
    assert errors == []


def test_what_is_told_is_what_the_standard_says(hub, standard):
    hub.on_sale()
    reseller = Reseller(hub)
    check(standard, "Supplier", reseller.call("GET", "/supplier"))
    for capability in reseller.call("GET", "/capabilities"):
        check(standard, "Capability", capability)
    for capabilities in ("", "octo/pricing", "octo/pricing, octo/content, octo/cart"):
        one = Reseller(hub, capabilities=capabilities)
        check(standard, "Product", one.product())
        [found] = one.availability(units=[{"id": "adult", "quantity": 2}])
        check(standard, "Availability", found)
        for found in one.call("POST", "/availability/calendar", one.days()):
            check(standard, "AvailabilityCalendar", found)
        held = one.reserve(units=("adult", "child"))
        check(standard, "Booking", held)
        sold = one.confirm(held)
        check(standard, "Booking", sold)
        check(standard, "Booking", one.cancel(sold, reason="ill"))
    refused = reseller.call("GET", "/products/no", expect=400)
    check(standard, "ErrorInvalidProductID", refused)


def test_control_a_booking_that_lacks_a_field_is_found(hub, standard):
    hub.on_sale()
    held = Reseller(hub).reserve()
    with pytest.raises(AssertionError, match="utcExpiresAt"):
        check(
            standard, "Booking", {k: v for k, v in held.items() if k != "utcExpiresAt"}
        )


def test_every_operation_of_the_standard_is_there(standard):
    ours = {(method, path) for method, path in OPERATIONS}
    wanted = {
        (method.upper(), f"/octo{path.rstrip('/')}")
        for path, item in standard["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert {(m, p.replace("{id}", "{product_id}")) for m, p in wanted} <= ours


def test_the_document_is_committed_valid_and_complete():
    found = json.loads(json.dumps(octo_document()))
    assert json.loads((ROOT / "openapi/octo.v1.json").read_text()) == found
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []
    documented = {
        (method.upper(), path)
        for path, item in found["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert documented == set(OPERATIONS)


def test_a_client_of_others_sells_through_it(hub):
    """The PyPI package octo-api-client: catalogue, booking, changes, cancellation."""
    hub.on_sale()
    with serving(hub.settings) as (url, _):
        ann = octo.OctoClient(f"{url}/octo", hub.keys["ann"])
        [supplier] = ann.get_suppliers()
        [product] = ann.get_products(supplier.id)
        assert ann.get_product(supplier.id, product.id) == product
        option = product.options[0]
        span = {
            "local_date_start": date.fromisoformat(day()),
            "local_date_end": date.fromisoformat(day(DAYS)),
        }
        many = [UnitQuantity("adult", 2)]
        where = (supplier.id, product.id, option.id)
        [free] = ann.availability_check(*where, units=many, **span)
        days = ann.get_calendar(*where, **span)
        assert [one.available for one in days].count(True) == 1
        items = [UnitItem("adult", str(uuid4())), UnitItem("child", str(uuid4()))]
        held = ann.booking_reservation(
            supplier.id, str(uuid4()), product.id, option.id, free.id, items
        )
        assert held.status.value == "ON_HOLD"
        ann.extend_reservation(supplier.id, held.uuid, 30)
        sold = ann.booking_confirmation(
            supplier.id, held.uuid, reseller_reference="R-1", contact_full_name="Ada"
        )
        assert sold.status.value == "CONFIRMED"
        assert (
            len(
                {
                    item.ticket.deliveryOptions[0].deliveryValue
                    for item in sold.unitItems
                }
            )
            == 2
        )
        assert ann.get_booking(supplier.id, held.uuid).contact.fullName == "Ada"
        [listed] = ann.list_bookings(supplier.id, reseller_reference="R-1")
        assert listed.uuid == held.uuid
        changed = ann.booking_update(supplier.id, held.uuid, notes="late")
        assert changed.notes == "late"
        gone = ann.booking_cancellation(supplier.id, held.uuid, reason="ill")
        assert (gone.status.value, gone.cancellation.refund.value) == (
            "CANCELLED",
            "FULL",
        )
        with pytest.raises(InvalidRequest, match="INVALID_PRODUCT_ID"):
            ann.get_product(supplier.id, "no")
        supplier_of = octo.OctoClient(f"{url}/octo", hub.keys["sup"])
        with pytest.raises(Unauthorized, match="FORBIDDEN"):
            supplier_of.get_suppliers()
        unknown = requests.get(f"{url}/octo/supplier", timeout=10)
        assert (unknown.status_code, unknown.json()["error"]) == (401, "UNAUTHORIZED")
    hub.assert_lawful()


@pytest.fixture
def known(hub):
    hub.on_sale()
    reseller = Reseller(hub)
    wanted, sold = reseller.wanted(), reseller.reserve()
    reseller.confirm(sold)
    held = reseller.reserve()
    cart = reseller.call("POST", "/orders", {})
    return {
        "productId": [wanted["productId"]],
        "product_id": [wanted["productId"]],
        "optionId": ["floor", "stalls"],
        "unitId": ["adult", "child"],
        "id": ["adult", "child"],
        "availabilityId": [wanted["availabilityId"]],
        "uuid": [sold["uuid"], held["uuid"]],
        "order_id": [cart["id"]],
        "orderId": [cart["id"]],
    }


EXAMPLES = 50 if IS_LONG else 8


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nothing_is_answered_that_is_not_documented(hub, known, method, path):
    schema = schemathesis.openapi.from_wsgi("/octo/openapi.json", hub.app)
    operation = schema[path][method]
    asked = operation.as_strategy() | operation.as_strategy(
        generation_mode=GenerationMode.NEGATIVE
    )
    dice = random.Random(f"{method} {path}")  # noqa: S311
    headers = {"Authorization": f"Bearer {hub.keys['ann']}"}

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=asked)
    def ask(case):
        case.path_parameters = acquaint(dict(case.path_parameters or {}), known, dice)
        case.query = acquaint(dict(case.query or {}), known, dice)
        if isinstance(case.body, dict):
            case.body = acquaint(case.body, known, dice)
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()
    hub.assert_lawful()
