"""OCTO's bookings changed: units, days, words; carts; what may be visited any day."""

import pytest

from tests.dialects.reseller import Reseller, closing, day
from tests.hubs import performance, production


@pytest.fixture
def reseller(hub):
    hub.deliver([production("expo", title={"en": "An exhibition"})], mode="delta")
    hub.on_sale()
    return Reseller(hub)


@pytest.fixture
def two_days(hub, reseller):
    hub.deliver([performance("p2", days=31)])
    hub.work()
    return reseller


def units(booking):
    return [(item["unitId"], item["status"]) for item in booking["unitItems"]]


def test_a_booking_on_hold_is_held_anew_with_other_units(reseller):
    held = reseller.reserve()
    other = [{"unitId": "adult"}, {"unitId": "child"}, {"unitId": "child"}]
    changed = reseller.change(held, unitItems=other, notes="three now")
    assert units(changed) == [(u["unitId"], "ON_HOLD") for u in other]
    assert (changed["uuid"], changed["notes"]) == (held["uuid"], "three now")
    assert reseller.vacancies() == 147
    assert reseller.confirm(changed)["status"] == "CONFIRMED"
    reseller.hub.assert_lawful()


def test_a_booking_on_hold_is_moved_to_another_day(two_days):
    held = two_days.reserve()
    other = two_days.wanted(n=1)["availabilityId"]
    moved = two_days.change(held, availabilityId=other)
    assert (moved["availabilityId"], moved["status"]) == (other, "ON_HOLD")
    assert [two_days.vacancies(n=n) for n in (0, 1)] == [150, 148]
    [found] = two_days.call("GET", f"/bookings?localDate={day(31)}")
    assert found["uuid"] == held["uuid"]
    two_days.hub.assert_lawful()


def test_a_confirmed_booking_gives_back_the_units_it_names_no_more(reseller):
    sold = reseller.confirm(reseller.reserve(units=("adult", "child", "adult")))
    kept = [
        {"uuid": item["uuid"], "unitId": item["unitId"]} for item in sold["unitItems"]
    ]
    less = reseller.change(sold, unitItems=kept[:2])
    assert units(less) == [
        ("adult", "CONFIRMED"),
        ("child", "CONFIRMED"),
        ("adult", "CANCELLED"),
    ]
    assert less["unitItems"][2]["ticket"] is None
    assert less["status"] == "CONFIRMED"
    still = less["unitItems"][:2]
    assert less["pricing"]["net"] == sum(item["pricing"]["net"] for item in still)
    refused = reseller.change(less, 400, unitItems=[*kept[:2], {"unitId": "child"}])
    assert refused["code"] == "unit-items"
    gone = reseller.cancel(less)
    assert gone["cancellation"]["refund"] == "FULL"
    reseller.hub.assert_lawful()


def test_a_confirmed_booking_is_exchanged_for_another_day(two_days):
    sold = two_days.confirm(two_days.reserve())
    other = two_days.wanted(n=1)["availabilityId"]
    moved = two_days.change(sold, availabilityId=other)
    assert (moved["status"], moved["availabilityId"]) == ("CONFIRMED", other)
    codes = {
        i["ticket"]["deliveryOptions"][0]["deliveryValue"] for i in moved["unitItems"]
    }
    before = {
        i["ticket"]["deliveryOptions"][0]["deliveryValue"] for i in sold["unitItems"]
    }
    assert not codes & before
    assert [two_days.vacancies(n=n) for n in (0, 1)] == [150, 148]
    two_days.hub.assert_lawful()


def test_a_hold_has_its_time_again_as_the_plan_allows(reseller):
    held = reseller.reserve(expirationMinutes=5)
    reseller.hub.move_clock(minutes=3)
    longer = reseller.extend(held)
    assert longer["utcExpiresAt"] > held["utcExpiresAt"]
    reseller.extend(held)
    assert reseller.extend(held, 400)["code"] == "not-extendable"


def test_a_cart_is_confirmed_and_cancelled_as_one(reseller):
    cart = reseller.call("POST", "/orders", {"contact": {"fullName": "Ada"}})
    assert (cart["status"], cart["bookings"]) == ("ON_HOLD", [])
    refused = reseller.call("POST", f"/orders/{cart['id']}/confirm", {}, 400)
    assert refused["code"] == "cart-not-on-hold"
    for option in ("floor", "stalls"):
        booking = reseller.reserve(option=option, orderId=cart["id"])
        assert booking["orderId"] == cart["id"]
    shown = reseller.call("GET", f"/orders/{cart['id']}")
    assert [b["status"] for b in shown["bookings"]] == ["ON_HOLD"] * 2
    sold = reseller.call("POST", f"/orders/{cart['id']}/confirm", {})
    assert (sold["status"], sold["utcExpiresAt"]) == ("CONFIRMED", None)
    assert sold["pricing"]["net"] == sum(b["pricing"]["net"] for b in sold["bookings"])
    again = reseller.call("POST", f"/orders/{cart['id']}/confirm", {})
    assert again == sold
    gone = reseller.call("POST", f"/orders/{cart['id']}/cancel", {"reason": "rain"})
    assert gone["status"] == "CANCELLED"
    assert {b["cancellation"]["reason"] for b in gone["bookings"]} == {"rain"}
    bob = Reseller(reseller.hub, "bob")
    refused = bob.call("GET", f"/orders/{cart['id']}", expect=400)
    assert (refused["error"], refused["orderId"]) == ("INVALID_ORDER_ID", cart["id"])
    reseller.hub.assert_lawful()


def test_what_may_be_visited_any_day_is_told_by_the_day(hub, reseller):
    expo = performance("e1", days=2, production="expo", open_dated=True)
    hub.deliver([expo | {"ends_at": closing(9)}])
    hub.work()
    rows = reseller.availability(kind="OPENING_HOURS")
    assert [row["allDay"] for row in rows] == [True] * 8
    assert len({row["id"] for row in rows}) == 8
    assert {row["vacancies"] for row in rows} == {150}
    assert rows[0]["openingHours"][0].keys() == {"from", "to"}
    wanted = {
        "productId": reseller.product("OPENING_HOURS")["id"],
        "optionId": "floor",
        "availabilityId": rows[3]["id"],
        "unitItems": [{"unitId": "adult"}],
    }
    sold = reseller.confirm(reseller.call("POST", "/bookings", wanted))
    assert sold["availability"]["localDateTimeStart"] == rows[3]["localDateTimeStart"]
    other = wanted | {"availabilityId": rows[3]["id"].partition("@")[0]}
    refused = reseller.call("POST", "/bookings", other, 400)
    assert refused["error"] == "INVALID_AVAILABILITY_ID"


def test_the_calendar_has_every_day_with_its_lowest_price(two_days):
    wanted = two_days.days()
    days = two_days.call("POST", "/availability/calendar", wanted)
    assert len(days) == 61
    on = [one for one in days if one["available"]]
    assert [one["localDate"] for one in on] == [day(30), day(31)]
    assert {one["status"] for one in days} == {"AVAILABLE", "CLOSED"}
    lowest = {p["unitId"]: p["retail"] for p in on[0]["unitPricingFrom"]}
    assert lowest == {"adult": 4650, "child": 2250}
    assert "unitPricingFrom" not in days[0]
