"""Placing, showing and releasing holds."""

from uuid import uuid4

import pytest

from tests.hubs import offer, performance, season


def test_a_hold_fixes_price_commission_and_net(hub):
    sold = hub.on_sale()
    hold = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 3)])
    line = hold["lines"][0]
    assert line["face_minor"] == 13_500
    assert line["booking_fee_minor"] == 450
    assert line["commission_minor"] == 1_080  # 8 % of the face value
    assert line["service_fee_minor"] == 300  # 1.00 a ticket
    assert line["net_minor"] == 13_950 + 300 - 1_080
    told = {amount["what"]: amount for amount in line["terms"]["amounts"]}
    assert told["commission"]["inputs"] == {"rate": 800, "base_minor": 13_500}
    assert told["commission"]["state"] == line["terms"]["state"] == "final"
    assert hold["net_minor"] == line["net_minor"]


def test_availability_goes_down_and_comes_back(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    hold = hub.hold("ann", [(offer_id, 10)])
    assert hub.areas("bob", sold["id"])["floor"]["available"] == 140
    gone = hub.call("ann", "DELETE", f"/v1/holds/{hold['id']}").get_json()
    assert gone["state"] == "released"
    assert hub.areas("bob", sold["id"])["floor"]["available"] == 150
    again = hub.call("ann", "DELETE", f"/v1/holds/{hold['id']}")
    assert again.status_code == 200
    hub.assert_lawful()


def test_more_than_is_free_is_refused_with_what_is(hub):
    sold = hub.on_sale(floor=5)
    offer_id = hub.offer_id("ann", sold["id"])
    hub.hold("ann", [(offer_id, 3)])
    refused = hub.hold("bob", [(offer_id, 3)], expect=409)
    assert refused["code"] == "allotment-exhausted"
    assert (refused["wanted"], refused["free"], refused["bound_by"]) == (3, 2, "area")
    assert refused["retry"] == "requote"
    hub.assert_lawful()


def test_all_lines_or_none(hub):
    sold = hub.on_sale(floor=5)
    floor = hub.offer_id("ann", sold["id"])
    child = hub.offer_id("ann", sold["id"], price_type="child")
    stalls = hub.offer_id("ann", sold["id"], "stalls")
    refused = hub.hold("ann", [(stalls, 2), (floor, 3), (child, 3)], expect=409)
    assert refused["code"] == "allotment-exhausted"
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 5
    assert hub.areas("ann", sold["id"])["stalls"]["available"] == 30
    seats = hub.get("ann", f"/v1/performances/{sold['id']}/seats")["items"]
    assert all(seat["is_free"] for seat in seats)
    hub.assert_lawful()


def test_seats_are_adjacent_and_in_the_middle_of_the_best_row(hub):
    sold = hub.on_sale()
    stalls = hub.offer_id("ann", sold["id"], "stalls")
    hold = hub.hold("ann", [(stalls, 4)])
    seats = hold["lines"][0]["seats"]
    assert [(seat["row"], seat["number"]) for seat in seats] == [
        ("A", "4"),
        ("A", "5"),
        ("A", "6"),
        ("A", "7"),
    ]


def test_chosen_seats_are_held_all_or_none(hub):
    sold = hub.on_sale()
    stalls = hub.offer_id("ann", sold["id"], "stalls")
    seats = hub.get("ann", f"/v1/performances/{sold['id']}/seats")["items"]
    chosen = [seats[5]["id"], seats[6]["id"]]
    hold = hub.hold("ann", [(stalls, chosen)])
    assert [seat["id"] for seat in hold["lines"][0]["seats"]] == chosen
    refused = hub.hold("bob", [(stalls, [seats[6]["id"], seats[7]["id"]])], expect=409)
    assert refused["code"] == "seats-taken"
    (taken,) = refused["seats"]
    assert (taken["row"], taken["number"]) == ("A", "7")
    now = hub.get("bob", f"/v1/performances/{sold['id']}/seats")["items"]
    assert [seat["is_free"] for seat in now[4:9]] == [True, False, False, True, True]
    hub.assert_lawful()


def test_a_hold_lapses_by_itself_and_its_places_are_sold_to_the_next(hub):
    sold = hub.on_sale(floor=2)
    offer_id = hub.offer_id("ann", sold["id"])
    hold = hub.hold("ann", [(offer_id, 2)])
    hub.move_clock(minutes=16)
    assert hub.get("ann", f"/v1/holds/{hold['id']}")["state"] == "lapsed"
    taken = hub.hold("bob", [(offer_id, 2)])
    assert taken["state"] == "held"
    hub.assert_lawful()
    refused = hub.confirm("ann", hold, expect=409)
    assert refused["code"] == "hold-expired"


def test_lapsed_seats_are_sold_to_the_next(hub):
    sold = hub.on_sale()
    stalls = hub.offer_id("ann", sold["id"], "stalls")
    held = hub.hold("ann", [(stalls, 2)])["lines"][0]["seats"]
    hub.move_clock(minutes=16)
    ids = [seat["id"] for seat in held]
    assert hub.hold("bob", [(stalls, ids)])["state"] == "held"
    hub.assert_lawful()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"on_sale_at": "2035-01-01T00:00:00Z"}, "sales-not-open"),
        ({"cut_off_at": "2020-01-01T00:00:00Z"}, "sales-closed"),
        ({"status": "cancelled"}, "performance-cancelled"),
    ],
)
def test_nothing_is_held_outside_the_sale(hub, change, code):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    days = 4_000 if "on_sale_at" in change else 30
    if days > 3_660:
        days = 3_650
    hub.deliver([performance(version=2, days=days, **change)])
    refused = hub.hold("ann", [(offer_id, 1)], expect=409)
    assert refused["code"] == code
    found = hub.get("ann", f"/v1/performances/{sold['id']}/availability")
    assert found["not_on_sale_because"] == code
    assert {area["available"] for area in found["areas"]} == {0}


def test_what_is_not_announced_is_not_there(hub):
    hub.on_sale()
    hub.deliver([performance("p2", announce_at="2035-01-01T00:00:00Z", days=3_650)])
    hub.work()
    listed = hub.get("ann", "/v1/performances")["items"]
    assert len(listed) == 1


def test_a_withdrawn_performance_keeps_its_orders_and_sells_no_more(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    hold = hub.hold("ann", [(offer_id, 1)])
    others = [performance(f"x{no}") for no in range(5)]
    hub.deliver(others)
    done = hub.deliver(others, mode="full")
    assert (done["state"], done["withdrawn"]) == ("done", 1)
    assert hub.hold("ann", [(offer_id, 1)], expect=409)["code"] == "not-offered"
    assert hub.confirm("ann", hold)["state"] == "confirmed"
    hub.assert_lawful()


def test_limits_currencies_and_allotments_are_checked(hub):
    hub.add_partner("eve", "agent", channel="corporate", commission_bp=100)
    records = season()
    records[-1]["offers"] += [
        offer(price_type="group", tickets_min=4, tickets_max=6),
        {**offer(price_type="foreign"), "currency": "USD"},
    ]
    hub.deliver(records)
    hub.plan()
    sold = hub.get("ann", "/v1/performances")["items"][0]
    group = hub.offer_id("ann", sold["id"], price_type="group")
    adult = hub.offer_id("ann", sold["id"])
    assert hub.hold("ann", [(group, 3)], expect=422)["code"] == "ticket-limit"
    assert hub.hold("ann", [(group, 4), (group, 4)], expect=422)["wanted"] == 8
    assert hub.hold("eve", [(adult, 1)], expect=409)["code"] == "not-allotted"
    assert hub.hold("ann", [(str(uuid4()), 1)], expect=404)["code"] == "not-found"
    assert "foreign" not in [
        found["price_type"] for found in hub.areas("ann", sold["id"])["floor"]["offers"]
    ]


def test_the_same_key_replays_and_another_body_is_refused(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    first = hub.hold("ann", [(offer_id, 2)], key="mine")
    assert hub.hold("ann", [(offer_id, 2)], key="mine") == first
    reused = hub.hold("ann", [(offer_id, 3)], key="mine", expect=422)
    assert reused["code"] == "idempotency-key-reused"
    assert hub.hold("bob", [(offer_id, 2)], key="mine") != first
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 146


def test_a_repeat_is_answered_even_if_the_offer_is_gone(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"], price_type="child")
    first = hub.hold("ann", [(offer_id, 2)], key="mine")
    hub.deliver([performance(version=2, offers=[offer()])])
    assert hub.hold("ann", [(offer_id, 2)], key="mine") == first
    assert hub.hold("ann", [(offer_id, 2)], expect=404)["code"] == "not-found"


def test_a_refusal_is_not_stored_under_the_key(hub):
    sold = hub.on_sale(floor=2)
    offer_id = hub.offer_id("ann", sold["id"])
    blocker = hub.hold("bob", [(offer_id, 2)])
    hub.hold("ann", [(offer_id, 2)], key="mine", expect=409)
    hub.call("bob", "DELETE", f"/v1/holds/{blocker['id']}")
    assert hub.hold("ann", [(offer_id, 2)], key="mine")["state"] == "held"


def test_the_walk_explains_what_is_available(hub):
    plan = {
        "keep_shared_bp": 10_000,
        "rules": [
            {
                "channel": "online",
                "kind": "free-sale",
                "rules": [
                    {"agent": "ann", "kind": "fixed", "seats": 20, "ceiling": 30},
                    {"agent": "bob", "kind": "free-sale"},
                ],
            }
        ],
    }
    sold = hub.on_sale(plan)
    ann = hub.areas("ann", sold["id"])["floor"]
    assert ann["available"] == 30
    assert ann["walk"][0] == {
        "level": "agent",
        "guarantee": 20,
        "ceiling": 30,
        "taken": 0,
        "overcommitted": 0,
        "binds": True,
    }
    bob = hub.areas("bob", sold["id"])["floor"]
    assert bob["available"] == 130
    assert [step["level"] for step in bob["walk"] if step["binds"]] == ["area"]


def test_performances_are_paged_by_start(hub):
    hub.on_sale()
    hub.deliver([performance(f"q{no}", days=40 + no % 3) for no in range(25)])
    seen, after = [], ""
    while after is not None:
        found = hub.get("ann", f"/v1/performances?limit=10{after}")
        seen += found["items"]
        after = found["next"] and f"&after={found['next']}"
    keys = [(item["starts_at"], item["id"]) for item in seen]
    assert keys == sorted(keys)
    assert len({item["id"] for item in seen}) == 26
