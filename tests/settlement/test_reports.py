"""Reports: revenue by kind and dimension, what is owed since when, promised and earned."""

from datetime import datetime, timedelta

import pytest

from tests.hubs import percent
from tests.settlement.months import begin_month, closed, end_month, pay


@pytest.fixture
def month(hub):
    begin_month(hub)
    performance = hub.on_sale(days=200)
    hub.offer = hub.offer_id("ann", performance["id"])
    order = hub.confirm("ann", hub.hold("ann", [(hub.offer, 3)]))
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    hub.move_clock(days=1)
    hub.confirm("bob", hub.hold("bob", [(hub.offer, 2)]))
    return hub


def revenue(hub, by, who="finance", **more):
    asked = "&".join(
        f"{k}={v}" for k, v in {"period": hub.period, "by": by, **more}.items()
    )
    items = hub.get(who, f"/v1/reports/revenue?{asked}")["items"]
    return {(i["key"], i["kind"]): i["revenue_minor"] for i in items}


# 12 % of 180.00 from the supplier; 1.00 a ticket from ann alone.
BY = {
    "kind": {("", "commission"): 2_160, ("", "service-fee"): 200},
    "partner": {("sup", "commission"): 2_160, ("ann", "service-fee"): 200},
    "venue": {("hall", "commission"): 2_160, ("hall", "service-fee"): 200},
    "genre": {("stage", "commission"): 2_160, ("stage", "service-fee"): 200},
    "channel": {
        ("online", "commission"): 2_160,
        ("online", "service-fee"): 200,
    },
}


@pytest.mark.parametrize("by", list(BY))
def test_revenue_is_told_apart_and_always_sums_to_the_same(month, by):
    found = revenue(month, by)
    kinds = {"commission": 0, "service-fee": 0}
    for (key, kind), minor in found.items():
        assert key or by == "kind"
        kinds[kind] += minor
    assert kinds == {"commission": 2_160, "service-fee": 200}
    if by in {"kind", "partner"}:
        assert found == BY[by]


def test_a_fee_is_revenue_from_who_pays_it(month):
    """Of two sides that pay a fee on one sale, each has its own."""
    now = datetime.fromisoformat(month.get("operator", "/v1/clock")["now"])
    later = (now + timedelta(hours=1)).isoformat()
    fee = percent(1_200) | {"service_fees": [{"fixed_minor": 50}]}
    month.agree("sup", fee, valid_from=later)
    month.move_clock(hours=2)
    before = revenue(month, "partner")
    month.confirm("ann", month.hold("ann", [(month.offer, 2)]))
    after = revenue(month, "partner")
    assert after["sup", "service-fee"] == 100
    assert after["ann", "service-fee"] - before["ann", "service-fee"] == 200


def test_revenue_of_another_month_or_entity_is_another(month):
    assert revenue(month, "kind", legal_entity="nobody") == {}
    assert revenue(month, "kind", period="2020-01") == {}
    bad = month.get("finance", "/v1/reports/revenue?period=2026-11&zone=Mars", 422)
    assert bad["code"] == "unknown-zone"
    bad = month.get("finance", "/v1/reports/revenue?period=November", 422)
    assert bad["code"] == "unknown-period"


def owed(hub, who="finance"):
    items = hub.get(who, "/v1/reports/owed")["items"]
    return {i["partner"]: (i["owed_minor"], i["since"]) for i in items}


def test_what_is_owed_and_since_when(month):
    first = owed(month)
    assert first["ann"][0] == 9_000 + 300 + 200 - 720
    assert first["sup"][0] == 18_000 + 600 - 2_160
    days = {who: datetime.fromisoformat(since).day for who, (_, since) in first.items()}
    assert days["bob"] == days["ann"] + 1 == days["sup"] + 1
    assert list(owed(month, "ann")) == ["ann"]
    path = f"/v1/contracts/{month.ids['sup-contract']}/movements"
    # all of what was due for ann's sales, so that only bob's are left
    part = {"event": "payout", "amount_minor": 3 * 4_500 + 3 * 150 - 1_620}
    month.post("finance", path, {"reference": "bank-1", "event": part}, 201)
    now = owed(month)["sup"]
    assert datetime.fromisoformat(now[1]).day == days["bob"]


def test_what_is_paid_is_not_owed(month):
    end_month(month)
    found = closed(month)
    for who in ("ann", "bob", "sup"):
        pay(month, "finance", found[who], found[who]["totals"]["due_minor"])
    assert owed(month) == {}


def commissions(hub, who="finance"):
    items = hub.get(who, f"/v1/reports/commissions?period={hub.period}")["items"]
    return {i["partner"]: i for i in items}


def test_commission_promised_against_earned(month):
    found = commissions(month)
    ann = found["ann"]
    assert (ann["promised_minor"], ann["returned_minor"]) == (1_080, -360)
    assert ann["earned_minor"] == 720
    assert found["sup"]["earned_minor"] == 2_160
    for line in found.values():
        parts = ("promised", "returned", "trued_up", "corrected")
        assert line["earned_minor"] == sum(line[f"{p}_minor"] for p in parts)
    assert list(commissions(month, "bob")) == ["bob"]
    month.get("ann", f"/v1/reports/revenue?period={month.period}", 403)
