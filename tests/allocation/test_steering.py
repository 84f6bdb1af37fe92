"""Stepping in over the API: stops, blocks, recalls, transfers, sub-agents, stages."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from allocation.services.releases import release_due_stages
from hub.kernel.db import transaction
from hub.sales.api import steering
from hub.sales.services.steering import carry_out_due, void_all_stopped
from tests.hubs import TODAY, auditorium, performance, production, venue


def agent(ref, kind="free-sale", **more):
    return {"agent": ref, "kind": kind, **more}


def online(*agents, **more):
    channel = {"channel": "online", "rules": list(agents)}
    return {"rules": [{"area": "floor", "rules": [channel]}], **more}


def job(work):
    with transaction() as session:
        return work(session)


def walk(hub, who, sold, area="floor"):
    return hub.areas(who, sold["id"])[area]["walk"][0]


def free(hub, who, sold, area="floor"):
    return hub.areas(who, sold["id"])[area]["available"]


# Stops


def stop(hub, who="operator", expect=201, **said):
    said = {"severity": "soft", "reason": "fire alarm", **said}
    if who == "operator":
        said.setdefault("supplier_id", hub.ids["sup"])
    return hub.post(who, "/v1/stops", said, expect)


def test_r13_after_a_soft_stop_nothing_is_held_and_what_is_held_may_be_confirmed(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    held = hub.hold("ann", [(offer_id, 2)])
    made = stop(hub, performance_id=sold["id"])
    refused = hub.hold("ann", [(offer_id, 1)], expect=409)
    assert (refused["code"], refused["severity"], refused["reason"]) == (
        "stopped",
        "soft",
        "fire alarm",
    )
    assert hub.areas("ann", sold["id"])["floor"]["nothing_because"] == "stopped"
    hub.confirm("ann", held)
    hub._answer(hub.call("operator", "DELETE", f"/v1/stops/{made['id']}"), 200)
    hub.hold("ann", [(offer_id, 1)])
    again = hub.call("operator", "DELETE", f"/v1/stops/{made['id']}")
    assert hub._answer(again, 409)["code"] == "already-lifted"
    hub.assert_lawful()


def test_a_hard_stop_takes_back_what_is_held_and_reopening_does_not_give_it_again(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"])
    held = hub.hold("ann", [(offer_id, 2)])
    made = stop(hub, severity="hard", performance_id=sold["id"])
    found = hub.get("ann", f"/v1/holds/{held['id']}")
    assert found["state"] == "voided"
    assert hub.confirm("ann", held, expect=409)["code"] == "hold-voided"
    hub._answer(hub.call("operator", "DELETE", f"/v1/stops/{made['id']}"), 200)
    assert hub.confirm("ann", held, expect=409)["code"] == "hold-voided"
    assert free(hub, "ann", sold) == 150
    hub.assert_lawful()


def test_a_confirm_during_a_hard_stop_is_refused_even_before_the_hold_is_taken_back(
    hub,
):
    sold = hub.on_sale()
    held = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 2)])
    with transaction() as session:  # as if the process had died before it took it back
        session.execute(
            text(
                "INSERT INTO stop (id, world, supplier_id, is_hard, reason, made_at,"
                " made_by) SELECT gen_random_uuid(), 'test', :sup, true, 'x',"
                " clock_timestamp(), id FROM credential WHERE kind = 'operator'"
            ),
            {"sup": hub.ids["sup"]},
        )
    assert hub.confirm("ann", held, expect=409)["code"] == "stopped"
    assert job(void_all_stopped) == 1
    assert job(void_all_stopped) == 0
    hub.assert_lawful()


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        ({}, {"ann", "bob", "child", "stalls"}),
        ({"area": "stalls"}, {"stalls"}),
        ({"agent_id": "bob"}, {"bob"}),
        ({"price_type": "child"}, {"child"}),
        ({"channel": "online"}, {"ann", "bob", "child", "stalls"}),
        ({"venue": "hall", "area": "stalls"}, {"stalls"}),
        ({"auditorium": "main", "price_type": "child"}, {"child"}),
    ],
)
def test_a_stop_covers_what_it_names(hub, scope, stopped):
    sold = hub.on_sale()
    if "agent_id" in scope:
        scope = {"agent_id": hub.ids[scope["agent_id"]]}
    stop(hub, **scope)
    tries = {
        "ann": ("ann", hub.offer_id("ann", sold["id"])),
        "bob": ("bob", hub.offer_id("ann", sold["id"])),
        "child": ("ann", hub.offer_id("ann", sold["id"], price_type="child")),
        "stalls": ("ann", hub.offer_id("ann", sold["id"], "stalls")),
    }
    for name, (who, offer_id) in tries.items():
        expect = 409 if name in stopped else 201
        hub.hold(who, [(offer_id, 1)], expect=expect)


def test_a_stop_of_a_house_a_room_or_a_genre_closes_no_other(hub):
    elsewhere = [
        venue("annex"),
        {**auditorium("studio"), "venue": "annex"},
        production("match", genre="sport"),
        performance("p2", auditorium="studio", production="match"),
    ]
    sold = hub.on_sale()
    hub.deliver(elsewhere)
    items = hub.get("ann", "/v1/performances")["items"]
    other = next(item for item in items if item["id"] != sold["id"])
    offers = [hub.offer_id("ann", found["id"]) for found in (sold, other)]
    for named in ("venue", "hall"), ("auditorium", "main"), ("genre", sold["genre"]):
        held = hub.hold("ann", [(offers[0], 1)])
        made = stop(hub, severity="hard", **dict([named]))
        assert made[named[0]] == named[1]
        assert hub.get("ann", f"/v1/holds/{held['id']}")["state"] == "voided"
        assert hub.hold("ann", [(offers[0], 1)], expect=409)["code"] == "stopped"
        told = hub.areas("ann", sold["id"])["floor"]
        assert told["nothing_because"] == "stopped"
        hub.hold("ann", [(offers[1], 1)])
        hub.call("operator", "DELETE", f"/v1/stops/{made['id']}")
    hub.assert_lawful()


def test_a_confirm_in_a_house_that_is_stopped_hard_is_refused(hub, monkeypatch):
    sold = hub.on_sale()
    held = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    monkeypatch.setattr(steering, "_void", lambda _: None)  # not taken back yet
    stop(hub, severity="hard", venue="hall")
    assert hub.confirm("ann", held, expect=409)["code"] == "stopped"


def test_a_stop_of_a_production_covers_all_its_performances_and_no_other(hub):
    sold = hub.on_sale()
    others = [production("other"), performance("p2"), performance("p3")]
    others[2]["production"] = "other"
    hub.deliver(others)
    items = hub.get("ann", "/v1/performances")["items"]
    assert len(items) == 3
    stop(hub, production_id=sold["production_id"])
    for item in items:
        is_stopped = item["production_id"] == sold["production_id"]
        offer_id = hub.offer_id("ann", item["id"])
        hub.hold("ann", [(offer_id, 1)], expect=409 if is_stopped else 201)


def test_of_two_stops_the_harder_one_holds_where_both_do(hub):
    sold = hub.on_sale()
    offers = [hub.offer_id("ann", sold["id"], area) for area in ("floor", "stalls")]
    held = {who: hub.hold(who, [(offers[0], 1)]) for who in ("ann", "bob")}
    stalls = hub.hold("ann", [(offers[1], 1)])
    stop(hub, performance_id=sold["id"])
    hard = stop(hub, severity="hard", agent_id=hub.ids["ann"], area="floor")
    assert hub.confirm("ann", held["ann"], expect=409)["code"] == "hold-voided"
    hub.confirm("bob", held["bob"])
    hub.confirm("ann", stalls)
    hub._answer(hub.call("operator", "DELETE", f"/v1/stops/{hard['id']}"), 200)
    refused = hub.hold("ann", [(offers[0], 1)], expect=409)
    assert (refused["code"], refused["severity"]) == ("stopped", "soft")
    hub.assert_lawful()


@pytest.mark.parametrize(
    "name", [{"area": "flor"}, {"channel": "trade"}, {"price_type": "adlut"}]
)
def test_a_stop_of_what_nobody_sells_is_refused(hub, name):
    hub.on_sale()
    assert stop(hub, expect=422, **name)["field"] == next(iter(name))


def test_a_supplier_stops_its_own_and_nobody_elses(hub):
    hub.on_sale()
    hub.add_partner("other", "supplier")
    stop(hub, who="sup")
    stop(hub, who="sup", expect=404, supplier_id=hub.ids["other"])
    assert len(hub.get("sup", "/v1/stops")["items"]) == 1
    assert hub.get("other", "/v1/stops")["items"] == []


# Blocks


def seat_names(hub, who, sold):
    items = hub.get(who, f"/v1/performances/{sold['id']}/seats")["items"]
    return {f"{seat['row']}{seat['number']}": seat for seat in items}


def block(hub, sold, expect=201, **said):
    path = f"/v1/performances/{sold['id']}/blocks"
    return hub.post("sup", path, {"reason": "agreed", **said}, expect)


def test_a_block_of_seats_is_its_agents_alone(hub):
    sold = hub.on_sale()
    names = seat_names(hub, "ann", sold)
    ids = [names[f"B{n}"]["id"] for n in range(1, 6)]
    block(hub, sold, area="stalls", kind="agent", agent="ann", seat_ids=ids)
    offer_id = hub.offer_id("bob", sold["id"], "stalls")
    assert free(hub, "bob", sold, "stalls") == 25
    refused = hub.hold("bob", [(offer_id, ids[:2])], expect=409)
    assert refused["code"] == "seats-not-sold"
    assert refused["seats"][0] == {"id": ids[0], "row": "B", "number": "1"}
    assert not seat_names(hub, "bob", sold)["B1"]["is_free"]
    assert seat_names(hub, "ann", sold)["B1"]["is_free"]
    mine = hub.hold("ann", [(offer_id, 3)])
    assert {seat["row"] for seat in mine["lines"][0]["seats"]} == {"B"}
    rest = hub.hold("bob", [(offer_id, 10)])
    hub.hold("bob", [(offer_id, 10)])
    hub.hold("bob", [(offer_id, 5)])
    assert hub.hold("bob", [(offer_id, 1)], expect=409)["code"] == "allotment-exhausted"
    hub.hold("ann", [(offer_id, 2)])
    hub.confirm("ann", mine)
    hub.call("bob", "DELETE", f"/v1/holds/{rest['id']}")
    hub.assert_lawful()


def test_open_and_blocked_seats_in_one_hold_are_paid_for_by_their_own_nodes(hub):
    sold = hub.on_sale()
    names = seat_names(hub, "ann", sold)
    ids = [names[f"A{n}"]["id"] for n in range(1, 4)]
    block(hub, sold, area="stalls", kind="agent", agent="ann", seat_ids=ids)
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    both = [names["A3"]["id"], names["A4"]["id"]]
    order = hub.confirm("ann", hub.hold("ann", [(offer_id, both)]))
    hub.assert_lawful()
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    hub.assert_lawful()
    hub.cancel("ann", order)
    assert free(hub, "ann", sold, "stalls") == 30
    assert free(hub, "bob", sold, "stalls") == 27
    path = f"/v1/performances/{sold['id']}/explanation"
    told = {a["area"]: a for a in hub.get("ann", path)["areas"]}["stalls"]
    assert told["available"] == 30
    assert "and 3 in blocks that are its own" in told["sentences"]
    hub.assert_lawful()


def test_killed_and_house_seats_are_nobodys_until_they_are_released(hub):
    sold = hub.on_sale()
    names = seat_names(hub, "ann", sold)
    house = block(
        hub,
        sold,
        area="stalls",
        kind="house",
        seat_ids=[names[f"C{n}"]["id"] for n in range(1, 11)],
    )
    block(hub, sold, area="floor", kind="kill", seats=30)
    assert free(hub, "ann", sold, "stalls") == 20
    assert free(hub, "ann", sold) == 120
    path = f"/v1/blocks/{house['id']}/release"
    released = hub.post("sup", path, {"seats": 4, "reason": "too many"}, 200)
    assert released == {"released": 4}
    assert free(hub, "ann", sold, "stalls") == 24
    opened = {
        name for name, s in seat_names(hub, "ann", sold).items() if s["is_free"]
    } - {f"{row}{n}" for row in "AB" for n in range(1, 11)}
    assert opened == {"C7", "C8", "C9", "C10"}
    hub.assert_lawful()
    assert hub.post("sup", path, {"reason": "all"}, 200) == {"released": 6}
    listed = hub.get("sup", f"/v1/performances/{sold['id']}/blocks")["items"]
    assert [(b["kind"], b["seats"]) for b in listed] == [("house", 0), ("kill", 30)]
    hub.assert_lawful()


def test_r8_of_a_block_that_is_partly_held_the_rest_is_released(hub):
    sold = hub.on_sale()
    names = seat_names(hub, "ann", sold)
    ids = [names[f"C{n}"]["id"] for n in range(1, 11)]
    made = block(hub, sold, area="stalls", kind="agent", agent="ann", seat_ids=ids)
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    held = hub.hold("ann", [(offer_id, ids[3:5])])
    path = f"/v1/blocks/{made['id']}/release"
    released = hub.post("sup", path, {"seats": 10, "reason": "all"}, 200)
    assert released == {"released": 8}
    assert free(hub, "bob", sold, "stalls") == 28
    hub.assert_lawful()
    hub.call("ann", "DELETE", f"/v1/holds/{held['id']}")
    assert hub.post("sup", path, {"reason": "rest"}, 200) == {"released": 2}
    assert free(hub, "bob", sold, "stalls") == 30
    hub.assert_lawful()


def test_r7_a_stage_releases_no_block(hub):
    stages = [{"when": {"days_before": 7}, "keep": 0}]
    ann = agent("ann", "fixed", seats=10, release=stages)
    own = {"channel": "online", "rules": [ann, agent("bob")]}
    sold = hub.on_sale({"rules": [{"area": "stalls", "rules": [own]}]}, days=30)
    names = seat_names(hub, "ann", sold)
    ids = [names[f"A{n}"]["id"] for n in range(1, 6)]
    block(hub, sold, area="stalls", kind="agent", agent="ann", seat_ids=ids)
    hub.move_clock(days=24)
    assert job(release_due_stages) == 1
    assert walk(hub, "ann", sold, "stalls")["guarantee"] == 0
    assert free(hub, "bob", sold, "stalls") == 25
    hub.hold("ann", [(hub.offer_id("ann", sold["id"], "stalls"), ids)])
    hub.assert_lawful()


def test_blocks_that_cannot_be_are_refused(hub):
    sold = hub.on_sale()
    names = seat_names(hub, "ann", sold)
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    hub.hold("ann", [(offer_id, [names["A1"]["id"]])])
    kill = {"area": "stalls", "kind": "kill"}
    refused = block(hub, sold, 409, **kill, seat_ids=[names["A1"]["id"]])
    assert refused["code"] == "seats-taken"
    block(hub, sold, **kill, seat_ids=[names["A2"]["id"]])
    refused = block(hub, sold, 409, **kill, seat_ids=[names["A2"]["id"]])
    assert refused["code"] == "seats-not-sold"
    refused = block(hub, sold, 422, **kill, seat_ids=[sold["id"]])
    assert refused["code"] == "unknown-seats"
    for said in (
        {**kill, "seats": 3},
        {"area": "floor", "kind": "kill", "seat_ids": [names["A3"]["id"]]},
        {"area": "floor", "kind": "agent", "seats": 3},
        {"area": "floor", "kind": "kill", "agent": "ann", "seats": 3},
        {**kill, "seat_ids": [names["A3"]["id"]] * 2},
    ):
        assert block(hub, sold, 422, **said)["code"] == "invalid-request"
    assert block(hub, sold, 409, area="floor", kind="kill", seats=151)["free"] == 150
    block(hub, sold, 404, area="attic", kind="kill", seats=1)
    block(hub, sold, 422, area="floor", kind="agent", agent="ann", seats=1)
    seats = [names["A3"]["id"]]
    block(hub, sold, 404, area="stalls", kind="agent", agent="zoe", seat_ids=seats)
    hub.assert_lawful()


def test_a_block_outlives_a_new_plan_and_a_cut(hub):
    sold = hub.on_sale()
    block(hub, sold, area="floor", kind="house", seats=20)
    hub.plan(online(agent("ann", "fixed", seats=10), agent("bob")))
    assert free(hub, "bob", sold) == 120
    hub.deliver([performance(version=2, floor=25)])
    assert free(hub, "bob", sold) == 0
    assert walk(hub, "ann", sold)["guarantee"] == 5
    hub.assert_lawful()


# Recalls and transfers


def recall(hub, sold, who="sup", expect=201, **said):
    said = {"area": "floor", "reason": "needed", **said}
    return hub.post(who, f"/v1/performances/{sold['id']}/recalls", said, expect)


def test_r16_a_recall_takes_what_is_unsold(hub):
    sold = hub.on_sale(
        online(agent("ann", "fixed", seats=30, is_exclusive=True), agent("bob"))
    )
    offer_id = hub.offer_id("ann", sold["id"])
    hub.hold("ann", [(offer_id, 10)])
    hub.hold("ann", [(offer_id, 8)])
    made = recall(hub, sold, agent="ann", seats=20)
    assert (made["taken"], made["done_at"] is not None) == (12, True)
    assert (walk(hub, "ann", sold)["guarantee"], free(hub, "ann", sold)) == (18, 0)
    assert free(hub, "bob", sold) == 132
    hub.assert_lawful()
    hub.deliver([performance(version=2, floor=160)])
    assert walk(hub, "ann", sold)["guarantee"] == 18  # a later split keeps it
    hub.assert_lawful()


def test_a_forced_recall_takes_holds_back_the_first_to_lapse_first_and_never_sales(hub):
    sold = hub.on_sale(online(agent("ann", "fixed", seats=30), agent("bob")))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 10)]))
    first = hub.hold("ann", [(offer_id, 9)])
    second = hub.hold("ann", [(offer_id, 5)])
    made = recall(hub, sold, agent="ann", seats=12, force=True)
    assert made["taken"] == 12
    states = [hub.get("ann", f"/v1/holds/{h['id']}")["state"] for h in (first, second)]
    assert states == ["voided", "held"]
    assert recall(hub, sold, agent="ann", seats=50, force=True)["taken"] == 8
    assert hub.get("ann", f"/v1/holds/{second['id']}")["state"] == "voided"
    assert walk(hub, "ann", sold)["guarantee"] == 10
    hub.assert_lawful()


def test_a_forced_recall_frees_a_promise_that_its_agent_has_exceeded(hub):
    """Two holds were taken back, and the promise stayed as it was."""
    sold = hub.on_sale(online(agent("ann", "fixed", seats=10), agent("bob")))
    offer_id = hub.offer_id("ann", sold["id"])
    for _ in range(4):
        hub.hold("ann", [(offer_id, 5)])
    made = recall(hub, sold, agent="ann", seats=6, force=True)
    assert made["taken"] == 6
    found = walk(hub, "ann", sold)
    assert (found["guarantee"], found["taken"]) == (4, 0)
    hub.assert_lawful()


def test_a_forced_recall_takes_back_nothing_that_would_not_help(hub):
    sold = hub.on_sale(online(agent("ann", "fixed", seats=10), agent("bob")))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 10)]))
    held = hub.hold("ann", [(offer_id, 5)])
    assert recall(hub, sold, agent="ann", seats=6, force=True)["taken"] == 0
    assert hub.get("ann", f"/v1/holds/{held['id']}")["state"] == "held"
    hub.assert_lawful()


def test_a_recall_is_told_to_its_agent_and_may_be_called_off(hub):
    sold = hub.on_sale(
        online(agent("ann", "fixed", seats=30, recall_notice_h=48), agent("bob"))
    )
    hub.add_partner("other", "supplier")
    made = [recall(hub, sold, agent="ann", seats=n) for n in (20, 5)]
    for who, ids in (
        ("ann", [made[1]["id"], made[0]["id"]]),
        ("sup", [made[1]["id"], made[0]["id"]]),
        ("bob", []),
        ("other", []),
    ):
        found = hub.get(who, f"/v1/recalls?performance_id={sold['id']}")["items"]
        assert [item["id"] for item in found] == ids
    path = f"/v1/performances/{sold['id']}/explanation"
    told = hub.get("ann", path)["areas"]
    said = next(area["sentences"] for area in told if area["area"] == "floor")
    assert any(s.startswith("20 are recalled from") for s in said), said
    where = f"/v1/recalls/{made[0]['id']}"
    hub._answer(hub.call("other", "DELETE", where), 404)
    hub._answer(hub.call("ann", "DELETE", where), 403)
    off = hub._answer(hub.call("sup", "DELETE", where), 200)
    assert (off["taken"], off["done_at"] is None) == (0, False)
    again = hub._answer(hub.call("sup", "DELETE", where), 409)
    assert again["code"] == "recall-done"
    hub.move_clock(hours=49)
    assert job(carry_out_due) == 1
    assert walk(hub, "ann", sold)["guarantee"] == 25
    hub.assert_lawful()


def test_a_forced_recall_at_a_cut_house_takes_the_promise_it_frees(hub):
    """What is cut for want of room comes back with it: the recalled part may not."""
    sold = hub.on_sale(online(agent("ann", "fixed", seats=9), agent("bob")), floor=40)
    offer_id = hub.offer_id("ann", sold["id"])
    for _ in range(2):
        hub.hold("ann", [(offer_id, 8)])
    hub.deliver([performance(version=2, floor=3)])
    made = recall(hub, sold, agent="ann", seats=7, force=True)
    assert made["taken"] == 3  # there is no more to be promised
    hub.deliver([performance(version=3, floor=40)])
    assert walk(hub, "ann", sold)["guarantee"] == 6
    hub.assert_lawful()


def test_a_recall_waits_for_its_notice(hub):
    sold = hub.on_sale(
        online(agent("ann", "fixed", seats=30, recall_notice_h=48), agent("bob"))
    )
    made = recall(hub, sold, agent="ann", seats=20)
    assert (made["taken"], made["done_at"]) == (None, None)
    assert job(carry_out_due) == 0
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 10)]))
    hub.confirm("ann", hub.hold("ann", [(offer_id, 8)]))
    hub.move_clock(hours=49)
    assert job(carry_out_due) == 1
    assert job(carry_out_due) == 0
    assert walk(hub, "ann", sold)["guarantee"] == 18
    assert recall(hub, sold, expect=403, agent="ann", seats=1, notice_h=0)
    assert recall(hub, sold, "operator", agent="bob", seats=1, notice_h=0)["taken"] == 0
    recall(hub, sold, expect=404, agent="zoe", seats=1)
    recall(hub, sold, expect=409, agent="ann", seats=1, area="attic")
    hub.assert_lawful()


def test_r21_a_transfer_conserves_what_two_agents_have(hub):
    sold = hub.on_sale(
        online(
            agent("ann", "fixed", seats=30, is_exclusive=True),
            agent("bob", "fixed", seats=10),
        )
    )
    path = f"/v1/performances/{sold['id']}/transfers"
    said = {"area": "floor", "reason": "agreed", "from_agent": "ann", "to_agent": "bob"}
    moved = hub.post("operator", path, {**said, "seats": 12}, 201)["items"]
    assert [(m["guarantee_before"], m["guarantee_after"]) for m in moved] == [
        (30, 18),
        (10, 22),
    ]
    assert free(hub, "ann", sold) == 18
    refused = hub.post("operator", path, {**said, "seats": 19}, 409)
    assert (refused["code"], refused["unsold"]) == ("nothing-to-move", 18)
    same = {**said, "to_agent": "ann", "seats": 1}
    hub.post("operator", path, same, 422)
    hub.plan(
        online(
            agent("ann", "fixed", seats=40, is_exclusive=True),
            agent("bob", "fixed", seats=10),
        )
    )
    assert walk(hub, "ann", sold)["guarantee"] == 28
    assert walk(hub, "bob", sold)["guarantee"] == 22
    hub.assert_lawful()


# Sub-agents


def hand_on(hub, sold, *parts, who="ann", expect=200):
    path = f"/v1/performances/{sold['id']}/areas/floor/sub-agents"
    parts = [
        {"sub_agent": ref, "guarantee": g} | ({} if c is None else {"ceiling": c})
        for ref, g, c in parts
    ]
    return hub._answer(hub.call(who, "PUT", path, {"parts": parts}), expect)


@pytest.fixture
def family(hub):
    for ref in ("eva", "tim"):
        hub.add_partner(ref, "agent", commission_bp=100, parent="ann")
    return hub


def test_an_agent_splits_its_own_within_what_it_has(family):
    hub = family
    sold = hub.on_sale(
        online(agent("ann", "fixed", seats=20, ceiling=25), agent("bob"))
    )
    refused = hand_on(hub, sold, ("eva", 15, None), ("tim", 6, None), expect=422)
    assert (refused["code"], refused["over_by"]) == ("split-refused", 1)
    made = hand_on(hub, sold, ("eva", 12, 14), ("tim", 3, None))
    assert [item["guarantee"] for item in made["items"]] == [12, 3]
    offer_id = hub.offer_id("ann", sold["id"])
    hub.hold("ann", [(offer_id, 10)])  # 5 of its own, 5 from the shared seats
    assert free(hub, "ann", sold) == 0
    hub.hold("eva", [(offer_id, 10)])
    hub.hold("eva", [(offer_id, 2)])
    refused = hub.hold("eva", [(offer_id, 1)], expect=409)
    assert refused["bound_by"] == "agent"
    hub.hold("tim", [(offer_id, 3)])
    hub.assert_lawful()
    refused = hand_on(hub, sold, ("bob", 1, None), expect=404)
    hand_on(hub, sold, ("eva", 1, None), who="bob", expect=404)
    hand_on(hub, sold, ("eva", 3, 2), expect=422)
    hand_on(hub, sold, ("eva", 1, None), ("eva", 1, None), expect=422)
    hub.assert_lawful()


def test_who_is_not_named_any_more_keeps_what_it_took(family):
    hub = family
    sold = hub.on_sale(online(agent("ann", "fixed", seats=20), agent("bob")))
    hand_on(hub, sold, ("eva", 12, None))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("eva", hub.hold("eva", [(offer_id, 4)]))
    hand_on(hub, sold, ("tim", 16, None))
    assert hub.hold("eva", [(offer_id, 1)], expect=409)["code"] == "not-allotted"
    hub.assert_lawful()
    hub.plan(online(agent("ann", "fixed", seats=10), agent("bob")))
    assert walk(hub, "tim", sold)["guarantee"] == 6  # eva has taken the other 4
    hub.assert_lawful()
    hub.plan(online(agent("bob")))
    assert hub.hold("tim", [(offer_id, 1)], expect=409)["code"] == "not-allotted"
    hub.assert_lawful()


# Release-back


STAGES = [
    {"when": {"days_before": 14}, "keep": 25},
    {"when": {"days_before": 7}, "keep": 10},
    {"when": {"days_before": 2}, "keep": 0},
]


def test_r7_staged_release_back(hub):
    sold = hub.on_sale(
        online(agent("ann", "fixed", seats=40, release=STAGES), agent("bob")), days=30
    )
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 10)]))
    hub.confirm("ann", hub.hold("ann", [(offer_id, 2)]))
    assert job(release_due_stages) == 0
    for ahead, kept, shared in ((17, 25, 125), (7, 10, 135), (5, 0, 135)):
        hub.move_clock(days=ahead)
        held = hub.hold("ann", [(offer_id, 3)])
        assert job(release_due_stages) == 1
        assert job(release_due_stages) == 0  # once, however often it runs
        assert walk(hub, "ann", sold)["guarantee"] == kept
        assert free(hub, "bob", sold) == shared
        hub.call("ann", "DELETE", f"/v1/holds/{held['id']}")
        hub.assert_lawful()


def test_what_lapses_after_a_release_flows_to_everybody(hub):
    sold = hub.on_sale(
        online(agent("ann", "fixed", seats=40, release=STAGES), agent("bob")), days=30
    )
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 10)]))
    hub.confirm("ann", hub.hold("ann", [(offer_id, 2)]))
    hub.move_clock(days=24)
    held = hub.hold("ann", [(offer_id, 3)])
    assert job(release_due_stages) == 1
    assert walk(hub, "ann", sold)["guarantee"] == 10
    assert free(hub, "bob", sold) == 135
    hub.call("ann", "DELETE", f"/v1/holds/{held['id']}")
    assert free(hub, "bob", sold) == 138
    hub.assert_lawful()


def test_r22_what_is_cancelled_after_a_release_flows_to_everybody(hub):
    sold = hub.on_sale(
        online(agent("ann", "fixed", seats=40, release=STAGES), agent("bob")), days=30
    )
    offer_id = hub.offer_id("ann", sold["id"])
    order = hub.confirm("ann", hub.hold("ann", [(offer_id, 10)]))
    before = hub.confirm("ann", hub.hold("ann", [(offer_id, 10)]))
    hub.cancel("ann", before)  # before its cut-off: back into what it is promised
    assert (walk(hub, "ann", sold)["taken"], free(hub, "bob", sold)) == (10, 110)
    hub.move_clock(days=29)
    assert job(release_due_stages) == 1
    assert free(hub, "bob", sold) == 140
    hub.cancel("ann", order, [ticket["id"] for ticket in order["tickets"][:4]])
    assert free(hub, "bob", sold) == 144
    hub.assert_lawful()


def test_i14_splitting_again_or_late_changes_nothing(hub):
    sold = hub.on_sale(online(agent("ann", "fixed", seats=40), agent("bob")))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 5)]))

    def nodes():
        with transaction() as session:
            said = "SELECT key, guarantee, ceiling, taken FROM node ORDER BY key"
            return session.execute(text(said)).all()

    def split_anew():
        with transaction() as session:
            session.execute(text("UPDATE tree SET publication = 0"))
        hub.work()

    before = nodes()
    split_anew()
    assert nodes() == before
    hub.move_clock(days=3)
    hub.hold("bob", [(offer_id, 5)])
    between = nodes()
    split_anew()
    split_anew()
    assert nodes() == between
    hub.assert_lawful()


def test_keep_unsold_counts_from_what_is_confirmed(hub):
    stages = [{"when": {"days_before": 10}, "keep_unsold": 5}]
    sold = hub.on_sale(
        online(agent("ann", "fixed", seats=40, release=stages), agent("bob")), days=30
    )
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 7)]))
    hub.move_clock(days=21)
    hub.hold("ann", [(offer_id, 3)])
    assert job(release_due_stages) == 1
    assert walk(hub, "ann", sold)["guarantee"] == 12
    hub.assert_lawful()


def test_a_stage_that_fired_stays_fired_when_the_performance_moves(hub):
    sold = hub.on_sale(
        online(agent("ann", "fixed", seats=40, release=STAGES), agent("bob")), days=30
    )
    hub.move_clock(days=17)
    assert job(release_due_stages) == 1
    later = (TODAY + timedelta(days=90)).isoformat()
    hub.deliver([performance(version=2, starts_at=later)])
    assert walk(hub, "ann", sold)["guarantee"] == 25
    hub.plan(online(agent("ann", "fixed", seats=35), agent("bob")))
    assert walk(hub, "ann", sold)["guarantee"] == 25
    hub.assert_lawful()


def test_a_stage_in_the_past_is_applied_at_once(hub):
    hub.deliver([venue(), auditorium(), production(), performance(days=5)])
    hub.plan(online(agent("ann", "fixed", seats=30, release=STAGES), agent("bob")))
    sold = hub.get("ann", "/v1/performances")["items"][0]
    assert walk(hub, "ann", sold)["guarantee"] == 10
    hub.assert_lawful()


def test_recalls_and_transfers_after_a_stage_take_what_they_say(hub):
    sold = hub.on_sale(
        online(
            agent("ann", "fixed", seats=40, release=STAGES),
            agent("bob", "fixed", seats=10),
        ),
        days=30,
    )
    hub.move_clock(days=17)
    assert job(release_due_stages) == 1
    assert recall(hub, sold, agent="ann", seats=10)["taken"] == 10
    assert walk(hub, "ann", sold)["guarantee"] == 15
    path = f"/v1/performances/{sold['id']}/transfers"
    said = {"area": "floor", "reason": "agreed", "from_agent": "ann", "to_agent": "bob"}
    hub.post("operator", path, {**said, "seats": 5}, 201)
    back = {**said, "from_agent": "bob", "to_agent": "ann", "seats": 5}
    assert walk(hub, "ann", sold)["guarantee"] == 10
    assert walk(hub, "bob", sold)["guarantee"] == 15
    hub.post("operator", path, back, 201)
    assert walk(hub, "ann", sold)["guarantee"] == 15
    hub.move_clock(days=7)
    assert job(release_due_stages) == 1
    assert walk(hub, "ann", sold)["guarantee"] == 10
    hub.assert_lawful()


def test_what_is_kept_beyond_the_confirmed_is_counted_when_the_stage_fires(hub):
    stages = [{"when": {"days_before": 10}, "keep_unsold": 5}]
    rules = online(agent("ann", "fixed", seats=40, release=stages), agent("bob"))
    sold = hub.on_sale(rules, days=30)
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 7)]))
    hub.move_clock(days=21)
    assert job(release_due_stages) == 1
    hub.confirm("ann", hub.hold("ann", [(offer_id, 10)]))
    hub.deliver([performance(version=2, floor=140)])
    assert walk(hub, "ann", sold)["guarantee"] == 12
    hub.assert_lawful()


def test_what_an_agent_has_sold_it_cannot_hand_on(family):
    hub = family
    sold = hub.on_sale(online(agent("ann", "fixed", seats=20), agent("bob")))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.hold("ann", [(offer_id, 10)])
    hub.hold("ann", [(offer_id, 5)])
    refused = hand_on(hub, sold, ("eva", 6, None), expect=422)
    assert (refused["code"], refused["over_by"]) == ("split-refused", 1)
    hand_on(hub, sold, ("eva", 5, None))
    assert free(hub, "bob", sold) == 130
    hub.assert_lawful()


def test_who_is_not_there_is_named_wherever_the_plan_names_it(hub):
    hub.on_sale()
    hub.add_partner("tom", "agent", channel="trade")
    wanted = online(agent("zoe"), agent("tom"))
    wanted["rules"].append(
        {"area": "stalls", "rules": [{"channel": "onlin", "rules": [agent("yan")]}]}
    )
    refused = hub.plan(wanted, expect=422)
    assert [finding["rule"] for finding in refused["findings"]] == [
        *("zoe", "tom", "onlin", "yan")
    ]
