"""How plans share capacity out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.errors import PlanRefusedError
from allocation.rules.plans import Rule, RuleKind, check, divide, fit, share_out

FIXED, WEIGHTED, FREE = RuleKind.FIXED, RuleKind.WEIGHTED, RuleKind.FREE_SALE


def plan(*rules, keep=0):
    return Rule("", FREE, keep_shared_bp=keep, rules=rules)


def guarantees(wanted, capacity):
    return {node.holder: node.guarantee for node in share_out(wanted, capacity)}


def test_fixed_first_then_weights_then_free_sale():
    wanted = plan(
        Rule("a", FIXED, seats=10),
        Rule("b", WEIGHTED, weight=3),
        Rule("c", WEIGHTED, weight=1),
        Rule("d", FREE),
        keep=5_000,
    )
    assert guarantees(wanted, 100) == {"a": 10, "b": 34, "c": 11, "d": 0}


def test_agents_share_what_their_channel_is_given():
    wanted = plan(
        Rule(
            "online",
            FIXED,
            seats=10,
            rules=(
                Rule("online/1", FIXED, seats=4),
                Rule("online/2", WEIGHTED, weight=1),
            ),
        ),
        Rule("trade", FREE, rules=(Rule("trade/3", FIXED, seats=5),)),
    )
    assert guarantees(wanted, 100) == {
        "online": 10,
        "online/1": 4,
        "online/2": 6,
        "trade": 0,
        "trade/3": 5,
    }


def test_too_little_capacity_serves_the_plan_in_its_order():
    wanted = plan(Rule("a", FIXED, seats=10), Rule("b", FIXED, seats=10))
    assert guarantees(wanted, 15) == {"a": 10, "b": 5}
    assert guarantees(wanted, 0) == {"a": 0, "b": 0}


@pytest.mark.parametrize(
    ("seats", "bounds", "shares"),
    [
        (101, [(5, 0, None), (3, 0, None), (2, 0, None)], [51, 30, 20]),
        (100, [(5, 0, 40), (3, 0, None), (2, 30, None)], [40, 30, 30]),
        (100, [(5, 0, 40), (3, 0, 20), (2, 0, 10)], [40, 20, 10]),
        (10, [(6, 0, None), (6, 0, None), (2, 0, None)], [5, 4, 1]),
        (11, [(6, 0, None), (6, 0, None), (2, 0, None)], [5, 5, 1]),
    ],
)
def test_reference_divisions(seats, bounds, shares):
    assert divide(seats, bounds) == shares


weights = st.lists(st.integers(1, 60), min_size=1, max_size=8)


@given(seats=st.integers(0, 300), shares=weights)
def test_nobody_loses_when_capacity_grows(seats, shares):
    bounds = [(weight, 0, None) for weight in shares]
    now, then = divide(seats, bounds), divide(seats + 1, bounds)
    assert sum(now) == seats
    assert all(a <= b for a, b in zip(now, then, strict=True))


@given(seats=st.integers(0, 200), shares=weights, factor=st.integers(2, 9))
def test_only_the_ratio_of_weights_counts(seats, shares, factor):
    bounds = [(weight, 0, None) for weight in shares]
    scaled = [(weight * factor, 0, None) for weight in shares]
    assert divide(seats, bounds) == divide(seats, scaled)


@pytest.mark.parametrize(
    ("wanted", "facts"),
    [
        (
            plan(Rule("a", FREE), Rule("a", FREE)),
            {"holder": "a", "reason": "named twice"},
        ),
        (
            plan(Rule("a", WEIGHTED)),
            {"holder": "a", "reason": "a weight must be positive"},
        ),
        (
            plan(Rule("a", FIXED, seats=9, ceiling=5)),
            {"holder": "a", "reason": "promised above its ceiling", "over_by": 4},
        ),
        (
            plan(Rule("a", FIXED, seats=5, rules=(Rule("a/1", FIXED, seats=8),))),
            {
                "holder": "a",
                "reason": "its agents are promised more than it has",
                "over_by": 3,
            },
        ),
    ],
)
def test_contradictions_are_refused_by_name_and_number(wanted, facts):
    with pytest.raises(PlanRefusedError) as refused:
        check(wanted)
    assert refused.value.facts == facts


def fitted(wanted, capacity, taken):
    nodes, root = fit(capacity, share_out(wanted, capacity), taken)
    return {node.holder: node for node in nodes}, root


TWO = plan(
    Rule(
        "online",
        FREE,
        rules=(Rule("online/1", FIXED, seats=50), Rule("online/2", FIXED, seats=50)),
    )
)


def test_a_cut_takes_unsold_guarantees_of_the_lowest_priority_first():
    nodes, root = fitted(TWO, 100, {"online/1": 60, "online/2": 10})
    assert (nodes["online/1"].guarantee, nodes["online/2"].guarantee) == (50, 40)
    assert (nodes["online"].taken, root) == (100, 100)


def test_what_is_sold_is_never_cut():
    nodes, root = fitted(TWO, 30, {"online/1": 25, "online/2": 20})
    assert root == 45  # over-committed by 15
    assert nodes["online/1"].taken == 25


def test_an_agent_the_plan_drops_keeps_what_it_sold_and_sells_no_more():
    nodes, root = fitted(TWO, 200, {"online/9": 7})
    assert (nodes["online/9"].ceiling, nodes["online/9"].taken) == (0, 7)
    assert root == 107


@given(
    capacity=st.integers(0, 120),
    taken=st.fixed_dictionaries(
        {"online/1": st.integers(0, 80), "online/2": st.integers(0, 80)}
    ),
)
def test_fitting_keeps_sums_and_never_promises_what_is_not_there(capacity, taken):
    nodes, root = fitted(TWO, capacity, taken)
    leaves = [nodes["online/1"], nodes["online/2"]]
    assert nodes["online"].taken == sum(leaf.charge for leaf in leaves)
    assert root == nodes["online"].charge
    assert root <= max(capacity, sum(taken.values()))
    assert {leaf.holder: leaf.taken for leaf in leaves} == taken


def test_a_dropped_channel_keeps_what_it_sold():
    nodes, root = fitted(TWO, 120, {"trade/7": 30})
    assert (nodes["trade"].ceiling, nodes["trade"].taken, nodes["trade"].guarantee) == (
        0,
        30,
        0,
    )
    assert root == 120  # 90 of the promised 100 are left beside the 30 sold


def test_a_channels_own_promise_is_cut_before_those_of_its_agents():
    wanted = plan(
        Rule(
            "a",
            FIXED,
            seats=60,
            rules=(Rule("a/1", FIXED, seats=30), Rule("a/2", FIXED, seats=20)),
        ),
        Rule("b", FREE, rules=(Rule("b/3", FREE),)),
    )
    nodes, root = fitted(wanted, 95, {"b/3": 40})
    assert root == 95
    assert [nodes[holder].guarantee for holder in ("a", "a/1", "a/2")] == [55, 30, 20]
    nodes, root = fitted(wanted, 80, {"b/3": 40})
    assert root == 80
    assert [nodes[holder].guarantee for holder in ("a", "a/1", "a/2")] == [40, 30, 10]


def test_a_channels_ceiling_bounds_what_its_agents_are_promised():
    wanted = plan(
        Rule("online", FREE, ceiling=30, rules=(Rule("online/1", FIXED, seats=30),))
    )
    nodes, root = fitted(wanted, 150, {"online/9": 20})
    assert nodes["online/1"].guarantee == 10
    assert (nodes["online"].taken, root) == (30, 30)
