"""When a plan's stages fall due, on the clocks of the venue; and R17 by its numbers."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from allocation.errors import PlanRefusedError
from allocation.rules.plans.checks import read_plan
from allocation.rules.plans.language import At, Rebalancing
from allocation.rules.plans.stages import Timing
from allocation.rules.rebalancing import Pace, moves
from allocation.services.releases import release_due_stages
from hub.kernel.db import transaction
from tests.hubs import TODAY, performance

VIENNA = "Europe/Vienna"


def job(work):
    with transaction() as session:
        return work(session)


def at(zone, *said):
    return datetime(*said, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("begins", "said", "due"),
    [
        # clocks go forward on 29 March 2026, back on 25 October
        ((2026, 3, 30, 19, 30), {"days_before": 2}, (2026, 3, 28, 19, 30)),
        ((2026, 3, 30, 19, 30), {"hours_before": 48}, (2026, 3, 28, 18, 30)),
        ((2026, 10, 26, 19, 30), {"days_before": 2}, (2026, 10, 24, 19, 30)),
        ((2026, 10, 26, 19, 30), {"hours_before": 48}, (2026, 10, 24, 20, 30)),
        ((2026, 4, 5, 11, 0), {"days_before": 7, "time": "12:00"}, (2026, 3, 29, 12)),
        # 02:30 is skipped in March: as if the clocks had not changed yet
        (
            (2026, 4, 5, 11, 0),
            {"days_before": 7, "time": "02:30"},
            (2026, 3, 29, 3, 30),
        ),
    ],
)
def test_r7_days_are_the_venues_and_hours_are_hours(begins, said, due):
    timing = Timing(at(VIENNA, *begins), VIENNA)
    assert timing.moment(At(**said)) == at(VIENNA, *due)


def test_r7_a_time_that_clocks_repeat_is_the_first_of_the_two():
    timing = Timing(at(VIENNA, 2026, 11, 1, 11), VIENNA)
    due = timing.moment(At(days_before=7, time="02:30"))
    assert due == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_an_absolute_moment_is_itself_wherever_the_venue_is():
    said = datetime(2026, 3, 1, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
    timing = Timing(at(VIENNA, 2026, 4, 1, 19), VIENNA)
    assert timing.moment(At(at=said)) == datetime(2026, 3, 1, 4, tzinfo=UTC)


def test_r7_a_stage_to_come_follows_a_performance_that_moves(hub):
    stages = [{"when": {"days_before": 7}, "keep": 5}]
    ann = {"agent": "ann", "kind": "fixed", "seats": 40, "release": stages}
    online = {"channel": "online", "rules": [ann, {"agent": "bob"}]}
    sold = hub.on_sale({"rules": [{"area": "floor", "rules": [online]}]}, days=30)
    hub.deliver([performance(version=2, days=60)])

    def kept():
        return hub.areas("ann", sold["id"])["floor"]["walk"][0]["guarantee"]

    hub.move_clock(days=24)
    assert job(release_due_stages) == 0
    assert kept() == 40
    hub.move_clock(days=30)
    assert job(release_due_stages) == 1
    assert kept() == 5
    hub.assert_lawful()


# R17: 48 hours left, A has 30 unsold at 0.1 an hour, B 2 at 0.5 an hour


def pace(key, unsold, per_hour, **more):
    facts = {"taken": 0, "ceiling": None, "floor": 0, **more}
    return Pace(
        key=key,
        guarantee=facts["taken"] + unsold,
        per_hour=Fraction(per_hour),
        **facts,
    )


PLENTY, SCARCE = pace("a", 30, "1/10"), pace("b", 2, "1/2")


def test_r17_by_the_numbers_of_the_rule():
    (move,) = moves([PLENTY, SCARCE], hours_left=48, said=Rebalancing())
    assert (move.giver, move.taker, move.seats) == ("a", "b", 6)
    assert move.reason == "a has 30 unsold and needs 6; b has 2 and needs 29"


@pytest.mark.parametrize(
    ("found", "said", "seats"),
    [
        ([PLENTY, SCARCE], {"step_bp": 5_000}, [15]),
        ([PLENTY, SCARCE], {"dead_band": 24}, []),
        ([PLENTY, SCARCE], {"dead_band": 23}, [6]),
        ([pace("a", 30, "1/10", floor=26), SCARCE], {}, [4]),
        ([PLENTY, pace("b", 2, "1/2", taken=10, ceiling=13)], {}, [1]),
        ([PLENTY, pace("b", 40, "1/2")], {}, []),
    ],
)
def test_r17_bounds(found, said, seats):
    made = moves(found, hours_left=48, said=Rebalancing(**said))
    assert [move.seats for move in made] == seats


def test_r17_does_not_swing_back():
    """After a run neither has more than it needs and the dead band: all stays."""
    found = [PLENTY, SCARCE]
    for _ in range(20):
        made = moves(found, hours_left=48, said=Rebalancing())
        given = sum(move.seats for move in made)
        found = [
            pace("a", found[0].unsold - given, "1/10"),
            pace("b", found[1].unsold + given, "1/2"),
        ]
    assert made == []
    assert found[0].unsold >= 6
    assert found[0].unsold + found[1].unsold == 32


# What cannot be meant


DEMAND = {"demand_mean": 5, "demand_sd": 1}


def plan(*rules, **more):
    return {"rules": list(rules), **more}


def channel(*agents, **more):
    return {"channel": "online", "rules": list(agents), **more}


@pytest.mark.parametrize(
    ("said", "rule", "over_by"),
    [
        (
            plan(channel({"agent": "ann", "kind": "weighted", "weight": 1})),
            "online",
            None,
        ),
        (
            plan(channel({"agent": "ann", "kind": "percent", "percent_bp": 10})),
            "online",
            None,
        ),
        (
            plan(
                channel(
                    {"agent": "ann", "kind": "weighted", "weight": 1},
                    kind="fixed",
                    seats=10,
                ),
                levels=["channel", "area", "agent"],
            ),
            "online > ann",
            None,
        ),
        (
            plan(
                channel({"agent": "ann"}),
                window={"on_sale": {"days_before": 5}, "cut_off": {"days_before": 6}},
            ),
            "window",
            None,
        ),
        (
            plan(
                channel({"agent": "ann"}),
                window={
                    "announce": {"hours_before": 2},
                    "on_sale": {"hours_before": 3},
                },
            ),
            "window",
            None,
        ),
        (
            plan(
                channel(
                    {
                        "agent": "ann",
                        "window": {
                            "on_sale": {"days_before": 5, "time": "10:00"},
                            "cut_off": {"days_before": 5, "time": "09:00"},
                        },
                    }
                )
            ),
            "online > ann > window",
            None,
        ),
        (
            plan(channel({"agent": "ann"}), holding={"ttl_s": 900, "ttl_max_s": 600}),
            "holding",
            300,
        ),
        (
            plan(
                channel({"agent": "ann"}),
                protection=[
                    {
                        "area": "floor",
                        "classes": [
                            {**DEMAND, "price_type": t, "price_minor": p}
                            for t, p in (("child", 2_250), ("adult", 4_500))
                        ],
                    }
                ],
            ),
            "protection > floor",
            2_250,
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(said, rule, over_by):
    with pytest.raises(PlanRefusedError) as refused:
        read_plan(said)
    facts = refused.value.facts
    assert (facts["rule"], facts.get("over_by")) == (rule, over_by)


def test_promises_above_a_shared_capacity_are_refused(hub):
    hub.on_sale()
    rules = [
        {"area": "floor", "rules": [channel({"agent": "ann"}, kind="fixed", seats=90)]}
    ]
    refused = hub.plan(plan(*rules, shared_capacity=80), expect=422)
    assert refused["code"] == "plan-infeasible"
    assert (refused["capacity"], refused["over_by"]) == (80, 10)
    assert refused["rules"][0]["rule"] == "shared_capacity"


def test_of_two_that_weigh_the_same_the_first_by_priority_has_the_odd_seat(hub):
    both = [
        {"agent": "ann", "kind": "weighted", "weight": 1},
        {"agent": "bob", "kind": "weighted", "weight": 1, "priority": 1},
    ]
    rules = [{"area": "floor", "rules": both}]
    sold = hub.on_sale(plan(*rules, levels=["area", "agent"]), floor=11)
    given = {
        who: hub.areas(who, sold["id"])["floor"]["walk"][0]["guarantee"]
        for who in ("ann", "bob")
    }
    assert given == {"ann": 5, "bob": 6}


def test_r17_a_young_sale_is_measured_by_its_own_hours_and_a_new_one_not_at_all(hub):
    """Over six half-lives a sale of two hours looked slow, and what it had to spare."""
    opens = TODAY + timedelta(hours=1)
    said = {"half_life_h": 24, "dead_band": 0, "step_bp": 5_000}
    ann, bob = ({"agent": ref, "kind": "fixed", "seats": 40} for ref in ("ann", "bob"))
    online = {"channel": "online", "rules": [ann, bob]}
    rules = [{"area": "floor", "rules": [online]}]
    sold = hub.on_sale(
        {"rules": rules, "rebalancing": said}, days=2, on_sale_at=opens.isoformat()
    )
    offer_id = hub.offer_id("ann", sold["id"])
    path = f"/v1/performances/{sold['id']}/rebalancing"
    hub.move_clock(hours=1, minutes=10)
    hub.confirm("ann", hub.hold("ann", [(offer_id, 4)]))
    assert hub.post("operator", path, {}, 200)["items"] == []  # nothing is known yet
    hub.move_clock(hours=2)
    hub.confirm("ann", hub.hold("ann", [(offer_id, 4)]))
    (move,) = hub.post("operator", path, {}, 200)["items"]
    assert (move["giver"][-3:], move["taker"][-3:]) == ("bob", "ann")
    assert move["seats"] == 20
    hub.assert_lawful()
