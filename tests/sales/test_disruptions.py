"""Performances that are cancelled, postponed or moved, and what becomes of tickets."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from hub.kernel.db import transaction
from hub.sales.services import refunding
from hub.sales.services.noticing import tell_disruptions
from tests.hubs import TODAY, auditorium, performance
from tests.sales.test_returning import keeping, owed, quote


def tell():
    with transaction() as session:
        return tell_disruptions(session)


def refund(most=refunding.CHUNK):
    with transaction() as session:
        return refunding.go_on_refunding(session, most=most)


def sell(hub, who, sold, count):
    return hub.confirm(who, hub.hold(who, [(hub.offer_id(who, sold["id"]), count)]))


@pytest.fixture
def sold(hub):
    keeping(hub)
    return hub.on_sale()


def run(hub, sold, who="operator", expect=202, **more):
    path = f"/v1/performances/{sold['id']}/refund-runs"
    body = {"reason": "the tenor is ill"}
    response = hub.call(who, "POST", path, body, key=str(uuid4()), **more)
    assert response.status_code == expect, response.get_data(as_text=True)
    return response


def test_all_tickets_of_a_cancelled_performance_go_back_at_no_cost(hub, sold):
    money = {who: owed(hub, who) for who in ("ann", "bob")}
    orders = [
        sell(hub, who, sold, n) for who, n in (("ann", 2), ("ann", 3), ("bob", 1))
    ]
    hub.cancel("ann", orders[1], [orders[1]["tickets"][0]["id"]])  # and pays for it
    kept = owed(hub) - money["ann"]
    assert run(hub, sold, expect=409).get_json()["code"] == "not-cancelled"
    hub.deliver([performance(version=2, status="cancelled")])
    begun = run(hub, sold)
    assert begun.headers["Location"] == f"/v1/refund-runs/{begun.get_json()['id']}"
    assert begun.headers["Retry-After"] == "2"
    assert begun.get_json()["state"] == "running"
    assert run(hub, sold, expect=409).get_json()["code"] == "refunds-running"
    assert refund(most=1) == 1  # and is cut off
    assert refund() == 2
    assert [refund(), refund()] == [1, 0]
    done = hub.get("operator", begun.headers["Location"])
    assert (done["state"], done["orders"], done["tickets"]) == ("done", 3, 5)
    for who, order in zip(("ann", "ann", "bob"), orders, strict=True):
        found = hub.get(who, f"/v1/orders/{order['id']}")
        assert found["state"] == "cancelled"
        why = [t["cancelled_for"] for t in found["tickets"]]
        assert why.count("venue") == len(why) - (order is orders[1])
        assert found["refunds"][-1]["cancelled_for"] == "venue"
        assert found["refunds"][-1]["refund_fee_minor"] == 0
    assert owed(hub, "bob") == money["bob"]
    # What ann paid for her own cancellation stays: fee, booking fee and service fee of
    # one ticket, less its commission.
    assert owed(hub) - money["ann"] == 50 + 150 + 100 - 360
    assert kept > owed(hub)
    hub.assert_lawful()


def test_only_the_supplier_itself_and_operators_refund(hub, sold):
    hub.add_partner("other", "supplier")
    hub.deliver([performance(version=2, status="cancelled")])
    run(hub, sold, who="other", expect=404)
    run(hub, sold, who="ann", expect=403)
    begun = run(hub, sold, who="sup")
    assert hub.get("other", begun.headers["Location"], 404)["code"] == "not-found"
    assert hub.get("sup", begun.headers["Location"])["state"] == "running"


def test_agents_are_told_and_acknowledge_by_a_time(hub, sold):
    order = sell(hub, "ann", sold, 2)
    sell(hub, "bob", sold, 1)
    moved = (TODAY + timedelta(days=31)).isoformat()
    hub.deliver([performance(version=2, starts_at=moved)])
    assert tell() == 1
    notice = hub.get("ann", "/v1/notices")["items"][0]
    assert (notice["kind"], notice["tickets"]) == ("rescheduled", 2)
    assert notice["starts_at_before"] == sold["starts_at"]
    assert datetime.fromisoformat(notice["starts_at"]).isoformat() == moved
    assert len(hub.get("sup", "/v1/notices")["items"]) == 2
    free = quote(hub, order)
    assert free["is_free"]
    assert free["price_minor"] == 2 * 4650
    assert hub.get("operator", "/v1/notices?state=overdue")["items"] == []
    hub.move_clock(hours=49)
    assert len(hub.get("operator", "/v1/notices?state=overdue")["items"]) == 2
    path = f"/v1/notices/{notice['id']}/acknowledgement"
    read = hub.post("ann", path, None, 200, key="k")
    assert read["acknowledged_at"]
    assert hub.post("ann", path, None, 200, key="l") == read
    assert hub.post("bob", path, None, 404, key="m")["code"] == "not-found"
    assert hub.get("ann", "/v1/notices?state=open")["items"] == []
    assert len(hub.get("operator", "/v1/notices?state=overdue")["items"]) == 1
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    hub.move_clock(days=14)
    assert not quote(hub, order)["is_free"]
    hub.cancel("ann", order)
    hub.assert_lawful()


def test_a_postponed_performance_keeps_its_tickets_and_sells_none(hub, sold):
    order, offer = sell(hub, "ann", sold, 1), hub.offer_id("ann", sold["id"])
    hold = hub.hold("ann", [(offer, 1)])
    hub.deliver([performance(version=2, status="postponed")])
    assert hub.hold("ann", [(offer, 1)], expect=409)["code"] == "performance-postponed"
    refused = hub.confirm("ann", hold, expect=409)
    assert refused["code"] == "performance-postponed"
    assert hub.get("ann", f"/v1/orders/{order['id']}")["state"] == "confirmed"
    assert quote(hub, order)["is_free"]
    assert tell() == 1
    [notice] = hub.get("ann", "/v1/notices")["items"]
    assert (notice["kind"], notice["refund_until"]) == ("postponed", None)
    later = (TODAY + timedelta(days=60)).isoformat()
    hub.deliver([performance(version=3, starts_at=later)])
    tell()
    kinds = [n["kind"] for n in hub.get("ann", "/v1/notices")["items"]]
    assert kinds == ["postponed", "rescheduled"]
    assert hub.confirm("ann", hold)["state"] == "confirmed"


def test_what_changes_nothing_for_ticket_holders_is_not_told(hub, sold):
    sell(hub, "ann", sold, 1)
    hub.deliver([performance(version=2, floor=140)])
    assert tell() == 0
    hub.deliver([auditorium("other"), performance(version=3, auditorium="other")])
    assert tell() == 1
    assert [n["kind"] for n in hub.get("ann", "/v1/notices")["items"]] == ["moved"]
    assert hub.get("bob", "/v1/notices")["items"] == []


def test_a_cancelled_performance_is_refunded_after_its_time(hub, sold):
    order = sell(hub, "ann", sold, 1)
    hub.deliver([performance(version=2, status="cancelled")])
    hub.move_clock(days=40)
    said = quote(hub, order)
    assert said["is_free"]
    assert said["is_possible"]
    assert said["until"] is None
    hub.cancel("ann", order)
    assert owed(hub) == 0
    hub.assert_lawful()


def test_what_is_sold_after_a_move_is_sold_as_it_is_then(hub, sold):
    before = sell(hub, "ann", sold, 1)
    moved = (TODAY + timedelta(days=31)).isoformat()
    hub.deliver([performance(version=2, starts_at=moved)])
    tell()
    after = sell(hub, "ann", sold, 1)
    assert quote(hub, before)["is_free"]
    assert not quote(hub, after)["is_free"]


def test_a_refund_run_ends_when_the_performance_takes_place_after_all(hub, sold):
    orders = [sell(hub, "ann", sold, 1) for _ in range(3)]
    hub.deliver([performance(version=2, status="cancelled")])
    begun = run(hub, sold)
    refund(most=1)
    hub.deliver([performance(version=3)])
    assert [refund(), refund()] == [1, 0]
    done = hub.get("operator", begun.headers["Location"])
    assert (done["state"], done["orders"]) == ("done", 1)
    states = [hub.get("ann", f"/v1/orders/{o['id']}")["state"] for o in orders]
    assert sorted(states) == ["cancelled", "confirmed", "confirmed"]
    hub.assert_lawful()
