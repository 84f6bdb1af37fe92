"""Explain: why exactly so many, for any agent and moment; what changed and why."""

import random
import time

from allocation.services.releases import release_due_stages
from hub.kernel.db import transaction
from tests.hubs import performance


def agent(ref, kind="free-sale", **more):
    return {"agent": ref, "kind": kind, **more}


def floor(*agents, **more):
    channel = {"channel": "online", "rules": list(agents)}
    return {"rules": [{"area": "floor", "rules": [channel]}], **more}


def explained(hub, who, sold, expect=200, **asked):
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    path = f"/v1/performances/{sold['id']}/explanation?{query.replace('+', '%2B')}"
    found = hub.get(who, path, expect)
    return found if expect != 200 else {area["area"]: area for area in found["areas"]}


def test_the_walk_is_told_in_words_and_numbers(hub):
    sold = hub.on_sale(floor(agent("ann", "fixed", seats=20, ceiling=50), agent("bob")))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 3)]))
    hub.hold("ann", [(offer_id, 5)])
    hub.hold("bob", [(offer_id, 7)])
    found = explained(hub, "ann", sold)["floor"]
    assert found["available"] == 42
    assert found["sentences"] == [
        "ann may take 42 in floor: agent ann refuses one more"
    ]
    assert [step["holder"] for step in found["walk"]] == [
        "agent ann",
        "channel online",
        "area floor",
    ]
    first = found["walk"][0]
    assert (first["held"], first["sold"], first["taken"]) == (5, 3, 8)
    assert first["sentence"] == (
        "agent ann is promised 20, of which 12 are not taken up; has taken 8;"
        " may hold 50, so 42 are left below that; and this is what binds"
    )
    assert [step["taken"] for step in found["walk"]] == [8, 27, 27]
    assert "held" not in found["walk"][1]
    assert "held_by" not in found
    inside = explained(hub, "sup", sold, agent="ann")["floor"]
    by_agent = {row["agent"]: (row["held"], row["sold"]) for row in inside["held_by"]}
    assert by_agent == {None: (0, 0), "ann": (5, 3), "bob": (7, 0)}
    nothing = explained(hub, "ann", sold)["stalls"]
    assert nothing["sentences"] == ["ann is not allotted anything in stalls"]


def test_what_nobody_has_touched_yet_has_its_history_above(hub):
    sold = hub.on_sale(floor(agent("ann", "fixed", seats=20), agent("bob")))
    inside = explained(hub, "operator", sold, agent="bob")["floor"]
    assert inside["walk"][0]["node_id"] is None
    above = hub.get("operator", f"/v1/nodes/{inside['walk'][1]['node_id']}/history")
    assert above["allotment"] == "area:floor/channel:online"
    hub.hold("bob", [(hub.offer_id("bob", sold["id"]), 1)])
    touched = explained(hub, "bob", sold)["floor"]["walk"][0]["node_id"]
    assert hub.get("bob", f"/v1/nodes/{touched}/history")["items"] == []


def test_who_may_ask_about_whom(hub):
    sold = hub.on_sale()
    hub.add_partner("other", "supplier")
    explained(hub, "other", sold, 404, agent="ann")
    explained(hub, "operator", sold, 422)
    explained(hub, "operator", sold, 422, agent="zoe")
    mine = explained(hub, "ann", sold, agent="bob")[
        "floor"
    ]  # of itself, whoever it names
    assert "ann may take" in mine["sentences"][0]


def test_status_windows_caps_and_protection_are_told(hub):
    cap = {"of": "price-type", "price_type": "child", "most": 4}
    sold = hub.on_sale(floor(agent("ann"), agent("bob"), caps=[cap]))
    hub.hold("ann", [(hub.offer_id("ann", sold["id"], price_type="child"), 1)])
    found = explained(hub, "ann", sold)["floor"]
    assert [(x["cap"], x["taken"], x["left"]) for x in found["limits"]] == [
        ("price-type", 1, 3)
    ]
    body = {"supplier_id": hub.ids["sup"], "severity": "soft", "reason": "smoke"}
    hub.post("operator", "/v1/stops", body, 201)
    found = explained(hub, "ann", sold)["floor"]
    assert found["available"] == 0
    assert any("stopped" in said and "smoke" in said for said in found["sentences"])
    hub.deliver([performance(version=2, status="cancelled")])
    found = explained(hub, "operator", sold, agent="ann")["floor"]
    assert any("cancelled" in said for said in found["sentences"])


def test_what_a_cap_leaves_is_what_may_be_taken(hub):
    cap = {"of": "agent", "agent": "ann", "most": 5}
    sold = hub.on_sale(floor(agent("ann"), agent("bob"), caps=[cap]))
    hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 2)])
    found = explained(hub, "ann", sold)["floor"]
    assert found["available"] == 3
    assert any("limits beside the allotment leave 3" in s for s in found["sentences"])
    free = explained(hub, "bob", sold)["floor"]
    assert free["available"] == 148
    assert not any("limits beside" in said for said in free["sentences"])


class Day:
    """A day of sales by two agents, as the dice fall."""

    def __init__(self, hub, sold, offer_id):
        self.hub, self.sold, self.offer_id = hub, sold, offer_id
        self.dice = random.Random(7)  # noqa: S311
        self.holds, self.orders, self.seen = [], [], []

    def act(self):
        what = self.dice.choice("hhhcrx")
        if what == "h":
            who = self.dice.choice(["ann", "bob"])
            wanted = [(self.offer_id, self.dice.randint(1, 4))]
            held = self.hub.hold(who, wanted, expect=None)
            if "id" in held:
                self.holds.append((who, held))
        elif what == "x" and self.orders:
            self.hub.cancel(*self.one_of(self.orders))
        elif what in "cr" and self.holds:
            who, hold = self.one_of(self.holds)
            if what == "c":
                self.orders.append((who, self.hub.confirm(who, hold)))
            else:
                self.hub.call(who, "DELETE", f"/v1/holds/{hold['id']}")

    def one_of(self, found):
        return found.pop(self.dice.randrange(len(found)))

    def look(self):
        for who in ("ann", "bob"):
            path = f"/v1/performances/{self.sold['id']}/availability"
            told = self.hub.get(who, path)
            area = next(a for a in told["areas"] if a["area"] == "floor")
            self.seen.append((who, told["as_of"], area["available"], area["walk"]))
        time.sleep(0.002)


def test_what_was_available_at_any_moment_is_told_later(hub):
    stages = [{"when": {"days_before": 20}, "keep": 12}]
    first = floor(
        agent("ann", "fixed", seats=20, ceiling=40, release=stages),
        agent("bob"),
        caps=[{"of": "price-type", "price_type": "adult", "most": 55}],
    )
    second = floor(
        agent("ann", "fixed", seats=15),
        agent("bob", "fixed", seats=30),
        caps=[{"of": "agent", "most": 22}],
    )
    sold = hub.on_sale(first, floor=100)
    day = Day(hub, sold, hub.offer_id("ann", sold["id"]))

    def pass_time():
        hub.move_clock(days=11)
        with transaction() as session:
            assert release_due_stages(session) == 1
        day.holds.clear()

    def swap():
        path = f"/v1/performances/{sold['id']}/transfers"
        said = {"area": "floor", "from_agent": "ann", "to_agent": "bob", "seats": 1}
        hub.post("operator", path, {**said, "reason": "swap"}, 201)

    stopped = {"supplier_id": hub.ids["sup"], "severity": "soft", "reason": "smoke"}

    def lift():
        hub.call("operator", "DELETE", f"/v1/stops/{stopped['id']}")

    def stop():
        stopped.update(
            hub.post("operator", "/v1/stops", {**stopped, "channel": "online"}, 201)
        )

    changes = {
        30: stop,
        32: lift,
        8: lambda: hub.deliver([performance(version=2, floor=90)]),
        14: pass_time,
        20: swap,
        26: lambda: hub.plan(second),
    }
    for turn in range(36):
        day.act()
        changes.get(turn, lambda: None)()
        day.look()
    hub.assert_lawful()
    for who, at, free, walk in day.seen:
        told = explained(hub, who, sold, at=at)["floor"]
        assert told["available"] == free, at
        numbers = [(s["guarantee"], s["ceiling"], s["taken"]) for s in told["walk"]]
        assert numbers == [(s["guarantee"], s["ceiling"], s["taken"]) for s in walk]
    free = [free for _, _, free, _ in day.seen]
    assert 0 in free  # while it was stopped
    assert len(set(free)) > 10


def test_stops_windows_and_caps_are_told_as_they_were(hub):
    cap = {"of": "agent", "agent": "ann", "most": 5}
    sold = hub.on_sale(floor(agent("ann"), agent("bob"), caps=[cap]))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 2)]))
    hold = hub.hold("ann", [(offer_id, 2)])
    with_cap = explained(hub, "ann", sold)["floor"]
    body = {"supplier_id": hub.ids["sup"], "severity": "soft", "reason": "smoke"}
    stop = hub.post("operator", "/v1/stops", body, 201)
    stopped_at = at_now(hub, sold)
    hub.call("operator", "DELETE", f"/v1/stops/{stop['id']}")
    hub.call("ann", "DELETE", f"/v1/holds/{hold['id']}")
    opens = {"on_sale": {"days_before": 2}}
    hub.plan(floor(agent("ann", window=opens), agent("bob")))
    now = explained(hub, "ann", sold)["floor"]
    assert now["available"] == 0
    assert any("not open" in said.lower() for said in now["sentences"]), now
    assert with_cap["available"] == 1
    then = explained(hub, "ann", sold, at=stopped_at)
    assert then["floor"]["available"] == 0
    assert any("smoke" in said for said in then["floor"]["sentences"])
    counted = [(x["cap"], x["most"], x["taken"]) for x in then["floor"]["limits"]]
    assert counted == [("agent", 5, 4)]


def at_now(hub, sold):
    path = f"/v1/performances/{sold['id']}/explanation"
    return hub.get("ann", path)["at"]


def test_how_an_agent_may_hold_ask_and_pay_is_told(hub):
    holding = {"held_most": 6, "look_to_book": 2, "looks_free": 3, "option_most": 4}
    sold = hub.on_sale(
        floor(agent("ann", pending_most=9), agent("bob"), holding=holding)
    )
    offer_id = hub.offer_id("ann", sold["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 1)]))
    hub.hold("ann", [(offer_id, 5)])
    told = explained(hub, "ann", sold)["floor"]
    limits = {x["cap"]: (x["most"], x["taken"], x["left"]) for x in told["limits"]}
    assert limits["held"] == (6, 5, 1)
    assert limits["look-to-book"] == (5, 2, 3)
    assert limits["pending"] == (9, 0, 9)
    assert limits["option"] == (4, 0, 4)
    assert told["available"] == 1
    path = f"/v1/performances/{sold['id']}/availability"
    areas = {a["area"]: a for a in hub.get("ann", path)["areas"]}
    assert areas["floor"]["offers"][0]["available"] == 1
    hub.hold("ann", [(offer_id, 2)], expect=409)
    inside = explained(hub, "sup", sold, agent="ann")["floor"]
    assert "credit" not in {x["cap"] for x in inside["limits"]}


def test_the_history_of_an_allotment_says_why(hub):
    sold = hub.on_sale(floor(agent("ann", "fixed", seats=20), agent("bob")))
    hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    hub.plan(floor(agent("ann", "fixed", seats=15), agent("bob")))
    path = f"/v1/performances/{sold['id']}/recalls"
    said = {
        "area": "floor",
        "agent": "ann",
        "seats": 5,
        "reason": "guests of the house",
    }
    hub.post("sup", path, said, 201)
    node_id = explained(hub, "ann", sold)["floor"]["walk"][0]["node_id"]
    told = hub.get("ann", f"/v1/nodes/{node_id}/history")
    assert told["allotment"] == "area:floor/channel:online/agent:ann"
    changes = [
        (
            c["cause"],
            c["guarantee_before"],
            c["guarantee_after"],
            c["plan_version"],
            c["made_by"],
        )
        for c in told["items"]
    ]
    assert changes == [
        ("recall", 15, 10, 2, "sup key"),
        ("plan", 20, 15, 2, None),
    ]
    assert told["items"][0]["reason"] == "guests of the house"
    hub.get("bob", f"/v1/nodes/{node_id}/history", expect=404)
    hub.get("sup", f"/v1/nodes/{node_id}/history")


def test_a_refusal_says_which_node_binds(hub):
    sold = hub.on_sale(floor(agent("ann", ceiling=3), agent("bob")), floor=10)
    offer_id = hub.offer_id("ann", sold["id"])
    refused = hub.hold("ann", [(offer_id, 4)], expect=409)
    assert (refused["bound_by"], refused["free"], refused["wanted"]) == ("agent", 3, 4)
    hub.hold("bob", [(offer_id, 9)])
    refused = hub.hold("ann", [(offer_id, 2)], expect=409)
    assert (refused["bound_by"], refused["free"]) == ("area", 1)
    assert refused["area"] == "floor"
    assert hub.get("ann", f"/v1/nodes/{refused['node_id']}/history")
    walk = [(n["level"], n["ceiling"], n["taken"], n["binds"]) for n in refused["walk"]]
    assert walk == [
        ("agent", 3, 0, False),
        ("channel", None, 9, False),
        ("area", 10, 9, True),
    ]


def test_a_stop_of_one_price_type_closes_no_other(hub):
    sold = hub.on_sale(floor(agent("ann"), agent("bob")))
    body = {"supplier_id": hub.ids["sup"], "severity": "soft", "reason": "x"}
    hub.post("operator", "/v1/stops", {**body, "price_type": "child"}, 201)
    assert explained(hub, "ann", sold)["floor"]["available"] == 150
