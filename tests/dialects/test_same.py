"""One sale in every language: the same rows, tickets and cents come of it."""

from collections import Counter
from uuid import uuid4

import pytest

from tests.dialects.reseller import Reseller
from tests.dialects.test_tiqets import Tiqets
from tests.settlement.months import begin_month, closed, end_month, table


def own(hub):
    """By the hub's own API; the reply of each write is lost once."""
    offers = [hub.offer_id("ann", shown(hub), "floor", k) for k in ("adult", "child")]
    key = str(uuid4())
    lines = [(offers[0], 2), (offers[1], 1)]
    hub.hold("ann", lines, key=key)
    hold = hub.hold("ann", lines, key=key)
    hub.confirm("ann", hold, "OWN", key=key + "o")
    order = hub.confirm("ann", hold, "OWN", key=key + "o")
    return order["id"]


def octo(hub):
    reseller = Reseller(hub)
    wanted = reseller.wanted(units=("adult", "child", "adult"))
    reseller.call("POST", "/bookings", wanted)
    held = reseller.call("POST", "/bookings", wanted)
    reseller.confirm(held)
    reseller.confirm(held)
    [order] = hub.get("ann", f"/v1/orders?reference={held['uuid']}")["items"]
    return order["id"]


def tiqets(hub):
    """A reservation has no key: the one whose reply was lost lapses by itself."""
    one = Tiqets(hub)
    [product] = one.products().values()
    [when] = one.slots(product)
    wanted = {"floor:adult": 2, "floor:child": 1}
    one.reserve(product, when, wanted)
    held = one.reserve(product, when, wanted)
    one.book(held, "TIQ")
    return one.book(held, "TIQ")["booking_id"]


def by_own(hub, order_id, ticket):
    hub.cancel("ann", {"id": order_id}, [ticket["id"]])


def by_octo(hub, order_id, ticket):
    reseller = Reseller(hub)
    uuid = hub.get("ann", f"/v1/orders/{order_id}")["reference"]
    items = reseller.call("GET", f"/bookings/{uuid}")["unitItems"]
    kept = [
        {"uuid": item["uuid"], "unitId": item["unitId"]}
        for item in items
        if item["supplierReference"] != ticket["id"]
    ]
    reseller.call("PATCH", f"/bookings/{uuid}", {"unitItems": kept})


def shown(hub):
    [found] = hub.get("ann", "/v1/performances")["items"]
    return found["id"]


def balances(hub):
    return Counter(
        {
            (ref, one["account"]): one["balance_minor"]
            for ref in ("ann", "sup")
            for one in hub.get(
                "finance", f"/v1/contracts/{hub.ids[f'{ref}-contract']}/balances"
            )["items"]
        }
    )


def moved(hub, before):
    after = balances(hub)
    after.subtract(before)
    return {account: minor for account, minor in after.items() if minor}


def rows(hub, order_id):
    order = hub.get("ann", f"/v1/orders/{order_id}")
    unlike = {"id", "hold_id", "reference", "confirmed_at", "tickets", "refunds"}
    told = {
        name: said for name, said in order.items() if name not in unlike | {"buyer"}
    }
    tickets = Counter((t["line_no"], t["state"]) for t in order["tickets"])
    back = [
        {k: v for k, v in one.items() if k not in {"at", "ticket_ids"}}
        for one in order["refunds"]
    ]
    return told, tickets, back


# The supplier API of Tiqets gives back whole bookings: a part goes by the hub's own.
LANGUAGES = {"own": (own, by_own), "octo": (octo, by_octo), "tiqets": (tiqets, by_own)}


CENTS = (
    *("kind", "tickets", "face_minor", "booking_fee_minor", "service_fee_minor"),
    *("commission_minor", "other_minor", "due_minor"),
)


def stated(hub, orders):
    """Return what the closed month's statements have of each order, on each side."""
    end_month(hub)
    statements = closed(hub)
    found = {}
    for name, order_id in orders.items():
        found[name] = {
            who: Counter(
                tuple(line[cent] for cent in CENTS)
                for line in table(hub, "finance", statement)
                if line["order_id"] == order_id
            )
            for who, statement in statements.items()
        }
    return found


@pytest.fixture
def told(hub):
    begin_month(hub)
    hub.on_sale(days=50)
    return {}


def test_the_same_sale_is_the_same_in_every_language(hub, told):
    orders = {}
    for name, (sell, give_back) in LANGUAGES.items():
        before = balances(hub)
        order_id = orders[name] = sell(hub)
        sold = moved(hub, before)
        ticket = hub.get("ann", f"/v1/orders/{order_id}")["tickets"][0]
        give_back(hub, order_id, ticket)
        hub.move_clock(minutes=16)
        told[name] = (rows(hub, order_id), sold, moved(hub, before))
    assert sold
    assert told["octo"] == told["own"]
    assert told["tiqets"] == told["own"]
    lines = [line["state"] for line in told["own"][0][0]["lines"]]
    assert lines == ["partly_cancelled", "confirmed"]
    statements = stated(hub, orders)
    assert statements["octo"] == statements["own"]
    assert statements["tiqets"] == statements["own"]
    assert all(statements["own"][who].total() == 3 for who in ("ann", "sup"))
    hub.assert_lawful()
