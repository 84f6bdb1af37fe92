"""OCTO over what a supplier sells itself: pending until it has answered."""

import pytest

from tests.dialects.reseller import Reseller
from tests.simulators.faults import struck
from tests.simulators.hubs import opened
from tests.simulators.kinds import operations

SELL = {"only": operations("sell")}


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
