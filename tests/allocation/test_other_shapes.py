"""Plans of another shape: what was sold, moved and released goes with its holder."""

import time

import pytest

from allocation.services.releases import release_due_stages
from hub.kernel.db import transaction
from hub.sales.services.steering import carry_out_due
from tests.hubs import performance

LEVELS = [
    ("area", "agent"),
    ("channel", "area", "agent"),
    ("channel", "agent", "area"),
    ("agent", "area"),
]


def agent(ref, kind="free-sale", **more):
    return {"agent": ref, "kind": kind, **more}


def online(*agents, **more):
    channel = {"channel": "online", "rules": list(agents)}
    return {"rules": [{"area": "floor", "rules": [channel]}], **more}


def in_order(levels, *agents, **more):
    """The same agents in a plan of other levels; all of theirs is on the floor."""
    parts = [
        {
            "agent": said["agent"],
            "rules": [{"area": "floor", **said, "agent": None}],
        }
        for said in agents
    ]
    floor = {"area": "floor", "rules": list(agents)}
    rules = {
        ("area", "agent"): [floor],
        ("channel", "area", "agent"): [{"channel": "online", "rules": [floor]}],
        ("channel", "agent", "area"): [{"channel": "online", "rules": parts}],
        ("agent", "area"): parts,
    }[levels]
    return {"levels": list(levels), "rules": rules, **more}


def job(work):
    with transaction() as session:
        return work(session)


def walk(hub, who, sold, area="floor"):
    return hub.areas(who, sold["id"])[area]["walk"][0]


def free(hub, who, sold):
    return hub.areas(who, sold["id"])["floor"]["available"]


def recall(hub, sold, ref, seats, *, expect=201, **more):
    path = f"/v1/performances/{sold['id']}/recalls"
    said = {"area": "floor", "agent": ref, "seats": seats, "reason": "fewer", **more}
    return hub.post("sup", path, said, expect)


def transfer(hub, sold, giver, taker, seats, *, expect=201):
    path = f"/v1/performances/{sold['id']}/transfers"
    said = {"area": "floor", "from_agent": giver, "to_agent": taker, "seats": seats}
    return hub.post("operator", path, {**said, "reason": "agreed"}, expect)


def hand_on(hub, sold, *parts):
    path = f"/v1/performances/{sold['id']}/areas/floor/sub-agents"
    said = [{"sub_agent": ref, "guarantee": seats} for ref, seats in parts]
    return hub._answer(hub.call("ann", "PUT", path, {"parts": said}), 200)


@pytest.fixture
def family(hub):
    for ref in ("eva", "tim"):
        hub.add_partner(ref, "agent", commission_bp=100, parent="ann")
    return hub


@pytest.mark.parametrize("levels", LEVELS, ids=" ".join)
def test_what_an_agent_sold_counts_under_a_plan_of_other_levels(hub, levels):
    ann = agent("ann", "fixed", seats=20, is_exclusive=True)
    sold = hub.on_sale(online(ann, agent("bob")))
    offer_id = hub.offer_id("ann", sold["id"])
    order = hub.confirm("ann", hub.hold("ann", [(offer_id, 8)]))
    held = hub.hold("ann", [(offer_id, 4)])
    hub.plan(in_order(levels, ann, agent("bob")))
    own = walk(hub, "ann", sold)
    assert (own["guarantee"], own["ceiling"], own["taken"]) == (20, 20, 12)
    assert free(hub, "ann", sold) == 8
    assert free(hub, "bob", sold) == 130
    refused = hub.hold("ann", [(offer_id, 9)], expect=409)
    assert refused["code"] == "allotment-exhausted"
    hub.confirm("ann", held)
    hub.cancel("ann", order)
    assert walk(hub, "ann", sold)["taken"] == 4
    hub.assert_lawful()


@pytest.mark.parametrize("levels", LEVELS, ids=" ".join)
def test_moves_and_stages_go_into_a_plan_of_other_levels(hub, levels):
    stages = [{"when": {"days_before": 20}, "keep": 10}]
    both = (agent("ann", "fixed", seats=30), agent("bob", "fixed", seats=30))
    ann = {**both[0], "release": stages}
    sold = hub.on_sale(online(ann, both[1]), days=30)
    hub.move_clock(days=11)
    assert job(release_due_stages) == 1
    recall(hub, sold, "bob", 5)
    hub.plan(in_order(levels, *both))
    assert walk(hub, "ann", sold)["guarantee"] == 10
    assert walk(hub, "bob", sold)["guarantee"] == 25
    hub.assert_lawful()


def test_who_has_no_place_in_the_new_plan_counts_in_its_house(hub):
    sold = hub.on_sale(online(agent("ann", "fixed", seats=20), agent("bob")), floor=40)
    offer_id = hub.offer_id("ann", sold["id"])
    hub.hold("ann", [(offer_id, 6)])
    hub.hold("ann", [(offer_id, 6)])
    plan = in_order(("agent", "area"), agent("bob"))
    hub.plan({**plan, "shared_capacity": 30})
    assert free(hub, "bob", sold) == 18
    hub.assert_lawful()
    hub.plan(in_order(("area", "agent"), agent("ann", "fixed", seats=15), agent("bob")))
    assert walk(hub, "ann", sold)["taken"] == 12
    assert free(hub, "bob", sold) == 25
    hub.assert_lawful()


def test_sub_agents_and_blocks_move_with_their_agent(family):
    hub = family
    sold = hub.on_sale(online(agent("ann", "fixed", seats=20), agent("bob")))
    hand_on(hub, sold, ("eva", 12))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.hold("eva", [(offer_id, 5)])
    hub.plan(in_order(("agent", "area"), agent("ann", "fixed", seats=20), agent("bob")))
    own = walk(hub, "eva", sold)
    assert (own["guarantee"], own["taken"]) == (12, 5)
    hub.hold("eva", [(offer_id, 7)])
    hub.assert_lawful()


def test_a_simulation_says_what_another_shape_leaves_alone(hub):
    sold = hub.on_sale(online(agent("ann", "fixed", seats=20), agent("bob")))
    hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 3)])
    same = in_order(("area", "agent"), agent("ann", "fixed", seats=20), agent("bob"))
    body = {"plan": same, "draft": True}
    draft = hub.post("operator", hub.of("sup", "plans"), body, 201)
    told = hub.get("operator", f"/v1/plans/{draft['id']}/simulation")
    assert (told["changed"], told["examples"]) == (0, [])
    ann = next(row for row in told["agents"] if row["agent"] == "ann")
    assert ann["before"] == ann["after"]
    assert (ann["after"]["guarantee"], ann["after"]["taken"]) == (20, 3)


# Moves


@pytest.fixture
def two_channels(hub):
    hub.add_partner("cat", "agent", channel="trade", commission_bp=100)
    return hub


def channels(online_seats, trade_seats):
    def channel(name, seats, *rules):
        fixed = {"kind": "fixed", "seats": seats}
        return {"channel": name, "rules": list(rules), **fixed}

    rules = [
        channel("online", online_seats, agent("ann", "fixed", seats=50), agent("bob")),
        channel("trade", trade_seats, agent("cat", "fixed", seats=20)),
    ]
    return {"rules": [{"area": "floor", "rules": rules}]}


def test_a_transfer_between_channels_moves_their_promises_too(two_channels):
    hub = two_channels
    sold = hub.on_sale(channels(100, 50))  # nothing of the floor's 150 is shared
    transfer(hub, sold, "ann", "cat", 10)
    nodes = {
        step["level"]: step["guarantee"]
        for step in hub.areas("cat", sold["id"])["floor"]["walk"]
    }
    assert (nodes["agent"], nodes["channel"]) == (30, 60)
    nodes = hub.areas("bob", sold["id"])["floor"]["walk"]
    assert [n["guarantee"] for n in nodes if n["level"] == "channel"] == [90]
    hub.assert_lawful()


def test_a_recall_is_the_suppliers_not_the_channels(two_channels):
    hub = two_channels
    sold = hub.on_sale(channels(100, 50))
    assert free(hub, "cat", sold) == 50
    recall(hub, sold, "ann", 10)
    assert free(hub, "bob", sold) == 60  # 90 of the channel, 40 of them ann's; and 10
    assert free(hub, "cat", sold) == 60
    hub.assert_lawful()


def test_moving_makes_no_promises_when_the_plan_shrinks(hub):
    sold = hub.on_sale(
        online(agent("ann", "fixed", seats=60), agent("bob", "fixed", seats=10))
    )
    transfer(hub, sold, "ann", "bob", 50)
    hub.plan(online(agent("ann", "fixed", seats=30), agent("bob", "fixed", seats=10)))
    assert walk(hub, "ann", sold)["guarantee"] == 0
    assert walk(hub, "bob", sold)["guarantee"] == 40  # and not 60: ann has 30 to give
    hub.assert_lawful()


def test_a_recall_after_the_plan_shrank_takes_what_it_says(hub):
    """What was moved and has no place any more hid what was recalled."""
    bob = agent("bob", "fixed", seats=5)
    sold = hub.on_sale(online(agent("ann", "fixed", seats=1), bob))
    transfer(hub, sold, "bob", "ann", 3)
    hub.plan(online(agent("ann", "fixed", seats=7), agent("bob")))
    assert walk(hub, "ann", sold)["guarantee"] == 7
    assert recall(hub, sold, "ann", 3)["taken"] == 3
    assert walk(hub, "ann", sold)["guarantee"] == 4
    hub.assert_lawful()


def test_what_was_moved_after_a_stage_stays_moved_under_its_next_version(hub):
    stages = [{"when": {"days_before": 20}, "keep": 10}]
    bob = agent("bob", "fixed", seats=30, release=stages)
    sold = hub.on_sale(online(agent("ann", "fixed", seats=30), bob), days=30)
    hub.move_clock(days=11)
    assert job(release_due_stages) == 1
    transfer(hub, sold, "ann", "bob", 5)
    assert walk(hub, "bob", sold)["guarantee"] == 15
    hub.plan(online(agent("ann", "fixed", seats=31), bob))
    assert walk(hub, "bob", sold)["guarantee"] == 15
    hub.assert_lawful()


def test_a_recall_of_a_promise_that_was_cut_takes_only_what_is_there(hub):
    sold = hub.on_sale(online(agent("ann", "fixed", seats=15), agent("bob")), floor=30)
    offer_id = hub.offer_id("bob", sold["id"])
    hub.hold("bob", [(offer_id, 7)])
    held = hub.hold("bob", [(offer_id, 8)])
    hub.deliver([performance(version=2, floor=20)])
    assert walk(hub, "ann", sold)["guarantee"] == 5
    hub.call("bob", "DELETE", f"/v1/holds/{held['id']}")  # nothing is mended yet
    made = recall(hub, sold, "ann", 4)
    assert made["taken"] == 4
    assert walk(hub, "ann", sold)["guarantee"] == 11
    hub.assert_lawful()


def test_a_recall_of_an_agent_the_plan_has_dropped_meanwhile_takes_nothing(hub):
    sold = hub.on_sale(
        online(
            agent("ann", "fixed", seats=15, recall_notice_h=24),
            agent("bob", "fixed", seats=15, recall_notice_h=24),
        )
    )
    recall(hub, sold, "ann", 5)
    recall(hub, sold, "bob", 5)
    hub.plan(online(agent("bob", "fixed", seats=15, recall_notice_h=24)))
    hub.move_clock(hours=25)
    assert job(carry_out_due) == 2
    assert job(carry_out_due) == 0
    assert walk(hub, "bob", sold)["guarantee"] == 10
    hub.assert_lawful()


# Sub-agents


def test_what_sub_agents_are_promised_shrinks_with_their_agents(family):
    hub = family
    sold = hub.on_sale(online(agent("ann", "fixed", seats=20), agent("bob")))
    hand_on(hub, sold, ("eva", 10), ("tim", 10))
    hub.plan(online(agent("ann", "fixed", seats=10), agent("bob", "fixed", seats=140)))
    assert walk(hub, "bob", sold)["guarantee"] == 140
    assert walk(hub, "eva", sold)["guarantee"] == 10
    assert walk(hub, "tim", sold)["guarantee"] == 0
    hub.assert_lawful()


def test_a_stage_releases_what_was_handed_on_but_not_sold(family):
    hub = family
    stages = [{"when": {"days_before": 20}, "keep_unsold": 3}]
    rule = agent("ann", "fixed", seats=20, release=stages)
    sold = hub.on_sale(online(rule, agent("bob")), days=30)
    hand_on(hub, sold, ("eva", 12), ("tim", 8))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("tim", hub.hold("tim", [(offer_id, 6)]))
    hub.move_clock(days=11)
    assert job(release_due_stages) == 1
    assert walk(hub, "eva", sold)["guarantee"] == 3  # 6 are sold, 3 more are kept
    assert walk(hub, "tim", sold)["guarantee"] == 6
    assert free(hub, "bob", sold) == 150 - 9
    hub.assert_lawful()


def test_a_recall_reaches_what_was_handed_on(family):
    hub = family
    sold = hub.on_sale(online(agent("ann", "fixed", seats=20), agent("bob")))
    hand_on(hub, sold, ("eva", 20))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.hold("eva", [(offer_id, 5)])
    assert recall(hub, sold, "ann", 12)["taken"] == 12
    own = walk(hub, "eva", sold)
    assert (own["guarantee"], own["taken"]) == (8, 5)
    assert free(hub, "bob", sold) == 142
    assert recall(hub, sold, "ann", 6, force=True)["taken"] == 6
    assert walk(hub, "eva", sold)["taken"] == 0
    hub.assert_lawful()


def test_a_sub_agent_has_nothing_of_its_own_to_move(family):
    hub = family
    sold = hub.on_sale(online(agent("ann", "fixed", seats=20), agent("bob")))
    hand_on(hub, sold, ("eva", 12))
    for giver, taker in (("ann", "eva"), ("eva", "tim"), ("bob", "eva")):
        refused = transfer(hub, sold, giver, taker, 1, expect=422)
        assert (refused["code"], refused["field"]) == ("invalid-request", "agent")
    recall(hub, sold, "eva", 1, expect=422)
    assert walk(hub, "eva", sold)["guarantee"] == 12
    assert free(hub, "bob", sold) == 130
    refused = hub.plan(online(agent("eva", "fixed", seats=3)), expect=422)
    assert (refused["code"], refused["rule"]) == ("plan-refused", "eva")
    hub.assert_lawful()


def test_what_names_an_agent_covers_its_sub_agents(family):
    hub = family
    caps = [{"of": "agent", "agent": "ann", "most": 10}]
    sold = hub.on_sale(online(agent("ann", "fixed", seats=20), agent("bob"), caps=caps))
    hand_on(hub, sold, ("eva", 12))
    offer_id = hub.offer_id("ann", sold["id"])
    held = hub.hold("eva", [(offer_id, 6)])
    hub.hold("ann", [(offer_id, 3)])
    refused = hub.hold("eva", [(offer_id, 2)], expect=409)
    assert (refused["code"], refused["taken"]) == ("cap-reached", 9)
    said = {"severity": "hard", "reason": "unpaid", "supplier_id": hub.ids["sup"]}
    hub.post("operator", "/v1/stops", {**said, "agent_id": hub.ids["ann"]}, 201)
    assert hub.hold("eva", [(offer_id, 1)], expect=409)["code"] == "stopped"
    assert hub.confirm("eva", held, expect=409)["code"] == "hold-voided"
    hub.hold("bob", [(offer_id, 1)])
    hub.assert_lawful()


def test_rebalancing_counts_what_sub_agents_sell(family):
    hub = family
    said = {"dead_band": 2, "step_bp": 10_000, "half_life_h": 1}
    sold = hub.on_sale(
        online(
            agent("ann", "fixed", seats=10),
            agent("bob", "fixed", seats=30),
            rebalancing=said,
        ),
        days=3,
    )
    hand_on(hub, sold, ("eva", 10))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("eva", hub.hold("eva", [(offer_id, 8)]))
    path = f"/v1/performances/{sold['id']}/rebalancing"
    (move,) = hub.post("operator", path, {}, 200)["items"]
    assert (move["giver"][-3:], move["taker"][-3:]) == ("bob", "ann")
    assert "has 2 and needs" in move["reason"]


# What was


def test_what_an_agent_had_is_told_after_a_plan_has_dropped_it(hub):
    sold = hub.on_sale(online(agent("ann", "fixed", seats=20), agent("bob")))
    hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 4)])
    before = hub.get("ann", f"/v1/performances/{sold['id']}/availability")
    time.sleep(0.01)
    hub.plan(in_order(("agent", "area"), agent("bob")))
    path = f"/v1/performances/{sold['id']}/explanation"
    (now,) = [a for a in hub.get("ann", path)["areas"] if a["area"] == "floor"]
    assert now["walk"] == []
    then = hub.get("ann", f"{path}?at={before['as_of'].replace('+', '%2B')}")
    (then,) = [a for a in then["areas"] if a["area"] == "floor"]
    assert then["available"] == 146
    assert [(n["level"], n["guarantee"], n["taken"]) for n in then["walk"]] == [
        ("agent", 20, 4),
        ("channel", 0, 20),
        ("area", 0, 20),
    ]
