"""OCTO over what a supplier sells itself: pending until it has answered."""

from uuid import uuid4

import pytest

from tests.dialects.reseller import Reseller
from tests.simulators.faults import struck
from tests.simulators.hubs import opened
from tests.simulators.kinds import operations

SELL = {"only": operations("sell")}
QUOTE = {"only": operations("lock")}


@pytest.fixture
def cinemas(hub):
    with opened(hub, "vista") as found:
        yield found


@pytest.fixture
def wanted(hub, cinemas):
    """A booking of two seats in the stalls of the first film."""
    reseller = Reseller(hub)
    product = reseller.call("GET", "/products")[0]
    days = reseller.days("STAL") | {"productId": product["id"]}
    free = next(
        a for a in reseller.call("POST", "/availability", days) if a["available"]
    )
    return {
        "uuid": "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
        "productId": product["id"],
        "optionId": "STAL",
        "availabilityId": free["id"],
        "unitItems": [{"unitId": "adult"}, {"unitId": "adult"}],
    }


def test_a_sale_that_is_not_answered_is_pending_and_then_confirmed(
    hub, cinemas, wanted
):
    reseller = Reseller(hub)
    held = reseller.call("POST", "/bookings", wanted)
    assert held["status"] == "ON_HOLD"
    assert all(item["seat"] for item in held["unitItems"])
    with struck(cinemas.faults, drop=SELL):
        waits = reseller.confirm(held)
    assert (waits["status"], waits["utcConfirmedAt"]) == ("PENDING", None)
    assert reseller.confirm(held)["status"] == "PENDING"
    assert cinemas.work() == 0
    sold = reseller.show(held)
    assert sold["status"] == "CONFIRMED"
    assert all(item["ticket"] for item in sold["unitItems"])
    assert reseller.confirm(held) == sold
    refused = reseller.cancel(sold, 400)  # this chain takes nothing back
    assert (refused["code"], refused["reason"]) == ("supplier-refused", "not-allowed")
    assert reseller.show(held)["status"] == "CONFIRMED"
    assert cinemas.sold_here() == cinemas.sold_there()
    assert len(cinemas.sold_here()) == 2
    hub.assert_lawful()


def test_a_sale_that_never_arrived_is_rejected(hub, cinemas, wanted):
    reseller = Reseller(hub)
    held = reseller.call("POST", "/bookings", wanted)
    with struck(cinemas.faults, html_502=SELL):
        assert reseller.confirm(held)["status"] == "PENDING"
    assert cinemas.work() == 0
    assert reseller.show(held)["status"] == "REJECTED"
    assert reseller.confirm(held, 400)["code"] == "booking-rejected"
    hub.assert_lawful()


def test_seats_that_others_have_there_are_chosen_anew_under_the_same_uuid(
    hub, cinemas, wanted
):
    reseller = Reseller(hub)
    first = reseller.call("POST", "/bookings", wanted)
    best = {(i["seat"]["row"], i["seat"]["number"]) for i in first["unitItems"]}
    reseller.cancel(first)
    assert cinemas.let_go() == []
    house = cinemas.house
    seats = house.cinemas["0001"].screens[1].seats.values()
    places = [
        (s.row, s.column)
        for s in seats
        if s.area == "STAL" and (s.row_name, s.number) in best
    ]
    house.lock("box", "0001", "1", [("STAL", "0001", places)])
    held = reseller.call("POST", "/bookings", wanted | {"uuid": str(uuid4())})
    assert held["status"] == "ON_HOLD"
    assert {
        (i["seat"]["row"], i["seat"]["number"]) for i in held["unitItems"]
    } & best == set()
    assert reseller.show(held) == held
    hub.assert_lawful()


def test_a_uuid_is_free_again_when_its_supplier_has_refused(hub, cinemas, wanted):
    reseller = Reseller(hub)
    with struck(cinemas.faults, price_bump=QUOTE):
        refused = reseller.call("POST", "/bookings", wanted, expect=400)
    assert refused["code"] == "supplier-price"
    held = reseller.call("POST", "/bookings", wanted)
    assert held["status"] == "ON_HOLD"
    assert reseller.call("POST", "/bookings", wanted) == held
    hub.assert_lawful()
