"""Real names, codes of an order, and the prices a supplier lets tickets go for."""

from uuid import uuid4

import pytest

from tests.hubs import offer, performance, season

ID = {"id_type": "passport", "id_number": "P 123-4567"}


def person(name="Ann Example", number="P1234567"):
    return {"name": name, "id_type": "passport", "id_number": number}


def confirm(hub, who, hold, expect=201, **more):
    wanted = {"hold_id": hold["id"], "reference": str(uuid4()), **more}
    return hub.post(who, "/v1/orders", wanted, expect, key=str(uuid4()))


def held(hub, who, sold, count):
    return hub.hold(who, [(hub.offer_id(who, sold["id"]), count)])


def test_a_buyer_is_asked_for_by_document_where_the_venue_does(hub):
    sold = hub.on_sale(names="order")
    assert sold["names"] == "order"
    hold = held(hub, "ann", sold, 2)
    refused = confirm(hub, "ann", hold, 422)
    assert (refused["code"], refused["asks_for"]) == ("real-name-required", "buyer")
    nameless = confirm(hub, "ann", hold, 422, buyer={"name": "Ann"})
    assert nameless["code"] == "real-name-required"
    half = confirm(hub, "ann", hold, 422, buyer={"name": "Ann", "id_type": "passport"})
    assert half["code"] == "invalid-request"
    order = confirm(
        hub, "ann", hold, buyer={"name": "Ann", **ID, "email": "ann@example.org"}
    )
    shown = {"name": "Ann", "id_type": "passport", "id_ends_with": "4567"}
    assert order["buyer"] == shown
    assert hub.get("ann", f"/v1/orders/{order['id']}") == order
    assert "1234567" not in str(order)


def test_each_ticket_has_a_holder_and_nobody_two(hub):
    sold = hub.on_sale(names="ticket")
    hold = held(hub, "ann", sold, 2)
    few = confirm(hub, "ann", hold, 422, holders=[person()])
    assert (few["code"], few["needed"], few["given"]) == ("real-name-required", 2, 1)
    twice = [person(), person("Ann again", "p123 4567")]
    assert confirm(hub, "ann", hold, 422, holders=twice)["code"] == "name-twice"
    two = [person(), person("Bob", "B7654321")]
    order = confirm(hub, "ann", hold, holders=two)
    names = {t["holder"]["name"] for t in order["tickets"]}
    assert names == {"Ann Example", "Bob"}
    assert hub.get("ann", f"/v1/orders/{order['id']}") == order
    other = held(hub, "bob", sold, 1)
    taken = confirm(hub, "bob", other, 409, holders=[person("Somebody")])
    assert taken["code"] == "name-taken"
    anns = next(t for t in order["tickets"] if t["holder"]["name"] == "Ann Example")
    hub.cancel("ann", order, [anns["id"]])
    assert confirm(hub, "bob", other, holders=[person("Ann Example")])["tickets"]
    hub.assert_lawful()


def test_names_nobody_asks_for_are_not_kept(hub):
    sold = hub.on_sale()
    hold = held(hub, "ann", sold, 1)
    refused = confirm(hub, "ann", hold, 422, holders=[person()])
    assert (refused["code"], refused["asks_for"]) == ("real-name-required", "nobody")


def test_one_code_lets_a_whole_order_in_where_the_venue_says_so(hub):
    sold = hub.on_sale(admission="order")
    order = confirm(hub, "ann", held(hub, "ann", sold, 3))
    codes = {ticket["code"] for ticket in order["tickets"]}
    assert len(codes) == 1
    again = confirm(hub, "ann", held(hub, "ann", sold, 1))
    assert again["tickets"][0]["code"] not in codes
    path = f"/v1/orders/{order['id']}/tickets/{order['tickets'][0]['id']}/replacements"
    new = hub.post("ann", path, {"reason": "shown on the net"}, key="r")
    assert len({t["code"] for t in new["tickets"]} - codes) == 1
    assert hub.get("ann", f"/v1/orders?ticket_code={codes.pop()}")["items"] == []


@pytest.mark.parametrize(
    ("resale", "price", "is_allowed"),
    [
        ({"floor_minor": 4_000, "ceiling_minor": 5_000}, 4_500, True),
        ({"floor_minor": 4_000, "ceiling_minor": 5_000}, 3_999, False),
        ({"floor_minor": 4_000, "ceiling_minor": 5_000}, 5_001, False),
        ({"floor_minor": 4_000}, 1_000_000, True),
        ({"ceiling_minor": 5_000}, 0, True),
        ({"floor_minor": 4_650, "ceiling_minor": 4_650}, 4_651, False),
        ({"floor_minor": 4_650, "ceiling_minor": 4_650}, None, False),
        ({}, None, True),
    ],
)
def test_a_ticket_goes_for_no_price_its_supplier_does_not_allow(
    hub, resale, price, is_allowed
):
    sold = hub.on_sale(offers=[offer(resale=resale), offer("stalls")])
    shown = hub.areas("ann", sold["id"])["floor"]["offers"][0]
    bounds = (shown["resale_floor_minor"], shown["resale_ceiling_minor"])
    assert bounds == (resale.get("floor_minor"), resale.get("ceiling_minor"))
    said = {} if price is None else {"resale": [{"line_no": 1, "price_minor": price}]}
    hold = held(hub, "ann", sold, 1)
    found = confirm(hub, "ann", hold, 201 if is_allowed else 422, **said)
    if is_allowed:
        assert found["lines"][0]["resale_minor"] == price
    else:
        assert found["code"] == "resale-price"
        assert (found["floor_minor"], found["ceiling_minor"]) == bounds


def test_names_are_compared_by_performance_and_kind_of_document(hub):
    hub.deliver(
        [
            *season(names="ticket")[:3],
            performance(names="ticket"),
            performance("p2", days=31, names="ticket"),
        ]
    )
    hub.plan()
    first, second = hub.get("ann", "/v1/performances")["items"]
    confirm(hub, "ann", held(hub, "ann", first, 1), holders=[person()])
    offers = [hub.offer_id("bob", p["id"]) for p in (first, second)]
    both = hub.hold("bob", [(offers[0], 1), (offers[1], 1)])
    swapped = [person("Y", "Y1234567"), person()]  # ann's person sees the second
    card = {"name": "Z", "id_type": "national-id", "id_number": "P1234567"}
    assert confirm(hub, "bob", both, holders=swapped)["tickets"]
    other = held(hub, "bob", first, 1)
    assert confirm(hub, "bob", other, holders=[card])["tickets"]


def test_what_was_sold_elsewhere_is_booked_without_names_and_prices(hub):
    rule = {"agent": "ann", "kind": "free-sale", "mode": "sell-and-report"}
    plan = {"rules": [{"channel": "online", "kind": "free-sale", "rules": [rule]}]}
    bound = offer(resale={"floor_minor": 4_000})
    sold = hub.on_sale(plan, names="ticket", offers=[bound, offer("stalls")])
    line = {"offer_id": hub.offer_id("ann", sold["id"]), "quantity": 2}
    body = {"lines": [line], "reference": "elsewhere"}
    order = hub.post("ann", "/v1/sales-reports", body, key="r")
    assert [ticket["holder"] for ticket in order["tickets"]] == [None, None]
