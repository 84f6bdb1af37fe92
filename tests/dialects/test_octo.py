"""OCTO over HTTP: what a reseller asks, holds, confirms, changes and cancels."""

from uuid import UUID

import pytest
from sqlalchemy import text

from hub.kernel.db import transaction
from tests.dialects.reseller import Reseller
from tests.hubs import WORLD, performance


@pytest.fixture
def reseller(hub):
    hub.on_sale()
    return Reseller(hub)


def test_a_production_at_a_venue_is_a_product_with_areas_and_price_types(reseller):
    found = reseller.product()
    assert found["internalName"] == "A play - A hall"
    assert (found["timeZone"], found["availabilityType"]) == (
        "Europe/Vienna",
        "START_TIME",
    )
    units = {o["id"]: [u["id"] for u in o["units"]] for o in found["options"]}
    assert units == {"floor": ["adult", "child"], "stalls": ["adult"]}
    adult = found["options"][0]["units"][0]
    assert (adult["type"], adult["pricingFrom"][0]["retail"]) == ("ADULT", 4650)
    assert reseller.call("GET", f"/products/{found['id']}") == found
    refused = reseller.call("GET", "/products/no", expect=400)
    assert (refused["error"], refused["productId"]) == ("INVALID_PRODUCT_ID", "no")
    plain = Reseller(reseller.hub, capabilities="").product()
    assert "title" not in plain
    assert "defaultCurrency" not in plain


def test_what_is_to_be_had_is_told_with_what_the_agent_owes_for_it(reseller):
    [one] = reseller.availability(units=[{"id": "adult", "quantity": 2}])
    assert (one["status"], one["vacancies"], one["available"]) == (
        "AVAILABLE",
        150,
        True,
    )
    [adult, child] = one["unitPricing"]
    offers = reseller.hub.areas("ann", one["id"])["floor"]["offers"]
    told = [(o["price_minor"], o["net_minor"]) for o in offers]
    assert [(p["retail"], p["net"]) for p in (adult, child)] == told
    assert one["pricing"]["net"] == 2 * adult["net"]
    more = [{"id": "adult", "quantity": 31}]  # of thirty
    [none] = reseller.availability("stalls", units=more)
    assert none["available"] is False


def test_a_booking_is_held_confirmed_and_cancelled(reseller):
    booking = reseller.reserve(units=("adult", "child", "adult"), notes="by the bar")
    assert (booking["status"], booking["utcConfirmedAt"]) == ("ON_HOLD", None)
    assert booking["utcExpiresAt"]
    assert booking["cancellation"] is None
    assert [item["unitId"] for item in booking["unitItems"]] == [
        "adult",
        "child",
        "adult",
    ]
    assert {item["ticket"] for item in booking["unitItems"]} == {None}
    assert reseller.show(booking) == booking
    sold = reseller.confirm(booking, resellerReference="R-7")
    assert (sold["status"], sold["utcExpiresAt"]) == ("CONFIRMED", None)
    assert sold["utcConfirmedAt"]
    codes = {
        i["ticket"]["deliveryOptions"][0]["deliveryValue"] for i in sold["unitItems"]
    }
    assert len(codes) == 3
    assert sold["pricing"]["net"] == sum(i["pricing"]["net"] for i in sold["unitItems"])
    assert sold["contact"]["fullName"] == "Ada"
    assert reseller.confirm(booking) == reseller.show(booking)
    by_reference = reseller.call("GET", "/bookings?resellerReference=R-7")
    by_ours = reseller.call(
        "GET", f"/bookings?supplierReference={sold['supplierReference']}"
    )
    assert [b["uuid"] for b in by_reference] == [b["uuid"] for b in by_ours]
    gone = reseller.cancel(sold, reason="ill")
    assert (gone["status"], gone["utcExpiresAt"]) == ("CANCELLED", None)
    assert gone["cancellation"]["refund"] == "FULL"
    assert gone["cancellation"]["reason"] == "ill"
    assert {item["status"] for item in gone["unitItems"]} == {"CANCELLED"}
    assert reseller.cancel(sold) == gone
    reseller.hub.assert_lawful()


def test_a_cancelled_hold_is_cancelled_and_one_past_its_time_expired(reseller):
    held = reseller.reserve()
    gone = reseller.cancel(held)
    assert (gone["status"], gone["utcExpiresAt"]) == ("CANCELLED", None)
    assert gone["cancellation"]["refund"] == "FULL"
    refused = reseller.confirm(held, expect=400)
    assert (refused["error"], refused["code"]) == (
        "UNPROCESSABLE_ENTITY",
        "booking-cancelled",
    )
    late = reseller.reserve(expirationMinutes=1)
    reseller.hub.move_clock(minutes=2)
    assert reseller.show(late)["status"] == "EXPIRED"
    assert reseller.confirm(late, expect=400)["code"] == "booking-expired"
    reseller.hub.assert_lawful()


def test_the_same_uuid_is_the_same_booking_and_another_body_is_refused(reseller):
    wanted = reseller.wanted()
    first = reseller.call("POST", "/bookings", wanted)
    spaced = dict(reversed(wanted.items())) | {"notes": None, "contact": None}
    assert reseller.call("POST", "/bookings", spaced) == first
    assert reseller.vacancies() == 148
    items = [item | {"contact": None} for item in wanted["unitItems"]]
    assert reseller.call("POST", "/bookings", wanted | {"unitItems": items}) == first
    refused = reseller.call("POST", "/bookings", wanted | {"notes": "x"}, 400)
    assert (refused["error"], refused["code"]) == (
        "UNPROCESSABLE_ENTITY",
        "idempotency-key-reused",
    )
    reseller.confirm(first)
    assert reseller.call("POST", "/bookings", wanted)["status"] == "CONFIRMED"


def test_a_uuid_is_known_when_its_key_has_long_been_pruned(reseller):
    wanted = reseller.wanted()
    first = reseller.call("POST", "/bookings", wanted)
    with transaction() as session:
        session.execute(text("DELETE FROM idempotency_key"))
    assert reseller.call("POST", "/bookings", wanted) == first
    refused = reseller.call("POST", "/bookings", wanted | {"notes": "x"}, 400)
    assert refused["code"] == "idempotency-key-reused"
    assert reseller.vacancies() == 148
    others = reseller.hub.deliver([performance(version=2, status="cancelled")])
    assert others["accepted"] == 1
    reseller.hub.app.extensions["octo"]._sales.forget(
        (WORLD, UUID(wanted["availabilityId"]))
    )
    assert reseller.call("POST", "/bookings", wanted)["uuid"] == first["uuid"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("supplierReference=abc", 400),
        ("localDate=9999-12-31", 200),
        ("localDateStart=0001-01-01&localDateEnd=9999-12-31", 400),
        ("localDateStart=2026-12-02&localDateEnd=2026-12-01", 400),
        ("localDateStart=2026-12-02", 400),
        ("optionId=floor", 400),
    ],
)
def test_what_cannot_be_looked_for_is_said(reseller, query, status):
    found = reseller.call("GET", f"/bookings?{query}", expect=status)
    assert found == [] if status == 200 else found["error"] == "BAD_REQUEST"
