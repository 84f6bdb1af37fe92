"""Tickets by post: methods, their fee, the address, the way."""

from uuid import uuid4

import pytest

from tests.hubs import percent
from tests.tickets.test_showing import order_of

ADDRESS = {
    "name": "Ann Example",
    "lines": ["1 Some Street"],
    "postcode": "1010",
    "city": "Vienna",
    "country": "AT",
}
POST = {
    "ref": "post",
    "kind": "post",
    "name": {"en": "By post", "zh-Hans": "邮寄"},
    "countries": ["AT", "DE"],
    "ends_before_h": 72,
}


def ship(hub, order, expect=200, method="post", key=None, **address):
    path = f"/v1/orders/{order['id']}/shipment"
    body = {"method": method, "address": ADDRESS | address}
    key = key or str(uuid4())
    return hub._answer(hub.call("ann", "PUT", path, body, key=key), expect)


@pytest.fixture
def sold(hub):
    hub.post("operator", "/v1/delivery-methods", POST)
    hub.post("operator", "/v1/delivery-methods", POST | {"ref": "courier"})
    fees = [{"name": "post", "kind": "service", "unit_minor": 490}]
    clauses = percent(800, 100) | {"billables": fees}
    hub.agree("ann", clauses, scope={"channel": "online"})
    return hub.on_sale()


def test_an_agent_is_offered_what_its_terms_price(hub, sold):
    [found] = hub.get("ann", "/v1/delivery-methods")["items"]
    assert found["ref"] == "post"
    assert found["fees"] == [{"currency": "EUR", "fee_minor": 490}]
    assert hub.get("bob", "/v1/delivery-methods")["items"] == []
    assert len(hub.get("operator", "/v1/delivery-methods")["items"]) == 2
    again = hub.post("operator", "/v1/delivery-methods", POST, 409)
    assert again["code"] == "method-taken"
    off = {"is_offered": False}
    hub.call("operator", "PUT", "/v1/delivery-methods/post", off)
    assert hub.get("ann", "/v1/delivery-methods")["items"] == []
    order = order_of(hub, sold)
    assert ship(hub, order, 422)["code"] == "not-delivered"


def test_tickets_are_sent_for_a_fee_that_is_booked_once(hub, sold):
    order = order_of(hub, sold)
    before = hub.credit("ann")["exposure_minor"]
    made = ship(hub, order, key="s")
    assert ship(hub, order, key="s") == made
    assert (made["state"], made["fee_minor"]) == ("waiting", 490)
    assert hub.credit("ann")["exposure_minor"] == before + 490
    moved = ship(hub, order, lines=["2 Other Street"])
    assert moved["address"]["lines"] == ["2 Other Street"]
    assert hub.credit("ann")["exposure_minor"] == before + 490
    assert ship(hub, order, 409, method="courier")["code"] == "shipment-asked"
    [waiting] = hub.get("operator", "/v1/shipments")["items"]
    assert waiting["id"] == made["id"]
    path = f"/v1/shipments/{made['id']}/dispatch"
    carried = {"carrier": "Some Post", "tracking": "RR123456785AT"}
    sent = hub.post("operator", path, carried, 200)
    assert (sent["state"], sent["tracking"]) == ("dispatched", "RR123456785AT")
    assert hub.get("ann", f"/v1/orders/{order['id']}/shipment") == sent
    assert hub.get("ann", f"/v1/orders/{order['id']}")["version"] == 2
    assert hub.post("operator", path, carried, 409)["code"] == "dispatched"
    assert ship(hub, order, 409)["code"] == "dispatched"
    assert hub.get("operator", "/v1/shipments")["items"] == []
    assert hub.get("bob", f"/v1/orders/{order['id']}/shipment", 404)
    hub.assert_lawful()


def test_nothing_is_sent_where_it_cannot_arrive(hub, sold):
    order = order_of(hub, sold)
    abroad = ship(hub, order, 422, country="CN")
    assert (abroad["code"], abroad["countries"]) == ("not-delivered", ["AT", "DE"])
    assert ship(hub, order, 422, method="courier")["code"] == "not-delivered"
    assert ship(hub, order, 404, method="pigeon")["code"] == "not-found"
    hub.move_clock(days=28)
    assert ship(hub, order, 409)["code"] == "too-late-to-deliver"
    hub.cancel("ann", order)
    assert ship(hub, order, 409)["code"] == "no-valid-ticket"
    assert hub.get("ann", f"/v1/orders/{order['id']}/shipment", 404)


def test_what_is_cancelled_meanwhile_is_not_sent(hub, sold):
    order = order_of(hub, sold)
    made = ship(hub, order)
    hub.cancel("ann", order)
    path = f"/v1/shipments/{made['id']}/dispatch"
    refused = hub.post("operator", path, {"carrier": "Some Post"}, 409)
    assert refused["code"] == "no-valid-ticket"
