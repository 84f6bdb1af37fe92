"""Confirming holds and cancelling tickets."""

from uuid import uuid4

from sqlalchemy import text

from tests.hubs import performance


def sold_order(hub, quantity=3, **more):
    sold = hub.on_sale(**more)
    hold = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), quantity)])
    return sold, hold, hub.confirm("ann", hold, "A-1")


def test_an_order_has_a_ticket_for_each_place_with_its_own_code(hub):
    _, _, order = sold_order(hub)
    codes = [ticket["code"] for ticket in order["tickets"]]
    assert len(set(codes)) == 3
    assert all(len(code) == 16 for code in codes)
    assert hub.get("ann", f"/v1/orders/{order['id']}") == order
    found = hub.get("ann", "/v1/orders?reference=A-1")["items"]
    assert found == [order]
    assert hub.get("bob", "/v1/orders?reference=A-1")["items"] == []
    hub.assert_lawful()


def test_tickets_of_seated_areas_name_their_seats(hub):
    sold = hub.on_sale()
    hold = hub.hold("ann", [(hub.offer_id("ann", sold["id"], "stalls"), 2)])
    order = hub.confirm("ann", hold)
    seats = [(t["seat"]["row"], t["seat"]["number"]) for t in order["tickets"]]
    assert seats == [("A", "5"), ("A", "6")]


def test_a_hold_is_confirmed_once(hub):
    _, hold, order = sold_order(hub)
    again = hub.confirm("ann", hold, "A-2", expect=409)
    assert again["code"] == "already-confirmed"
    released = hub.call("ann", "DELETE", f"/v1/holds/{hold['id']}")
    assert released.get_json()["code"] == "already-confirmed"
    assert hub.get("ann", f"/v1/orders/{order['id']}")["state"] == "confirmed"


def test_a_reference_is_used_once_by_an_agent(hub):
    sold, _, _ = sold_order(hub)
    offer_id = hub.offer_id("ann", sold["id"])
    hold = hub.hold("ann", [(offer_id, 1)])
    taken = hub.confirm("ann", hold, "A-1", expect=409)
    assert taken["code"] == "reference-taken"
    assert hub.confirm("ann", hold, "A-2")["reference"] == "A-2"
    assert hub.confirm("bob", hub.hold("bob", [(offer_id, 1)]), "A-1")
    hub.assert_lawful()


def test_a_released_hold_cannot_be_confirmed(hub):
    sold = hub.on_sale()
    hold = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    hub.call("ann", "DELETE", f"/v1/holds/{hold['id']}")
    assert hub.confirm("ann", hold, expect=409)["code"] == "hold-released"


def test_a_hold_of_a_cancelled_performance_cannot_be_confirmed(hub):
    sold = hub.on_sale()
    hold = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    hub.deliver([performance(version=2, status="cancelled")])
    refused = hub.confirm("ann", hold, expect=409)
    assert refused["code"] == "performance-cancelled"


def test_confirming_twice_with_one_key_is_one_order(hub):
    sold = hub.on_sale()
    hold = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    first = hub.confirm("ann", hold, "A-1", key="k")
    assert hub.confirm("ann", hold, "A-1", key="k") == first
    reused = hub.confirm("ann", hold, "A-2", key="k", expect=422)
    assert reused["code"] == "idempotency-key-reused"


def test_price_and_terms_are_those_of_the_hold(hub):
    sold = hub.on_sale()
    hold = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    dearer = performance(version=2)
    dearer["offers"][0]["face_minor"] = 9_900
    hub.deliver([dearer])
    order = hub.confirm("ann", hold)
    assert order["lines"][0]["face_minor"] == 4_500
    now = hub.areas("ann", sold["id"])["floor"]["offers"]
    assert [o["face_minor"] for o in now if o["price_type"] == "adult"] == [9_900]


def test_cancelling_in_part_and_then_the_rest_returns_every_cent(hub, session):
    sold, _, order = sold_order(hub, quantity=3)
    tickets = [ticket["id"] for ticket in order["tickets"]]
    part = hub.cancel("ann", order, tickets[:1])
    assert part["state"] == "partly_cancelled"
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 148
    hub.assert_lawful()
    rest = hub.cancel("ann", order)
    assert rest["state"] == "cancelled"
    assert [line["cancelled"] for line in rest["lines"]] == [3]
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 150
    hub.assert_lawful()
    sums = session.execute(
        text("SELECT account, sum(amount_minor) FROM posting GROUP BY account")
    )
    assert {total for _, total in sums} == {0}


def test_cancelling_twice_is_refused_and_with_the_same_key_replayed(hub):
    _, _, order = sold_order(hub)
    one = order["tickets"][0]["id"]
    first = hub.cancel("ann", order, [one], key="c")
    assert hub.cancel("ann", order, [one], key="c") == first
    assert hub.cancel("ann", order, [one], expect=409)["code"] == "already-cancelled"
    hub.cancel("ann", order)
    assert hub.cancel("ann", order, expect=409)["code"] == "already-cancelled"
    foreign = hub.cancel("ann", order, [str(uuid4())], expect=404)
    assert foreign["code"] == "not-found"
    hub.assert_lawful()


def test_cancelled_seats_are_sold_again(hub):
    sold = hub.on_sale()
    stalls = hub.offer_id("ann", sold["id"], "stalls")
    order = hub.confirm("ann", hub.hold("ann", [(stalls, 2)]))
    seats = [ticket["seat"]["id"] for ticket in order["tickets"]]
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    assert hub.hold("bob", [(stalls, seats)], expect=409)["code"] == "seats-taken"
    assert hub.hold("bob", [(stalls, seats[:1])])["state"] == "held"
    hub.assert_lawful()


def test_tickets_of_a_begun_performance_cannot_be_cancelled(hub):
    _, _, order = sold_order(hub, days=1)
    hub.move_clock(days=2)
    refused = hub.cancel("ann", order, expect=409)
    assert refused["code"] == "past-cancellation"
