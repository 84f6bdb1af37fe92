"""Door lists, and what is reported back from the door."""

import csv
import io
import threading
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.hubs import TODAY
from tests.tickets.test_showing import order_of

AT = (TODAY + timedelta(days=30)).isoformat()
LATER = (TODAY + timedelta(days=30, minutes=5)).isoformat()


def scan(hub, sold, *codes, at=AT, who="sup", expect=200, key=None, **more):
    scans = [{"code": code, "used_at": at, "gate": "north", **more} for code in codes]
    path = f"/v1/performances/{sold['id']}/redemptions"
    found = hub.post(who, path, {"scans": scans}, expect, key=key or str(uuid4()))
    return found if expect != 200 else [one["result"] for one in found["items"]]


def tickets(hub, order):
    return {t["id"]: t for t in hub.get("ann", f"/v1/orders/{order['id']}")["tickets"]}


def test_a_door_list_has_who_may_enter_and_nobody_else(hub):
    sold = hub.on_sale(names="order")
    buyer = {"name": "=Ann()", "id_type": "passport", "id_number": "P123456"}
    order = order_of(hub, sold, "stalls", 3, buyer=buyer)
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    path = f"/v1/performances/{sold['id']}/door-list"
    found = hub.get("sup", path)["items"]
    assert {one["code"] for one in found} == {t["code"] for t in order["tickets"][1:]}
    assert found[0]["id_number"] == "P123456"
    assert (found[0]["agent"], found[0]["reference"]) == ("ann", order["reference"])
    first = hub.get("sup", f"{path}?limit=1")
    rest = hub.get("sup", f"{path}?limit=1&after={first['next']}")
    assert [first["items"][0], rest["items"][0]] == found
    assert rest["next"] is None
    lines = hub.call("sup", "GET", f"{path}.csv").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(lines)))
    assert [row["code"] for row in rows] == [one["code"] for one in found]
    assert rows[0]["holder"] == "'=Ann()"
    hub.add_partner("other", "supplier")
    assert hub.get("other", path, 404)["code"] == "not-found"
    assert hub.get("ann", path, 403)["code"] == "forbidden"


def test_each_scan_is_answered_and_a_ticket_lets_in_once(hub):
    sold = hub.on_sale()
    order = order_of(hub, sold, count=3)
    first, second, third = (ticket["code"] for ticket in order["tickets"])
    path = f"/v1/orders/{order['id']}/tickets/{order['tickets'][2]['id']}/replacements"
    hub.post("ann", path, {"reason": "lost"}, key="r")
    hub.cancel("ann", order, [order["tickets"][1]["id"]])
    told = scan(hub, sold, first, second, third, "nonsense", key="s")
    assert told == ["admitted", "cancelled", "replaced", "unknown"]
    assert scan(hub, sold, first, second, third, "nonsense", key="s") == told
    assert scan(hub, sold, first) == ["repeated"]
    assert scan(hub, sold, first, at=LATER) == ["already-used"]
    used = tickets(hub, order)[order["tickets"][0]["id"]]
    assert (used["state"], used["code"]) == ("used", first)
    assert used["used_at"].startswith(AT[:19])
    other = hub.on_sale(ref="p2")
    again = order_of(hub, sold, count=1)
    code = again["tickets"][0]["code"]
    elsewhere = [
        p for p in hub.get("ann", "/v1/performances")["items"] if p["id"] != sold["id"]
    ]
    assert other
    assert scan(hub, elsewhere[0], code) == ["other-performance"]
    assert scan(hub, sold, code, who="ann", expect=403)["code"] == "forbidden"
    hub.assert_lawful()


def test_a_used_ticket_is_neither_cancelled_nor_replaced(hub):
    sold = hub.on_sale()
    order = order_of(hub, sold)
    first, second = order["tickets"]
    scan(hub, sold, first["code"])
    refused = hub.cancel("ann", order, [first["id"]], expect=409)
    assert (refused["code"], refused["ticket_ids"]) == ("ticket-used", [first["id"]])
    path = f"/v1/orders/{order['id']}/tickets/{first['id']}/replacements"
    assert hub.post("ann", path, {"reason": "x"}, 409, key="r")["code"] == "ticket-used"
    left = hub.cancel("ann", order)  # all that are left: the other one
    assert left["state"] == "partly_cancelled"
    states = {t["id"]: t["state"] for t in left["tickets"]}
    assert states == {first["id"]: "used", second["id"]: "cancelled"}
    hub.assert_lawful()


def test_a_shared_code_lets_in_as_many_as_share_it(hub):
    sold = hub.on_sale(admission="order")
    order = order_of(hub, sold, count=4)
    code = order["tickets"][0]["code"]
    assert scan(hub, sold, code, count=1) == ["admitted"]
    assert scan(hub, sold, code, at=LATER, count=4) == ["already-used"]
    assert scan(hub, sold, code, at=LATER) == ["admitted"]
    assert [t["state"] for t in tickets(hub, order).values()] == ["used"] * 4
    assert scan(hub, sold, code, at=(TODAY + timedelta(days=31)).isoformat()) == [
        "already-used"
    ]


@pytest.mark.parametrize("turn", range(5))
def test_a_ticket_is_used_or_cancelled_never_both(hub, turn):
    """The database refuses both as well: the lock makes it an answer, not an error."""
    sold = hub.on_sale()
    order = order_of(hub, sold, count=1)
    ticket = order["tickets"][0]
    told = {}

    def enter():
        client = hub.app.test_client()
        body = {"scans": [{"code": ticket["code"], "used_at": AT}]}
        path = f"/v1/performances/{sold['id']}/redemptions"
        head = {"Authorization": f"Bearer {hub.keys['sup']}", "Idempotency-Key": "e"}
        told["door"] = client.post(path, json=body, headers=head).get_json()

    def cancel():
        client = hub.app.test_client()
        path = f"/v1/orders/{order['id']}/cancellations"
        head = {"Authorization": f"Bearer {hub.keys['ann']}", "Idempotency-Key": "c"}
        told["agent"] = client.post(path, json={}, headers=head).status_code

    threads = [threading.Thread(target=work) for work in (enter, cancel)]
    for thread in threads if turn % 2 else reversed(threads):
        thread.start()
    for thread in threads:
        thread.join()
    result = told["door"]["items"][0]["result"]
    assert (result, told["agent"]) in {("admitted", 409), ("cancelled", 201)}
    hub.assert_lawful()


def test_more_than_a_code_admits_come_in_by_it_never(hub):
    sold = hub.on_sale()
    order = order_of(hub, sold, count=2)
    first, second = (ticket["code"] for ticket in order["tickets"])
    scans = [
        {"code": first, "used_at": AT, "count": 2},
        {"code": second, "used_at": AT},
    ]
    path = f"/v1/performances/{sold['id']}/redemptions"
    told = hub.post("sup", path, {"scans": scans}, 200, key="k")["items"]
    assert [one["result"] for one in told] == ["already-used", "admitted"]
    assert (told[0]["left"], told[0]["first_used_at"]) == (1, None)
