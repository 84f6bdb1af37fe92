"""Giving tickets back: what it would come to, what must go along, and exchanges."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from hub.sales.services.returned import NAMES
from tests.hubs import auditorium, offer, performance, production, venue

KEEPS = {
    "refund": {
        "commission": "kept",
        "service_fee": "kept",
        "fee_per_ticket_minor": 50,
    }
}


def quote(hub, order, tickets=None, who="ann", expect=200):
    wanted = {} if tickets is None else {"ticket_ids": tickets}
    path = f"/v1/orders/{order['id']}/cancellation-quotes"
    return hub.post(who, path, wanted, expect)


def owed(hub, who="ann"):
    return hub.credit(who)["exposure_minor"]


def ids(order):
    return [ticket["id"] for ticket in order["tickets"]]


def keeping(hub):
    """Give the agent terms that keep what they can of what is cancelled."""
    clauses = {"commission": {"kind": "percent", "rate": 800}, **KEEPS}
    clauses["service_fees"] = [{"fixed_minor": 100}]
    own = {"kind": "percent", "rate": 1200}
    fee = {"commission": own, "refund": {"booking_fee": "kept"}}
    hub.agree("sup", fee, scope={"channel": "online"})
    hub.agree("ann", clauses, scope={"channel": "online"})


@pytest.mark.parametrize("is_kept", [False, True])
def test_what_a_quote_says_is_what_cancelling_does(hub, is_kept):
    if is_kept:
        keeping(hub)
    sold = hub.on_sale()
    hold = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 3)])
    order = hub.confirm("ann", hold)
    before = owed(hub)
    assert before == hold["net_minor"]
    said = quote(hub, order, ids(order)[:2])
    assert said["is_possible"]
    assert not said["is_free"]
    assert said["until"] == sold["starts_at"]
    assert said["order_version"] == 1
    kept = 4500 * 2 if is_kept else 4650 * 2
    assert said["price_minor"] == kept
    assert said["refund_fee_minor"] == (100 if is_kept else 0)
    hub.cancel("ann", order, ids(order)[:2])
    assert before - owed(hub) == said["net_minor"]
    rest = quote(hub, order)
    assert rest["order_version"] == 2
    after = hub.cancel("ann", order)
    assert owed(hub) == before - said["net_minor"] - rest["net_minor"]
    for told, quoted in zip(after["refunds"], (said, rest), strict=True):
        assert told["cancelled_for"] == "agent"
        assert {n: told[n] for n in NAMES} == {n: quoted[n] for n in NAMES}
    assert [len(told["ticket_ids"]) for told in after["refunds"]] == [2, 1]
    hub.assert_lawful()


def test_a_quote_tells_why_not_and_changes_nothing(hub):
    sold = hub.on_sale(days=1)
    order = hub.confirm("ann", hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 2)]))
    hub.cancel("ann", order, ids(order)[:1])
    said = quote(hub, order, ids(order))
    assert not said["is_possible"]
    assert [t["reason"] for t in said["tickets"]].count("already-cancelled") == 1
    assert said["price_minor"] == 4650
    hub.move_clock(days=2)
    late = quote(hub, order)
    assert [t["reason"] for t in late["tickets"]] == ["past-cancellation"]
    assert not late["is_possible"]
    assert late["net_minor"] == 0
    assert quote(hub, order, [str(uuid4())], expect=404)["code"] == "not-found"
    assert quote(hub, order, who="bob", expect=404)["code"] == "not-found"
    assert hub.get("ann", f"/v1/orders/{order['id']}")["version"] == 2


def test_an_order_that_changed_since_is_not_cancelled_by_mistake(hub):
    sold = hub.on_sale()
    order = hub.confirm("ann", hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 2)]))
    path = f"/v1/orders/{order['id']}/cancellations"
    hub.cancel("ann", order, ids(order)[:1])
    stale = hub.post("ann", path, {"order_version": 1}, 409, key="a")
    assert (stale["code"], stale["version"]) == ("order-changed", 2)
    wrong = hub.post("ann", path, {"net_minor": 1}, 409, key="b")
    said = quote(hub, order)["net_minor"]
    assert (wrong["code"], wrong["net_minor"]) == ("cancellation-difference", said)
    hub.post("ann", path, {"order_version": 2, "net_minor": said}, key="c")


def seated(hub, seats, **more):
    """Sell some seats of one row; return the order."""
    room = auditorium(rows=1, seats_in_row=2)
    room["areas"][1]["rows"][0]["seats"] = seats
    stalls = offer("stalls", face_minor=8000, **more)
    shown = performance(stalls=len(seats), offers=[offer(), stalls])
    hub.deliver([venue(), room, production(), shown])
    hub.plan()
    sold = hub.get("ann", "/v1/performances")["items"][0]
    found = hub.get("ann", f"/v1/performances/{sold['id']}/seats")["items"]
    chosen = [seat["id"] for seat in found]
    hold = hub.hold("ann", [(hub.offer_id("ann", sold["id"], "stalls"), chosen)])
    return hub.confirm("ann", hold)


def by_number(order):
    return {t["seat"]["number"]: t["id"] for t in order["tickets"]}


def test_the_other_seat_of_a_pair_must_go_along(hub):
    pair = [{"number": n, "pair": "x"} for n in "12"]
    order = seated(hub, [*pair, {"number": "3"}])
    seat = by_number(order)
    said = quote(hub, order, [seat["1"]])
    assert said["must_also_cancel"] == [seat["2"]]
    assert not said["is_possible"]
    refused = hub.cancel("ann", order, [seat["1"]], expect=409)
    assert refused["code"] == "must-also-cancel"
    assert refused["ticket_ids"] == [seat["2"]]
    hub.cancel("ann", order, [seat["3"]])
    hub.cancel("ann", order, [seat["1"], seat["2"]])
    hub.assert_lawful()


def test_a_companion_does_not_stay_without_a_wheelchair(hub):
    kinds = ["wheelchair", "companion", "standard"]
    order = seated(hub, [{"number": str(n), "kind": k} for n, k in enumerate(kinds)])
    seat = by_number(order)
    assert quote(hub, order, [seat["0"]])["must_also_cancel"] == [seat["1"]]
    assert quote(hub, order, [seat["2"]])["must_also_cancel"] == []
    hub.cancel("ann", order, [seat["1"]])
    assert quote(hub, order, [seat["0"]])["must_also_cancel"] == []


def test_fewer_than_the_offer_is_sold_in_do_not_stay(hub):
    order = seated(hub, [{"number": n} for n in "123"], tickets_min=2)
    seat = by_number(order)
    assert quote(hub, order, [seat["1"]])["must_also_cancel"] == []
    two = quote(hub, order, [seat["1"], seat["2"]])
    assert two["must_also_cancel"] == [seat["3"]]


def two_nights(hub):
    """Put two performances on sale; return an order for the first, offers of both."""
    hub.deliver(
        [venue(), auditorium(), production(), performance(), performance("p2", days=31)]
    )
    hub.plan()
    first, second = hub.get("ann", "/v1/performances")["items"]
    offers = [hub.offer_id("ann", found["id"]) for found in (first, second)]
    order = hub.confirm("ann", hub.hold("ann", [(offers[0], 2)]), "A-1")
    return order, offers, [first, second]


def exchange(hub, order, hold, difference, *, expect=201, key=None, **more):
    wanted = {
        "hold_id": hold["id"],
        "difference_minor": difference,
        "reference": "A-2",
        **more,
    }
    path = f"/v1/orders/{order['id']}/exchanges"
    return hub.post("ann", path, wanted, expect, key=key or str(uuid4()))


def difference(hub, order, hold, expect=200, **more):
    path = f"/v1/orders/{order['id']}/exchange-quotes"
    return hub.post("ann", path, {"hold_id": hold["id"], **more}, expect)


def test_an_exchange_is_both_or_neither_at_the_difference_that_was_shown(hub):
    keeping(hub)
    order, offers, _ = two_nights(hub)
    hold = hub.hold("ann", [(offers[1], 3)])
    said = difference(hub, order, hold)
    assert said["price_minor"] == 3 * 4650
    assert said["difference_minor"] == 3 * 4650 - 2 * 4500 + 100
    before = owed(hub)
    wrong = exchange(hub, order, hold, 0, expect=409)
    assert wrong["code"] == "exchange-difference"
    assert wrong["difference_minor"] == said["difference_minor"]
    assert hub.get("ann", f"/v1/orders/{order['id']}") == order
    new = exchange(hub, order, hold, said["difference_minor"], key="x")
    assert exchange(hub, order, hold, said["difference_minor"], key="x") == new
    assert new["exchanged_from"] == order["id"]
    assert len(new["tickets"]) == 3
    assert owed(hub) - before == said["net_difference_minor"]
    old = hub.get("ann", f"/v1/orders/{order['id']}")
    assert old["state"] == "cancelled"
    assert {t["cancelled_for"] for t in old["tickets"]} == {"exchange"}
    assert {t["code"] for t in old["tickets"]} == {None}
    hub.assert_lawful()


def test_an_exchange_that_cannot_be_leaves_everything_as_it_was(hub):
    order, offers, nights = two_nights(hub)
    hold = hub.hold("ann", [(offers[1], 1)])
    said = difference(hub, order, hold, ticket_ids=ids(order)[:1])
    money = owed(hub)
    taken = exchange(
        hub,
        order,
        hold,
        said["difference_minor"],
        expect=409,
        reference="A-1",
        ticket_ids=ids(order)[:1],
    )
    assert taken["code"] == "reference-taken"
    assert hub.get("ann", f"/v1/orders/{order['id']}") == order
    assert owed(hub) == money
    assert hub.areas("ann", nights[0]["id"])["floor"]["available"] == 148
    hub.call("ann", "DELETE", f"/v1/holds/{hold['id']}")
    gone = difference(hub, order, hold, expect=409)
    assert gone["code"] == "hold-released"
    hub.assert_lawful()


def test_a_replaced_code_opens_no_door_any_more(hub, session):
    sold = hub.on_sale()
    order = hub.confirm("ann", hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 2)]))
    first, second = order["tickets"]
    path = f"/v1/orders/{order['id']}/tickets/{first['id']}/replacements"
    new = hub.post("ann", path, {"reason": "lost"}, key="r")
    assert hub.post("ann", path, {"reason": "lost"}, key="r") == new
    codes = {t["id"]: t["code"] for t in new["tickets"]}
    assert codes[first["id"]] != first["code"]
    assert codes[second["id"]] == second["code"]
    assert new["version"] == 2
    assert session.scalars(text("SELECT code FROM former_code")).all() == [
        first["code"]
    ]
    hub.cancel("ann", order, [first["id"]])
    refused = hub.post("ann", path, {"reason": "lost"}, 409, key="s")
    assert refused["code"] == "ticket-cancelled"


def test_orders_are_found_by_what_is_known_of_them(hub):
    order, offers, nights = two_nights(hub)
    second = hub.confirm("ann", hub.hold("ann", [(offers[1], 1)]), "A_2")
    hub.confirm("bob", hub.hold("bob", [(offers[1], 1)]), "A-9")

    def found(**where):
        asked = "&".join(f"{name}={value}" for name, value in where.items())
        return [o["reference"] for o in hub.get("ann", f"/v1/orders?{asked}")["items"]]

    assert found() == ["A-1", "A_2"]
    assert found(reference_starts="A-") == ["A-1"]
    assert found(reference_starts="A_") == ["A_2"]
    assert found(performance_id=nights[1]["id"]) == ["A_2"]
    assert found(ticket_code=order["tickets"][0]["code"]) == ["A-1"]
    assert found(state="cancelled") == []
    hub.cancel("ann", order)
    assert found(state="cancelled") == ["A-1"]
    at = second["confirmed_at"].replace("+", "%2B")
    assert found(confirmed_from=at) == ["A_2"]
    assert found(confirmed_until=at) == ["A-1"]
