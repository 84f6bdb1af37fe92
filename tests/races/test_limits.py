"""Caps, limits of an agent and moves among many who hold at once; with controls."""

import pytest

from allocation.services import moves
from hub.kernel.errors import HubError
from hub.verify import verify
from tests.lengths import RUNS
from tests.races.test_promises import Storm, fixed, online
from tests.races.unguarded import change_function, remove_the_guard, write_late
from tests.wishes import hold_wish, two_processes

TIMES = 10
_CAPS_LOCKED = "ORDER BY c.id FOR NO KEY UPDATE"
LIMITS = {
    "cap": {"caps": [{"of": "price-type", "price_type": "adult", "most": 15}]},
    "buyer": {"caps": [{"of": "buyer", "most": 15}]},
    "held at once": {"holding": {"held_most": 15}},
}


def counted(hub, limit):
    """Have two processes hold under a limit of 15; return the seats they have."""
    sold = hub.on_sale(online(fixed("ann", 60), fixed("bob", 60), **LIMITS[limit]))
    offer_id = hub.offer_id("ann", sold["id"])
    other = "ann" if limit == "held at once" else "bob"
    held = 0
    for _ in range(TIMES):
        wishes = [
            hold_wish(hub, who, [(offer_id, 2)], buyer="the same")
            for who in ("ann", other)
        ]
        answers = two_processes(*wishes)
        held += 2 * sum(not isinstance(answer, HubError) for answer in answers)
    return held


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_is_never_passed(hub, limit):
    assert counted(hub, limit) == 14
    hub.assert_lawful()


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("run", RUNS)
def test_control_without_its_lock_it_is(hub, owner_url, monkeypatch, limit, run):
    """Its agents' nodes would keep them apart too: those locks are gone as well."""
    remove_the_guard(owner_url)
    unlocked = _CAPS_LOCKED.partition(" FOR ")[0]
    change_function(owner_url, "lock_sales", _CAPS_LOCKED, unlocked)
    write_late(monkeypatch)
    assert counted(hub, limit) > 14, f"run {run}"


def moved(hub, change):
    """Change who may take what in mid-storm; return the laws that are broken then."""
    hub.add_partner("eva", "agent", parent="bob")
    plan = online(fixed("bob", 40), {"agent": "ann"})
    sold = hub.on_sale(plan, floor=40)
    offer_id = hub.offer_id("bob", sold["id"])
    hub.hold("bob", [(offer_id, 1)])
    with Storm(hub, hold_wish(hub, "bob", [(offer_id, 3)]), is_keeping=True) as storm:
        storm.wait_for(2)
        made = change(hub, sold)
        storm.wait_for(len(storm.answers) + 20)
    taken = 1 + 3 * len(storm.held())
    broken = {fact["law"] for fact in verify().broken}
    guarantee = hub.areas("bob", sold["id"])["floor"]["walk"][0]["guarantee"]
    if made is not None and taken > guarantee:
        broken.add("what is moved is not taken by its giver")
    return broken


def transfer(hub, sold):
    said = {"area": "floor", "from_agent": "bob", "to_agent": "ann", "seats": 10}
    path = f"/v1/performances/{sold['id']}/transfers"
    made = hub.post("operator", path, {**said, "reason": "swap"}, None)
    assert made.get("code") in {None, "nothing-to-move"}, made
    return None if "code" in made else made


def hand_on(hub, sold):
    path = f"/v1/performances/{sold['id']}/areas/floor/sub-agents"
    part = {"sub_agent": "eva", "guarantee": 10}
    made = hub.call("bob", "PUT", path, {"parts": [part]})
    assert made.status_code == 200 or made.json["code"] == "split-refused"


def block(hub, sold):
    path = f"/v1/performances/{sold['id']}/blocks"
    said = {"area": "floor", "kind": "house", "seats": 5, "reason": "guests"}
    made = hub.post("sup", path, said, None)
    assert made.get("code") in {None, "allotment-exhausted"}, made


@pytest.mark.parametrize("change", [transfer, hand_on, block])
def test_what_is_moved_in_a_storm_breaks_no_law(hub, change):
    assert moved(hub, change) == set()


@pytest.mark.parametrize("change", [transfer, hand_on])
@pytest.mark.parametrize("run", RUNS)
def test_control_without_the_locks_it_does(hub, owner_url, monkeypatch, change, run):
    remove_the_guard(owner_url)
    monkeypatch.setattr(moves, "stop_performances", lambda *_: None)
    write_late(monkeypatch)
    assert moved(hub, change), f"run {run}"
