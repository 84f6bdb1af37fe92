"""What limits a hold and what becomes of it: caps, extensions, options, requests."""

from datetime import timedelta

import pytest

from allocation.services.rebalancing import rebalance_due
from allocation.services.scheduling import publish_due
from hub.kernel.db import transaction
from hub.sales.services.requesting import lapse_requests
from tests.hubs import (
    TODAY,
    auditorium,
    offer,
    performance,
    production,
    seats,
    venue,
)


def agent(ref, kind="free-sale", **more):
    return {"agent": ref, "kind": kind, **more}


def floor(*agents, **more):
    channel = {"channel": "online", "rules": list(agents)}
    return {"rules": [{"area": "floor", "rules": [channel]}], **more}


BOTH = (agent("ann"), agent("bob"))


def job(work):
    with transaction() as session:
        return work(session)


def extend(hub, who, held, expect=200):
    return hub._answer(
        hub.call(who, "POST", f"/v1/holds/{held['id']}/extension"), expect
    )


# Extensions


def test_r18_a_hold_is_extended_as_often_and_as_long_as_the_plan_allows(hub):
    sold = hub.on_sale(
        floor(*BOTH, holding={"ttl_s": 600, "ttl_max_s": 1_500, "extensions_most": 3})
    )
    held = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    hub.move_clock(seconds=500)
    first = extend(hub, "ann", held)
    assert (first["version"], first["expires_at"] > held["expires_at"]) == (2, True)
    hub.move_clock(seconds=500)
    second = extend(hub, "ann", held)  # 1,000 s old: 500 s more, not 600
    hub.move_clock(seconds=450)
    refused = extend(hub, "ann", held, 409)
    assert refused["code"] == "not-extendable"
    assert refused["extendable_until"] == second["expires_at"]
    hub.move_clock(seconds=100)
    assert extend(hub, "ann", held, 409)["code"] == "hold-expired"
    assert extend(hub, "bob", held, 404)["code"] == "not-found"
    hub.assert_lawful()


def test_extensions_are_counted(hub):
    sold = hub.on_sale(
        floor(agent("ann", holding={"extensions_most": 1}), agent("bob"))
    )
    offer_id = hub.offer_id("ann", sold["id"])
    for who, most in (("ann", 1), ("bob", 2)):
        held = hub.hold(who, [(offer_id, 1)])
        for _ in range(most):
            hub.move_clock(seconds=10)
            extend(hub, who, held)
        hub.move_clock(seconds=10)
        assert extend(hub, who, held, 409)["extensions_most"] == most


def test_an_extended_hold_is_confirmed_and_a_confirmed_one_not_extended(hub):
    sold = hub.on_sale()
    held = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    hub.move_clock(seconds=60)
    extend(hub, "ann", held)
    hub.confirm("ann", held)
    assert extend(hub, "ann", held, 409)["code"] == "already-confirmed"


# Caps


CAPS = [
    ({"of": "price-type", "price_type": "child", "most": 3}, "child", 3),
    ({"of": "channel", "channel": "online", "most": 4}, "adult", 4),
    ({"of": "agent", "agent": "ann", "most": 2}, "adult", 2),
    ({"of": "agent", "most": 5, "area": "floor"}, "adult", 5),
]


@pytest.mark.parametrize(("cap", "price_type", "most"), CAPS)
def test_a_cap_counts_what_is_held_and_sold_and_promises_nothing(
    hub, cap, price_type, most
):
    sold = hub.on_sale(floor(agent("ann", "fixed", seats=20), agent("bob"), caps=[cap]))
    offer_id = hub.offer_id("ann", sold["id"], price_type=price_type)
    held = hub.hold("ann", [(offer_id, most)])
    refused = hub.hold("ann", [(offer_id, 1)], expect=409)
    assert (refused["code"], refused["cap"], refused["most"], refused["taken"]) == (
        "cap-reached",
        cap["of"],
        most,
        most,
    )
    offers = hub.areas("ann", sold["id"])["floor"]["offers"]
    told = {o["price_type"]: o["available"] for o in offers}
    assert told[price_type] == 0
    hub.call("ann", "DELETE", f"/v1/holds/{held['id']}")
    order = hub.confirm("ann", hub.hold("ann", [(offer_id, most)]))
    hub.hold("ann", [(offer_id, 1)], expect=409)
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    hub.hold("ann", [(offer_id, 1)])
    hub.hold("ann", [(offer_id, 1)], expect=409)
    hub.assert_lawful()


def test_a_cap_over_a_production_counts_all_its_performances(hub):
    cap = {"of": "agent", "agent": "ann", "over": "production", "most": 5}
    hub.deliver([venue(), auditorium(), production(), performance(), performance("p2")])
    hub.plan(floor(*BOTH, caps=[cap]))
    ids = [item["id"] for item in hub.get("ann", "/v1/performances")["items"]]
    offers = [hub.offer_id("ann", found) for found in ids]
    hub.hold("ann", [(offers[0], 3)])
    assert hub.hold("ann", [(offers[1], 3)], expect=409)["taken"] == 3
    # In one basket they are summed before the check.
    hub.hold("ann", [(offers[1], 1), (offers[0], 1)])
    hub.hold("ann", [(offers[1], 1)], expect=409)
    hub.hold("bob", [(offers[1], 9)])
    hub.assert_lawful()


def test_tickets_per_buyer_are_counted_whoever_sells(hub):
    sold = hub.on_sale(floor(*BOTH, caps=[{"of": "buyer", "most": 4}]))
    line = {"offer_id": hub.offer_id("ann", sold["id"]), "quantity": 3}

    def hold(who, buyer, expect=201):
        body = {"lines": [line]} | ({} if buyer is None else {"buyer": buyer})
        return hub.post(who, "/v1/holds", body, expect, key=f"{who}-{buyer}-{expect}")

    assert hold("ann", None, 422)["code"] == "buyer-needed"
    hold("ann", "b1")
    assert hold("bob", "b1", 409)["code"] == "cap-reached"
    assert hold("bob", " B1 ", 409)["code"] == "cap-reached"  # nobody else
    hold("bob", "b2")
    hub.assert_lawful()


def test_seats_held_at_once_are_bounded_and_free_again_when_confirmed(hub):
    sold = hub.on_sale(floor(agent("ann", holding={"held_most": 5}), agent("bob")))
    offer_id = hub.offer_id("ann", sold["id"])
    first = hub.hold("ann", [(offer_id, 3)])
    refused = hub.hold("ann", [(offer_id, 3)], expect=409)
    assert (refused["cap"], refused["most"]) == ("held", 5)
    hub.confirm("ann", first)
    second = hub.hold("ann", [(offer_id, 5)])
    hub.hold("ann", [(offer_id, 1)], expect=409)
    hub.hold("bob", [(offer_id, 9)])
    hub.call("ann", "DELETE", f"/v1/holds/{second['id']}")
    lapsing = hub.hold("ann", [(offer_id, 5)])
    hub.move_clock(hours=2)
    hub.hold("ann", [(offer_id, 5)])  # what has lapsed does not count
    assert hub.get("ann", f"/v1/holds/{lapsing['id']}")["state"] == "lapsed"
    hub.assert_lawful()


def test_look_to_book(hub):
    holding = {"look_to_book": 2, "looks_free": 3}
    sold = hub.on_sale(floor(agent("ann", holding=holding), agent("bob")))
    offer_id = hub.offer_id("ann", sold["id"])
    held = [hub.hold("ann", [(offer_id, 1)]) for _ in range(3)]
    refused = hub.hold("ann", [(offer_id, 1)], expect=429)
    assert (refused["code"], refused["holds"], refused["orders"]) == (
        "look-to-book",
        3,
        0,
    )
    hub.confirm("ann", held[0])
    for _ in range(2):
        hub.hold("ann", [(offer_id, 1)])
    hub.hold("ann", [(offer_id, 1)], expect=429)
    hub.hold("bob", [(offer_id, 1)])


def test_what_has_lapsed_elsewhere_does_not_count_in_a_cap(hub):
    """Another agent's hold of another performance stood in it until it was swept."""
    caps = [{"of": "channel", "channel": "online", "most": 6, "over": "production"}]
    hub.deliver([venue(), auditorium(), production(), performance(), performance("p2")])
    hub.plan(floor(*BOTH, caps=caps))
    first, second = (i["id"] for i in hub.get("ann", "/v1/performances")["items"])
    hub.hold("bob", [(hub.offer_id("bob", first), 5)])
    offer_id = hub.offer_id("ann", second)
    assert hub.hold("ann", [(offer_id, 5)], expect=409)["cap"] == "channel"
    hub.move_clock(hours=2)
    hub.hold("ann", [(offer_id, 5)])
    hub.assert_lawful()


def test_sub_agents_share_the_limits_of_their_agent(hub):
    """Or an agent would have as many limits as it has sub-agents."""
    hub.add_partner("eva", "agent", parent="ann")
    holding = {"held_most": 5, "look_to_book": 1, "looks_free": 3}
    ann = agent("ann", "fixed", seats=20, holding=holding)
    sold = hub.on_sale(floor(ann, agent("bob")))
    path = f"/v1/performances/{sold['id']}/areas/floor/sub-agents"
    parts = [{"sub_agent": "eva", "guarantee": 10}]
    hub._answer(hub.call("ann", "PUT", path, {"parts": parts}), 200)
    offer_id = hub.offer_id("ann", sold["id"])
    hub.hold("ann", [(offer_id, 3)])
    refused = hub.hold("eva", [(offer_id, 3)], expect=409)
    assert (refused["cap"], refused["taken"], refused["most"]) == ("held", 3, 5)
    hub.hold("eva", [(offer_id, 1)])
    hub.hold("eva", [(offer_id, 1)])
    refused = hub.hold("ann", [(offer_id, 1)], expect=429)
    assert (refused["code"], refused["holds"]) == ("look-to-book", 3)
    hub.assert_lawful()


# Windows


def test_an_agent_may_see_and_sell_before_others(hub):
    presale = {"on_sale": {"days_before": 20}}
    opens = {"on_sale": {"days_before": 10}, "cut_off": {"hours_before": 2}}
    sold = hub.on_sale(floor(agent("ann", window=presale), agent("bob"), window=opens))
    offer_id = hub.offer_id("ann", sold["id"])
    assert hub.hold("ann", [(offer_id, 1)], expect=409)["code"] == "sales-not-open"
    hub.move_clock(days=11)
    hub.hold("ann", [(offer_id, 1)])
    assert hub.hold("bob", [(offer_id, 1)], expect=409)["code"] == "sales-not-open"
    assert hub.areas("bob", sold["id"])["floor"]["nothing_because"] == "sales-not-open"
    hub.move_clock(days=10)
    hub.hold("bob", [(offer_id, 1)])
    hub.move_clock(days=8, hours=23)
    assert hub.hold("ann", [(offer_id, 1)], expect=409)["code"] == "sales-closed"


def test_a_performance_is_announced_to_one_agent_first(hub):
    early = {"announce": {"days_before": 40}}
    late = {"announce": {"days_before": 10}}
    sold = hub.on_sale(floor(agent("ann", window=early), agent("bob", window=late)))
    hub.get("ann", f"/v1/performances/{sold['id']}/availability")
    hub.get("bob", f"/v1/performances/{sold['id']}/availability", expect=404)


def test_a_hold_that_has_changed_is_not_what_was_meant(hub):
    holding = {"extensions_most": 2, "ttl_max_s": 7_200}
    sold = hub.on_sale(floor(agent("ann", holding=holding), agent("bob")))
    held = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    hub.move_clock(minutes=5)
    longer = extend(hub, "ann", held)
    assert (held["version"], longer["version"]) == (1, 2)
    path = f"/v1/holds/{held['id']}"

    def tried(method, path, version, body=None):
        return hub.call("ann", method, f"{path}?version={version}", body)

    for method, where in (("DELETE", path), ("POST", f"{path}/extension")):
        refused = tried(method, where, 1)
        assert (refused.status_code, refused.json["code"]) == (409, "hold-changed")
        assert (refused.json["version"], refused.json["known"]) == (2, 1)
    wanted = {"hold_id": held["id"], "reference": "r1", "hold_version": 1}
    refused = hub.post("ann", "/v1/orders", wanted, 409, key="stale")
    assert refused["code"] == "hold-changed"
    hub.post("ann", "/v1/orders", {**wanted, "hold_version": 2}, 201, key="fresh")
    hub.assert_lawful()


# Options


def test_a_group_option_is_kept_until_its_deadline(hub):
    holding = {"option_most": 50, "option_deadline": {"days_before": 14}}
    offers = [offer(tickets_max=100)]
    sold = hub.on_sale(
        floor(agent("ann", holding=holding), agent("bob")), offers=offers
    )
    line = {"offer_id": hub.offer_id("ann", sold["id"]), "quantity": 40}

    def option(who, days, expect=201, **more):
        until = (TODAY + timedelta(days=days)).isoformat()
        body = {"lines": [{**line, **more}], "option_until": until}
        return hub.post(who, "/v1/holds", body, expect, key=f"{who}{days}{more}")

    assert option("bob", 5, 422)["code"] == "invalid-request"
    assert option("ann", 20, 422)["code"] == "invalid-request"
    assert option("ann", 9, 409, quantity=51)["cap"] == "option"
    made = option("ann", 10)
    hub.move_clock(days=9)
    assert extend(hub, "ann", made, 409)["code"] == "not-extendable"
    hub.confirm("ann", made)
    hub.assert_lawful()


# On request, sell and report


def test_r19_a_request_takes_nothing_until_the_supplier_accepts(hub):
    rule = agent("ann", mode="on-request", pending_most=9)
    sold = hub.on_sale(floor(rule, agent("bob")), floor=10)
    offer_id = hub.offer_id("ann", sold["id"])
    asked = hub.hold("ann", [(offer_id, 6)], expect=202, key="one")
    assert asked["state"] == "requested"
    assert hub.hold("ann", [(offer_id, 6)], expect=202, key="one")["id"] == asked["id"]
    assert hub.hold("ann", [(offer_id, 4)], expect=409)["cap"] == "pending"
    assert hub.areas("bob", sold["id"])["floor"]["available"] == 10
    assert hub.confirm("ann", asked, expect=409)["code"] == "hold-requested"
    waiting = hub.get("sup", "/v1/requests")["items"]
    assert [(r["agent"], r["lines"][0]["quantity"]) for r in waiting] == [("ann", 6)]
    path = f"/v1/requests/{asked['id']}/decision"
    assert hub.post("sup", path, {"decision": "accept"}, 200)["state"] == "held"
    assert hub.areas("bob", sold["id"])["floor"]["available"] == 4
    hub.confirm("ann", asked)
    hub.post("sup", path, {"decision": "reject"}, 404)
    other = hub.hold("ann", [(offer_id, 5)], expect=202)
    refused = hub.post(
        "sup", f"/v1/requests/{other['id']}/decision", {"decision": "accept"}, 409
    )
    assert refused["code"] == "allotment-exhausted"
    hub.post("bob", path, {"decision": "accept"}, 403)
    said = {"decision": "reject", "reason": "full"}
    hub.post("sup", f"/v1/requests/{other['id']}/decision", said, 200)
    assert hub.get("ann", f"/v1/holds/{other['id']}")["state"] == "rejected"
    assert hub.confirm("ann", other, expect=409)["code"] == "hold-voided"
    last = hub.hold("ann", [(offer_id, 1)], expect=202)
    hub.move_clock(hours=49)
    assert job(lapse_requests) == 1
    assert hub.get("ann", f"/v1/holds/{last['id']}")["state"] == "lapsed"
    hub.assert_lawful()


def test_r19_what_was_sold_elsewhere_is_booked_and_shown_as_over_committed(hub):
    rule = agent("ann", mode="sell-and-report", ceiling=5)
    sold = hub.on_sale(floor(rule, agent("bob")), floor=12)
    offer_id = hub.offer_id("ann", sold["id"])

    def report(who, quantity, reference, expect=201):
        lines = [{"offer_id": offer_id, "quantity": quantity}]
        body = {"lines": lines, "reference": reference}
        return hub.post(who, "/v1/sales-reports", body, expect, key=reference)

    first = report("ann", 4, "r1")
    assert report("ann", 4, "r1")["id"] == first["id"]
    assert hub.areas("bob", sold["id"])["floor"]["available"] == 8
    report("ann", 10, "r2")
    told = hub.areas("bob", sold["id"])["floor"]
    assert (told["available"], told["nothing_because"]) == (0, "overcommitted")
    assert hub.hold("bob", [(offer_id, 1)], expect=409)["over_by"] == 2
    assert report("bob", 1, "r3", 422)["code"] == "invalid-request"
    hub.cancel("ann", first)
    hub.assert_lawful()
    assert hub.areas("bob", sold["id"])["floor"]["available"] == 2
    hub.hold("bob", [(offer_id, 2)])
    hub.assert_lawful()


# Overbooking, protection, seats


def test_r14_overbooking_is_for_general_admission_only(hub):
    over = [{"area": "floor", "seats": 4}]
    sold = hub.on_sale(floor(*BOTH, overbooking=over), floor=10)
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 14
    hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 10)])
    hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 4)])
    hub.assert_lawful()
    hub.plan(floor(*BOTH))
    assert (
        hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)], expect=409)["over_by"]
        == 4
    )
    numbered = floor(*BOTH, overbooking=[{"area": "stalls", "seats": 1}])
    refused = hub.plan(numbered, expect=422)
    assert refused["findings"][0]["reason"] == "numbered seats are never overbooked"
    hub.assert_lawful()


def test_r14_what_has_numbered_seats_later_is_not_overbooked_any_more(hub):
    over = [{"area": "floor", "seats": 4}]
    sold = hub.on_sale(floor(*BOTH, overbooking=over), floor=10)
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 14
    seated = auditorium(version=2)
    seated["areas"][0] = {
        "ref": "floor",
        "name": {"en": "Floor"},
        "rows": [{"name": "R", "seats": seats(10)}],
    }
    delivered = hub.deliver([seated])
    assert delivered["refused"] == 0, hub.refusals(delivered)
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 10
    hub.assert_lawful()


def test_an_area_that_is_sold_gets_and_loses_no_numbers(hub):
    sold = hub.on_sale()
    seated = hub.hold("ann", [(hub.offer_id("ann", sold["id"], "stalls"), 1)])
    changed = auditorium(version=2)
    floor_, stalls = changed["areas"]
    numbers = {**floor_, "rows": [{"name": "R", "seats": seats(10)}]}
    del numbers["capacity"]
    delivered = hub.deliver([{**changed, "areas": [numbers, stalls]}])
    assert delivered["refused"] == 0  # nobody stands there yet
    standing = {"ref": "stalls", "name": stalls["name"], "capacity": 30}
    again = {**changed, "version": 3, "areas": [numbers, standing]}
    delivered = hub.deliver([again])
    (refusal,) = hub.refusals(delivered)
    assert (refusal["code"], refusal["field"]) == ("area-sold", "areas")
    hub.call("ann", "DELETE", f"/v1/holds/{seated['id']}")
    assert hub.deliver([{**again, "version": 4}])["refused"] == 0
    hub.assert_lawful()


def test_r6_seats_are_kept_for_dearer_classes_by_emsr_b(hub):
    classes = [
        {
            "price_type": "adult",
            "price_minor": 10_000,
            "demand_mean": 30,
            "demand_sd": 10,
        },
        {
            "price_type": "child",
            "price_minor": 8_000,
            "demand_mean": 50,
            "demand_sd": 15,
        },
        {
            "price_type": "group",
            "price_minor": 5_000,
            "demand_mean": 120,
            "demand_sd": 30,
        },
    ]
    offers = [offer(price_type=c["price_type"], tickets_max=100) for c in classes]
    plan = floor(
        agent("ann"),
        agent("bob", "fixed", seats=5),
        protection=[{"area": "floor", "classes": classes}],
    )
    sold = hub.on_sale(plan, offers=offers)
    ids = {
        c["price_type"]: hub.offer_id("ann", sold["id"], price_type=c["price_type"])
        for c in classes
    }
    told = hub.areas("ann", sold["id"])["floor"]["offers"]
    assert {o["price_type"]: o["available"] for o in told} == {
        "adult": 145,
        "child": 124,
        "group": 69,  # limits of 150, 129 and 74 less the 5 promised to bob
    }
    hub.hold("ann", [(ids["adult"], 30)])
    refused = hub.hold("ann", [(ids["group"], 40)], expect=409)
    assert (refused["code"], refused["kept"], refused["free"]) == ("protected", 76, 39)
    hub.hold("ann", [(ids["group"], 39)])
    hub.hold("bob", [(ids["group"], 5)])  # promised to bob, whatever the class
    hub.hold("bob", [(ids["group"], 1)], expect=409)
    hub.hold("ann", [(ids["child"], 55)])
    hub.hold("ann", [(ids["child"], 1)], expect=409)
    hub.hold("ann", [(ids["adult"], 21)])
    hub.assert_lawful()


def seats_of(hold):
    return [f"{s['row']}{s['number']}" for s in hold["lines"][0]["seats"]]


def test_sofas_aisles_wheelchairs_and_single_seats(hub):
    row = [
        {"number": "1", "kind": "wheelchair"},
        {"number": "2", "kind": "companion", "aisle_after": True},
        {"number": "3", "pair": "x"},
        {"number": "4", "pair": "x", "aisle_after": True},
        *({"number": str(n)} for n in range(5, 11)),
    ]
    hall = auditorium()
    hall["areas"][1]["rows"] = [{"name": "A", "seats": row}]
    hub.deliver([venue(), hall, production(), performance(stalls=10)])
    hub.plan(
        {"rules": [{"channel": "online", "rules": list(BOTH)}], "single_seats": "never"}
    )
    sold = hub.get("ann", "/v1/performances")["items"][0]
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    items = hub.get("ann", f"/v1/performances/{sold['id']}/seats")["items"]
    ids = {s["number"]: s["id"] for s in items}

    def hold(expect=201, **line):
        body = {"lines": [{"offer_id": offer_id, **line}]}
        return hub.post("ann", "/v1/holds", body, expect, key=f"{line}{expect}")

    (other,) = hold(409, seat_ids=[ids["3"]])["with_seats"]
    assert other == {"id": ids["4"], "row": "A", "number": "4"}
    assert hold(409, seat_ids=[ids["6"], ids["7"]])["code"] == "single-seat"
    assert seats_of(hold(quantity=2, accessible=1)) == ["A1", "A2"]
    assert seats_of(hold(quantity=2, adjacent=True)) == ["A5", "A6"]
    assert hold(422, quantity=1, accessible=2)["code"] == "invalid-request"
    hub.assert_lawful()


# Rebalancing and simulation


def test_r17_promises_follow_confirmed_sales(hub):
    said = {"dead_band": 5, "step_bp": 2_000, "half_life_h": 1, "is_automatic": True}
    sold = hub.on_sale(
        floor(
            agent("ann", "fixed", seats=30),
            agent("bob", "fixed", seats=6),
            rebalancing=said,
        ),
        days=3,
    )
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("bob", hub.hold("bob", [(offer_id, 4)]))
    hub.hold("ann", [(offer_id, 4)])  # holds are no sales: they move nothing
    path = f"/v1/performances/{sold['id']}/rebalancing"
    would = hub.post("operator", path, {}, 200)["items"]
    assert [(m["seats"], m["taker"][-3:]) for m in would] == [(5, "bob")]
    assert "needs 0" in would[0]["reason"]
    done = hub.post("operator", path, {"dry_run": False}, 200)["items"]
    assert done == would
    assert hub.post("operator", path, {"dry_run": False}, 200)["items"] == []
    assert hub.areas("bob", sold["id"])["floor"]["walk"][0]["guarantee"] == 11
    assert hub.areas("ann", sold["id"])["floor"]["walk"][0]["guarantee"] == 25
    assert job(rebalance_due) == 0
    hub.move_clock(hours=25)
    assert job(rebalance_due) == 1
    hub.assert_lawful()


def test_r17_who_was_promised_nothing_yet_may_be_given_what_it_sells(hub):
    said = {"dead_band": 5, "step_bp": 2_000, "half_life_h": 1}
    sold = hub.on_sale(
        floor(
            agent("ann", "fixed", seats=30),
            agent("bob", "fixed", seats=0),
            rebalancing=said,
        ),
        days=3,
    )
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("bob", hub.hold("bob", [(offer_id, 4)]))
    path = f"/v1/performances/{sold['id']}/rebalancing"
    done = hub.post("operator", path, {"dry_run": False}, 200)["items"]
    assert [(m["seats"], m["taker"][-3:]) for m in done] == [(6, "bob")]
    assert hub.areas("bob", sold["id"])["floor"]["walk"][0]["guarantee"] == 6
    hub.assert_lawful()


def test_rebalancing_promises_nothing_to_who_sells_freely(hub):
    said = {"dead_band": 5, "step_bp": 2_000, "half_life_h": 1}
    sold = hub.on_sale(
        floor(agent("ann", "fixed", seats=30), agent("bob"), rebalancing=said), days=3
    )
    hub.confirm("bob", hub.hold("bob", [(hub.offer_id("bob", sold["id"]), 4)]))
    path = f"/v1/performances/{sold['id']}/rebalancing"
    assert hub.post("operator", path, {"dry_run": False}, 200)["items"] == []


@pytest.mark.parametrize(
    ("cap", "taken"),
    [
        ({"of": "price-type", "price_type": "adult"}, 8),
        ({"of": "agent", "agent": "ann"}, 5),
        ({"of": "agent"}, 5),
        ({"of": "channel", "channel": "online"}, 8),
        ({"of": "price-type", "price_type": "adult", "over": "production"}, 10),
    ],
)
def test_a_cap_counts_what_was_taken_before_it_was_published(hub, cap, taken):
    sold = hub.on_sale(floor(agent("ann"), agent("bob")))
    hub.deliver([performance("p2", 1)])
    other = next(
        item["id"]
        for item in hub.get("ann", "/v1/performances")["items"]
        if item["id"] != sold["id"]
    )
    hub.hold("bob", [(hub.offer_id("bob", other), 2)])
    offer_id = hub.offer_id("ann", sold["id"])
    order = hub.confirm("ann", hub.hold("ann", [(offer_id, 4)]))
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    held = hub.hold("ann", [(offer_id, 2)])
    hub.hold("bob", [(offer_id, 3)])
    hub.plan(floor(agent("ann"), agent("bob"), caps=[{**cap, "most": taken}]))
    hub.assert_lawful()
    refused = hub.hold("ann", [(offer_id, 1)], expect=409)
    assert (refused["code"], refused["taken"]) == ("cap-reached", taken)
    hub.cancel("ann", order, [order["tickets"][1]["id"]])
    hub.call("ann", "DELETE", f"/v1/holds/{held['id']}")
    hub.hold("ann", [(offer_id, 3)])
    hub.hold("ann", [(offer_id, 1)], expect=409)
    hub.plan(floor(agent("ann"), agent("bob"), caps=[{**cap, "most": taken + 1}]))
    hub.hold("ann", [(offer_id, 1)])  # nothing was counted twice
    hub.hold("ann", [(offer_id, 1)], expect=409)
    hub.assert_lawful()


def test_a_draft_is_simulated_before_it_is_published(hub):
    sold = hub.on_sale(floor(agent("ann", "fixed", seats=20), agent("bob")))
    hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 6)])
    body = {
        "plan": floor(agent("ann", "fixed", seats=4), agent("bob", "fixed", seats=40)),
        "draft": True,
    }
    draft = hub.post("operator", hub.of("sup", "plans"), body, 201)
    told = hub.get("operator", f"/v1/plans/{draft['id']}/simulation")
    assert (told["performances"], told["changed"], told["overcommitted"]) == (1, 1, 0)
    found = {
        a["agent"]: (a["before"]["guarantee"], a["after"]["guarantee"])
        for a in told["agents"]
    }
    assert found == {"ann": (20, 4), "bob": (0, 40)}
    assert hub.areas("ann", sold["id"])["floor"]["walk"][0]["guarantee"] == 20
    listed = hub.get("operator", hub.of("sup", "plans"))
    assert (len(listed["items"]), len(listed["publications"])) == (2, 1)
    hub.post("operator", f"/v1/plans/{draft['id']}/publication", None, 201)
    hub.work()
    assert hub.areas("bob", sold["id"])["floor"]["walk"][0]["guarantee"] == 40
    hub.assert_lawful()


def test_a_plan_comes_into_force_at_its_moment(hub):
    sold = hub.on_sale(floor(agent("ann", "fixed", seats=20), agent("bob")))

    def draft(seats):
        plan = floor(agent("ann", "fixed", seats=seats), agent("bob"))
        body = {"plan": plan, "draft": True}
        return hub.post("operator", hub.of("sup", "plans"), body, 201)["id"]

    def schedule(plan_id, days, expect=201):
        said = {"effective_at": (TODAY + timedelta(days=days)).isoformat()}
        path = f"/v1/plans/{plan_id}/schedule"
        return hub._answer(hub.call("operator", "PUT", path, said), expect)

    def promised():
        return hub.areas("ann", sold["id"])["floor"]["walk"][0]["guarantee"]

    soon, never, wrong = draft(30), draft(40), draft(50)
    assert schedule(soon, -1, 422)["field"] == "effective_at"
    schedule(soon, 2)
    assert schedule(soon, 3, 409)["code"] == "plan-state"
    schedule(never, 2)
    schedule(wrong, 4)
    path = f"/v1/plans/{never}/schedule"
    assert hub.call("operator", "DELETE", path).json["outcome"] == "called off"
    again = hub._answer(hub.call("operator", "DELETE", path), 409)
    assert again["code"] == "plan-state"
    assert (job(publish_due), promised()) == (0, 20)
    hub.move_clock(days=2, hours=24)
    assert (job(publish_due), job(publish_due)) == (1, 0)
    hub.work()
    assert promised() == 30
    hub.deliver([performance(version=2, floor=45)])
    hub.move_clock(days=2)
    assert job(publish_due) == 1  # and cannot be kept any more
    hub.work()
    assert promised() == 30
    listed = hub.get("operator", hub.of("sup", "plans"))["schedules"]
    outcomes = {item["plan_id"]: item["outcome"] for item in listed}
    assert outcomes[soon] == "published"
    assert outcomes[wrong].startswith("refused: The plan promises more")
    hub.assert_lawful()


def test_the_narrowest_plan_wins_until_it_is_withdrawn(hub):
    hub.deliver([venue(), auditorium(), production(), performance(), performance("p2")])
    hub.plan(floor(agent("ann", "fixed", seats=5), agent("bob")))
    body = {
        "plan": floor(agent("ann", "fixed", seats=9), agent("bob")),
        "scope": {"performance": "p2"},
        "name": "Gala",
    }
    made = hub.post("operator", hub.of("sup", "plans"), body, 201)
    hub.work()
    ids = [item["id"] for item in hub.get("ann", "/v1/performances")["items"]]

    def promised():
        return sorted(hub.areas("ann", i)["floor"]["walk"][0]["guarantee"] for i in ids)

    assert promised() == [5, 9]
    path = f"/v1/plans/{made['id']}/publication"
    hub._answer(hub.call("operator", "DELETE", path), 200)
    hub.work()
    assert promised() == [5, 5]
    again = hub._answer(hub.call("operator", "DELETE", path), 409)
    assert again["code"] == "plan-state"
    hub.assert_lawful()


@pytest.mark.parametrize(
    "levels",
    [["channel", "area", "agent"], ["channel", "agent", "area"], ["agent", "area"]],
)
def test_trees_in_every_order_sell_and_stay_lawful(hub, levels):
    ann = agent("ann", "fixed", seats=30, rules=[])
    if levels[1] == "agent" or levels[0] == "agent":
        ann["rules"] = [{"area": "floor", "kind": "fixed", "seats": 20}]
    rules = [ann, agent("bob")]
    if levels[0] == "channel":
        rules = [{"channel": "online", "kind": "fixed", "seats": 30, "rules": rules}]
    if levels == ["channel", "area", "agent"]:
        ann["seats"] = 10
        rules[0]["rules"] = [
            {
                "area": "floor",
                "kind": "fixed",
                "seats": 20,
                "rules": [ann, agent("bob")],
            }
        ]
    sold = hub.on_sale({"levels": levels, "rules": rules}, floor=40)
    offer_id = hub.offer_id("bob", sold["id"], "floor")
    promised = hub.areas("ann", sold["id"])["floor"]["walk"][0]["guarantee"]
    assert promised in {10, 20}
    for _ in range((40 - promised) // 10):
        hub.hold("bob", [(offer_id, 10)])
    refused = hub.hold("bob", [(offer_id, 10)], expect=409)
    assert refused["bound_by"] in {"area", "channel", "house"}
    hub.assert_lawful()
    held = hub.hold("ann", [(offer_id, promised // 2)])
    order = hub.confirm("ann", hub.hold("ann", [(offer_id, promised // 2)]))
    hub.assert_lawful()
    hub.deliver([performance(version=2, floor=30)])
    hub.assert_lawful()
    hub.cancel("ann", order)
    hub.call("ann", "DELETE", f"/v1/holds/{held['id']}")
    hub.assert_lawful()


def test_a_shared_capacity_binds_over_areas(hub):
    plan = {
        "levels": ["area", "agent"],
        "shared_capacity": 20,
        "rules": [agent("ann"), agent("bob", "fixed", seats=3)],
    }
    sold = hub.on_sale(plan, floor=15)
    on_floor = hub.offer_id("ann", sold["id"])
    in_stalls = hub.offer_id("ann", sold["id"], "stalls")
    hub.hold("ann", [(on_floor, 7), (in_stalls, 6)])
    refused = hub.hold("ann", [(in_stalls, 2)], expect=409)
    assert (refused["bound_by"], refused["free"]) == ("house", 1)
    hub.hold("bob", [(on_floor, 3), (in_stalls, 3)])
    hub.assert_lawful()


def test_an_allotment_nobody_has_touched_gives_to_who_sells(hub):
    said = {"half_life_h": 1, "is_automatic": True}
    sold = hub.on_sale(
        floor(
            agent("ann", "fixed", seats=25),
            agent("bob", "fixed", seats=40),
            rebalancing=said,
        ),
        days=3,
    )
    offer_id = hub.offer_id("ann", sold["id"])
    for _ in range(2):
        hub.confirm("ann", hub.hold("ann", [(offer_id, 10)]))
    assert job(rebalance_due) == 1
    walks = [hub.areas(w, sold["id"])["floor"]["walk"][0] for w in ("ann", "bob")]
    assert [walk["guarantee"] for walk in walks] == [33, 32]
    hub.assert_lawful()


def test_caps_that_name_different_things_count_apart(hub):
    caps = [
        {"of": "agent", "most": 10},
        {"of": "agent", "agent": "ann", "most": 20},
        {"of": "price-type", "price_type": "adult", "most": 50},
        {"of": "price-type", "price_type": "adult", "agent": "ann", "most": 30},
    ]
    sold = hub.on_sale(floor(*BOTH, caps=caps))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.hold("ann", [(offer_id, 9)])
    refused = hub.hold("ann", [(offer_id, 2)], expect=409)
    assert (refused["most"], refused["taken"]) == (10, 9)
    hub.assert_lawful()


def test_areas_that_are_not_there_are_refused_wherever_they_are_named(hub):
    hub.on_sale()
    for more in (
        {"caps": [{"of": "agent", "area": "flor", "most": 1}]},
        {"overbooking": [{"area": "flor", "seats": 1}]},
    ):
        refused = hub.plan(floor(*BOTH, **more), expect=422)
        assert (refused["code"], refused["rule"]) == ("plan-refused", "flor")


def test_a_percent_rule_keeps_its_ceiling(hub):
    rule = agent("ann", "percent", percent_bp=5_000, ceiling=20)
    plan = floor(rule, agent("bob"))
    plan["rules"][0]["rules"][0] |= {"kind": "percent", "percent_bp": 8_000}
    sold = hub.on_sale(plan)
    walk = hub.areas("ann", sold["id"])["floor"]["walk"][0]
    assert (walk["guarantee"], walk["ceiling"]) == (20, 20)


def test_a_request_granted_under_another_plan_stands_at_its_new_allotment(hub):
    rule = agent("ann", mode="on-request")
    sold = hub.on_sale(floor(rule, agent("bob")), floor=10)
    asked = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 6)], expect=202)
    other = {"levels": ["area", "agent"], "rules": [rule, agent("bob")]}
    hub.plan(other)
    path = f"/v1/requests/{asked['id']}/decision"
    hub.post("sup", path, {"decision": "accept"}, 200)
    hub.assert_lawful()
    hub.call("ann", "DELETE", f"/v1/holds/{asked['id']}")
    hub.assert_lawful()
    late = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)], expect=202)
    hub.move_clock(hours=60)
    hub.post("sup", f"/v1/requests/{late['id']}/decision", {"decision": "accept"}, 404)


def test_a_single_seat_is_not_found_where_seats_were_given_back(hub):
    hall = auditorium(rows=1, seats_in_row=5)
    hub.deliver([venue(), hall, production(), performance(stalls=5)])
    channel = {"channel": "online", "rules": list(BOTH)}
    hub.plan({"rules": [channel], "single_seats": "never"})
    sold = hub.get("ann", "/v1/performances")["items"][0]
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    items = hub.get("ann", f"/v1/performances/{sold['id']}/seats")["items"]
    ids = [seat["id"] for seat in items]
    first = hub.hold("ann", [(offer_id, ids[:2])])
    assert hub.hold("ann", [(offer_id, ids[3:])], expect=409)["code"] == "single-seat"
    hub.call("ann", "DELETE", f"/v1/holds/{first['id']}")
    hub.hold("ann", [(offer_id, ids[3:])])
    hub.assert_lawful()
