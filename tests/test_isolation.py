"""Two agents never see anything of each other's: every route, asked with the other's ids."""

import itertools
import re
from uuid import uuid4

import pytest

from hub.access import ROUTES
from hub.catalogue.services.changes import number_changes
from hub.kernel.callers import Kind
from hub.kernel.db import transaction
from hub.sales.services.noticing import tell_disruptions
from tests.dialects.reseller import Reseller
from tests.hubs import percent, performance
from tests.tickets.test_shipping import ADDRESS, POST

VARIABLE = re.compile(r"<(?:[^:<>]+:)?(\w+)>")
SHARED = {
    *("performance_id", "production_id", "venue_id", "auditorium_id"),
    *("area", "symbology", "form", "ref", "supplier_id", "product_id"),
    "no",
}


@pytest.fixture
def things(hub):
    """What ann has, by the name a route gives its id; and every word that is hers."""
    hub.post("operator", "/v1/delivery-methods", POST)
    fees = [{"name": "post", "kind": "service", "unit_minor": 490}]
    hub.agree("ann", percent(800) | {"billables": fees}, scope={"channel": "online"})
    sold = hub.on_sale()
    offer = hub.offer_id("ann", sold["id"])
    orders = [hub.confirm("ann", hub.hold("ann", [(offer, 2)])) for _ in range(2)]
    hold = hub.hold("ann", [(offer, 1)])
    reseller = Reseller(hub)
    booking = reseller.reserve()
    told = {"url": "https://ann.example.org/octo", "event": "booking_update"}
    hook = reseller.call("POST", "/webhooks", told)
    url = {"url": "https://ann.example.org/hook"}
    endpoint = hub.post("ann", "/v1/webhook-endpoints", url)
    own = f"/v1/orders/{orders[0]['id']}"
    body = {"method": "post", "address": ADDRESS}
    sent = hub._answer(hub.call("ann", "PUT", f"{own}/shipment", body, key="s"), 200)
    hub.deliver([performance(version=2, status="postponed")])
    with transaction() as session:
        tell_disruptions(session)
        number_changes(session)
    notice = hub.get("ann", "/v1/notices")["items"][0]
    statements = hub.get("ann", "/v1/statements")["items"]
    found = {
        "order_id": [order["id"] for order in orders],
        "ticket_id": [t["id"] for order in orders for t in order["tickets"]],
        "hold_id": [hold["id"]],
        "endpoint_id": [endpoint["id"], hook["id"]],
        "webhook_id": [hook["id"]],
        "notice_id": [notice["id"]],
        "shipment_id": [sent["id"]],
        "statement_id": [s["id"] for s in statements] or [str(uuid4())],
        "invoice_id": [str(uuid4())],  # another's: tests/settlement/test_invoices.py
        "recall_id": [str(uuid4())],
        "node_id": [str(uuid4())],
        "performance_id": [sold["id"]],
        "production_id": [sold["production_id"]],
        "venue_id": [sold["venue_id"]],
        "auditorium_id": [sold["auditorium_id"]],
        "area": ["floor"],
        "symbology": ["qr"],
        "form": ["svg"],
        "no": ["1"],
        "supplier_id": ["hub"],
        "product_id": ["none"],
        "uuid": [booking["uuid"]],
        "booking_id": [orders[0]["id"]],
    }
    private = {i for name, ids in found.items() if name not in SHARED for i in ids}
    private |= {t["code"] for order in orders for t in order["tickets"]}
    private |= {order["reference"] for order in orders} | {"ann.example.org"}
    return found, private


def paths(route, found):
    names = VARIABLE.findall(route)
    for chosen in itertools.product(*(found[name] for name in names)):
        left = iter(chosen)
        yield VARIABLE.sub(lambda _, left=left: next(left), route)


def test_what_is_anns_is_not_there_for_bob(hub, things):
    found, private = things
    before = hub.get("ann", "/v1/orders")
    asked = 0
    for (method, route), access in ROUTES.items():
        if Kind.AGENT not in access.kinds:
            continue
        names = set(VARIABLE.findall(route))
        for path in paths(route, found):
            response = hub.call(
                "bob", method, path, {} if method != "GET" else None, key=str(uuid4())
            )
            text = response.get_data(as_text=True)
            asked += 1
            if names - SHARED:
                is_ours = route.startswith(("/v1/", "/t/"))
                refused = {404, 422} if is_ours else {400}
                assert response.status_code in refused, (method, path, text)
                told = text.replace(path, "")
                assert not {w for w in private if w in told} - set(path.split("/"))
            else:
                assert not {word for word in private if word in text}, (method, path)
    assert asked > 60
    assert hub.get("ann", "/v1/orders") == before


def test_bobs_feed_and_filters_tell_nothing_of_anns(hub, things):
    _, private = things
    for path in (
        "/v1/changes?limit=1000",
        "/v1/orders?limit=200",
        "/v1/notices?limit=200",
        "/v1/webhook-endpoints",
        "/v1/statements",
        "/v1/recalls",
        "/v1/credit",
    ):
        text = hub.call("bob", "GET", path).get_data(as_text=True)
        assert not {word for word in private if word in text}, path
    code = next(iter(w for w in private if len(w) == 16))
    assert hub.get("bob", f"/v1/orders?ticket_code={code}")["items"] == []
    mine = hub.get("ann", "/v1/changes?limit=1000")["items"]
    assert {c["kind"] for c in mine} >= {"order", "notice"}
