"""How plans share capacity out, and fit around what is taken: pure, worked examples."""

from itertools import permutations

import pytest
from apportionment import methods
from hypothesis import given
from hypothesis import strategies as st

from allocation.errors import PlanRefusedError
from allocation.rules.plans.checks import read_plan
from allocation.rules.plans.dividing import by_demand, divide
from allocation.rules.plans.fitting import Allotted, fit
from allocation.rules.plans.sharing import share_out, shortages

FLOOR = {"floor": 100}


def plan(*rules, **more):
    return read_plan({"levels": ["area", "agent"], "rules": list(rules), **more})


def agent(ref, kind="free-sale", **more):
    return {"agent": ref, "kind": kind, **more}


def channel(name, *rules, kind="free-sale", **more):
    return {"channel": name, "kind": kind, "rules": list(rules), **more}


def guarantees(wanted, areas=FLOOR):
    return {
        share.key.removeprefix("area:floor/"): share.guarantee
        for share in share_out(wanted, areas)
        if share.level not in {"area", "house"}
    }


def bounds_of(wanted, areas=FLOOR):
    return {
        share.key: (share.guarantee, share.ceiling)
        for share in share_out(wanted, areas)
    }


def test_fixed_first_then_percent_then_weights_then_free_sale():
    wanted = plan(
        agent("a", "fixed", seats=10),
        agent("b", "percent", percent_bp=1_000),
        agent("c", "weighted", weight=3),
        agent("d", "weighted", weight=1),
        agent("e"),
        keep_shared_bp=5_000,
    )
    assert guarantees(wanted) == {
        "agent:a": 10,
        "agent:b": 10,
        "agent:c": 30,
        "agent:d": 10,
        "agent:e": 0,
    }


def test_r1_an_exclusive_quota_is_guarantee_and_ceiling():
    wanted = plan(
        agent("a", "fixed", seats=40, is_exclusive=True),
        agent("b", "fixed", seats=30, is_exclusive=True),
    )
    found = bounds_of(wanted)
    assert found["area:floor/agent:a"] == (40, 40)
    assert found["area:floor/agent:b"] == (30, 30)
    assert found["area:floor"] == (0, 100)


def test_agents_share_what_their_channel_is_given():
    wanted = read_plan(
        {
            "rules": [
                channel(
                    "online",
                    agent("1", "fixed", seats=4),
                    agent("2", "weighted", weight=1),
                    kind="fixed",
                    seats=10,
                ),
                channel("trade", agent("3", "fixed", seats=5)),
            ]
        }
    )
    assert guarantees(wanted) == {
        "channel:online": 10,
        "channel:online/agent:1": 4,
        "channel:online/agent:2": 6,
        "channel:trade": 0,
        "channel:trade/agent:3": 5,
    }


def test_too_little_capacity_serves_the_plan_by_priority():
    rules = [agent("a", "fixed", seats=10), agent("b", "fixed", seats=10)]
    assert guarantees(plan(*rules), {"floor": 15}) == {"agent:a": 10, "agent:b": 5}
    assert guarantees(plan(*rules), {"floor": 0}) == {"agent:a": 0, "agent:b": 0}
    rules[1]["priority"] = 1
    assert guarantees(plan(*rules), {"floor": 15}) == {"agent:a": 5, "agent:b": 10}


def test_each_area_has_its_own_rules_or_those_for_all():
    wanted = plan(
        {"area": "stalls", "rules": [agent("a", "fixed", seats=3)]},
        agent("a", "percent", percent_bp=5_000),
    )
    found = bounds_of(wanted, {"floor": 100, "stalls": 30, "tier": 10})
    assert found["area:stalls/agent:a"] == (3, None)
    assert found["area:floor/agent:a"] == (50, None)
    assert found["area:tier/agent:a"] == (5, None)


def test_a_shared_capacity_lies_above_several_areas():
    wanted = plan(agent("a"), shared_capacity=120)
    shares = {share.key: share for share in share_out(wanted, {"x": 100, "y": 50})}
    assert shares["house"].ceiling == 120
    assert shares["area:x"].parent == shares["area:y"].parent == "house"


@pytest.mark.parametrize(
    "levels",
    [
        ["channel", "area", "agent"],
        ["channel", "agent", "area"],
        ["agent", "area"],
    ],
)
def test_the_supplier_chooses_the_order_of_levels(levels):
    rule = {"channel": "online", "kind": "fixed", "seats": 30}
    if levels[0] == "channel":
        rule["rules"] = [agent("a")]
    else:
        rule = agent("a", "fixed", seats=30)
    wanted = read_plan({"levels": levels, "rules": [rule]})
    shares = {share.key: share for share in share_out(wanted, {"x": 100, "y": 50})}
    leaves = [share for share in shares.values() if share.is_leaf]
    assert {leaf.area for leaf in leaves} == {"x", "y"}
    assert shares["house"].ceiling == 150
    for leaf in leaves:
        above, pools = leaf, []
        while above.parent is not None:
            pools += [above.pool] if above.pool else []
            above = shares[above.parent]
        assert above.key == "house"
        assert pools == [f"area:{leaf.area}"]


@pytest.mark.parametrize(
    ("seats", "bounds", "shares"),
    [
        (101, [(5, 0, None), (3, 0, None), (2, 0, None)], [51, 30, 20]),
        (100, [(5, 0, None), (3, 0, None), (2, 30, None)], [44, 26, 30]),
        (100, [(5, 0, 40), (3, 0, None), (2, 30, None)], [40, 30, 30]),
        (100, [(5, 0, 40), (3, 0, 20), (2, 0, 10)], [40, 20, 10]),
        (10, [(6, 0, None), (6, 0, None), (2, 0, None)], [5, 4, 1]),
        (11, [(6, 0, None), (6, 0, None), (2, 0, None)], [5, 5, 1]),
        (0, [(1, 0, None)], [0]),
        (5, [(0, 0, None), (1, 0, None)], [0, 5]),
        (5, [], []),
        (3, [(10**9, 0, None), (1, 1, None)], [2, 1]),
    ],
)
def test_r4_divisions(seats, bounds, shares):
    assert divide(seats, bounds) == shares


weights = st.lists(st.integers(1, 60), min_size=1, max_size=8)
bound = st.tuples(
    st.integers(0, 60), st.integers(0, 12), st.one_of(st.none(), st.integers(12, 60))
)
bounded = st.lists(bound, min_size=1, max_size=8)
few = st.lists(bound, min_size=2, max_size=4, unique_by=lambda found: found[0])


def seat_by_seat(seats, bounds):
    """The definition: from the floors, one seat after the other."""
    shares = [low for _, low, _ in bounds]
    for _ in range(seats - sum(shares)):
        open_ones = [
            (-weight / (2 * shares[at] + 1), at)
            for at, (weight, _, high) in enumerate(bounds)
            if weight and (high is None or shares[at] < high)
        ]
        if not open_ones:
            break
        shares[min(open_ones)[1]] += 1
    return shares


@given(seats=st.integers(0, 300), bounds=bounded)
def test_the_jump_ends_where_seat_by_seat_does(seats, bounds):
    assert divide(seats, bounds) == seat_by_seat(seats, bounds)


@given(seats=st.integers(1, 300), shares=weights)
def test_without_bounds_it_is_sainte_lague(seats, shares):
    # Ties of the package go to the first of the list, as ours do.
    wanted = methods.compute("saintelague", shares, seats, verbose=False)
    assert divide(seats, [(weight, 0, None) for weight in shares]) == wanted


@given(seats=st.integers(0, 300), bounds=bounded)
def test_nobody_loses_when_capacity_grows(seats, bounds):
    now, then = divide(seats, bounds), divide(seats + 1, bounds)
    assert all(a <= b for a, b in zip(now, then, strict=True))


@given(seats=st.integers(0, 200), shares=weights, factor=st.integers(2, 9))
def test_only_the_ratio_of_weights_counts(seats, shares, factor):
    bounds = [(weight, 0, None) for weight in shares]
    scaled = [(weight * factor, 0, None) for weight in shares]
    assert divide(seats, bounds) == divide(seats, scaled)


@given(seats=st.integers(0, 60), bounds=few)
def test_the_order_of_holders_matters_only_for_ties(seats, bounds):
    found = dict(zip(bounds, divide(seats, bounds), strict=True))
    quotients = {
        weight / (2 * n + 1)
        for weight, _, _ in bounds
        for n in range(seats + 1)
        if weight
    }
    if len(quotients) < sum(seats + 1 for weight, _, _ in bounds if weight):
        return  # a tie may decide
    for other in permutations(bounds):
        assert dict(zip(other, divide(seats, other), strict=True)) == found


def test_r5_by_demand_nobody_gets_more_than_asked():
    assert by_demand(100, [10, 50, 80]) == [10, 45, 45]
    assert by_demand(10, [3, 3]) == [3, 3]
    assert by_demand(5, [3, 3, 3]) == [2, 2, 1]
    assert by_demand(0, [1]) == [0]


REFUSED = [
    ([agent("a"), agent("a")], "a", "named twice", None),
    ([agent("a", "weighted")], "rules", "all weights are zero: a", None),
    (
        [agent("a", "fixed", seats=9, ceiling=5)],
        "a",
        "promised above its ceiling",
        4,
    ),
    (
        [
            agent("a", "percent", percent_bp=6_000),
            agent("b", "percent", percent_bp=5_000),
        ],
        "rules",
        "the percentages are 1000 basis points above the whole",
        None,
    ),
    ([agent("a", seats=4)], "a", "seats says nothing in a free-sale rule", None),
    (
        [agent("a", is_exclusive=True)],
        "a",
        "exclusive free sale would be nothing at all",
        None,
    ),
    ([{"kind": "fixed"}], "rules", "names one of area, channel and agent", None),
    (
        [channel("online")],
        "online",
        "channel does not come here: area > agent",
        None,
    ),
    (
        [agent("a", "fixed", seats=5, release=[{"when": {"days_before": 3}}])],
        "a > release[0]",
        "says one of keep and keep_unsold",
        None,
    ),
    (
        [agent("a", "fixed", seats=5, release=[{"when": {}, "keep": 1}])],
        "rules[0].release[0].when",
        "says one of at, days_before and hours_before",
        None,
    ),
]


@pytest.mark.parametrize(("rules", "where", "reason", "over_by"), REFUSED)
def test_contradictions_are_refused_by_name_and_number(rules, where, reason, over_by):
    with pytest.raises(PlanRefusedError) as refused:
        plan(*rules)
    facts = refused.value.facts
    assert (facts["rule"], facts["reason"]) == (where, reason)
    assert facts.get("over_by") == over_by
    assert facts["findings"][0]["rule"] == where


def test_a_plan_for_nothing_and_unknown_words_are_refused():
    for said in ({"rules": []}, {}, {"rules": [agent("a")], "sets": 1}, {"rules": 3}):
        with pytest.raises(PlanRefusedError):
            read_plan(said)


def test_its_own_are_promised_more_than_a_channel_has():
    with pytest.raises(PlanRefusedError) as refused:
        read_plan(
            {
                "rules": [
                    channel("a", agent("1", "fixed", seats=8), kind="fixed", seats=5)
                ]
            }
        )
    assert refused.value.facts["over_by"] == 3


def test_r12_what_a_capacity_cannot_keep_is_named_with_its_number():
    wanted = plan(agent("a", "fixed", seats=80), agent("b", "fixed", seats=30))
    (short,) = shortages(wanted, FLOOR)
    assert (short.holder, short.promised, short.given) == ("area:floor/agent:b", 30, 20)
    by_agent = read_plan(
        {
            "levels": ["agent", "area"],
            "rules": [
                agent(
                    "a",
                    "fixed",
                    seats=90,
                    rules=[{"area": "x", "kind": "fixed", "seats": 60}],
                ),
                agent(
                    "b",
                    "fixed",
                    seats=60,
                    rules=[{"area": "x", "kind": "fixed", "seats": 50}],
                ),
            ],
        }
    )
    (short,) = shortages(by_agent, {"x": 100, "y": 50})
    assert (short.area, short.promised - short.given) == ("x", 10)


def wanted_nodes(rules, capacity, taken, **more):
    """Shares with what is taken at leaves; leaves the plan does not name are added."""
    shares = share_out(rules, {"floor": capacity})
    nodes = [
        Allotted(
            s.key, s.parent, s.guarantee, s.ceiling, s.priority, taken.get(s.key, 0)
        )
        for s in shares
    ]
    known = {node.key for node in nodes}
    for key in taken.keys() - known:
        parent = key.rpartition("/")[0]
        if parent not in known:
            nodes.append(Allotted(parent, "area:floor", 0, None, 0))
            known.add(parent)
        nodes.append(Allotted(key, parent, 0, None, 0, taken[key]))
    return nodes


ONLINE = "area:floor/channel:online"
TWO = read_plan(
    {
        "rules": [
            channel(
                "online",
                agent("1", "fixed", seats=50),
                agent("2", "fixed", seats=50),
            )
        ]
    }
)


def fitted(rules, capacity, taken):
    return fit(wanted_nodes(rules, capacity, taken))


def test_r10_a_cut_takes_unsold_guarantees_of_the_lowest_priority_first():
    found = fitted(TWO, 100, {f"{ONLINE}/agent:1": 60, f"{ONLINE}/agent:2": 10})
    assert found[f"{ONLINE}/agent:1"].guarantee == 50
    assert found[f"{ONLINE}/agent:2"].guarantee == 40
    assert found[f"{ONLINE}/agent:2"].is_cut
    assert found["area:floor"].taken == 100


def test_r10_by_its_numbers_shared_seats_go_first_then_the_last_promise():
    """S 100 to 85, 70 taken, 20 promised and unsold, 10 shared: 15 stay promised."""
    rules = read_plan(
        {
            "rules": [
                channel(
                    "online",
                    agent("1", "fixed", seats=45, priority=1),
                    agent("2", "fixed", seats=45, priority=2),
                )
            ]
        }
    )
    taken = {f"{ONLINE}/agent:1": 35, f"{ONLINE}/agent:2": 35}
    whole = fitted(rules, 100, taken)
    assert whole["area:floor"].taken == 90
    cut = fitted(rules, 85, taken)
    promised = [cut[key].guarantee - taken[key] for key in taken]
    assert sum(promised) == 15
    assert promised == [10, 5]
    assert cut["area:floor"].taken == 85


def test_r4_what_ceilings_leave_over_is_shared_and_told():
    wanted = plan(
        agent("a", "weighted", weight=5, ceiling=40),
        agent("b", "weighted", weight=3, ceiling=20),
        agent("c", "weighted", weight=2, ceiling=10),
        agent("d"),
    )
    given_ = guarantees(wanted)
    assert given_ == {"agent:a": 40, "agent:b": 20, "agent:c": 10, "agent:d": 0}
    fitted_ = fit(wanted_nodes(wanted, 100, {}))
    area = fitted_["area:floor"]
    assert area.ceiling - area.taken == 30  # anybody's, and availability says so


def test_r12_floors_above_what_there_is_are_named():
    wanted = plan(
        agent("a", "weighted", weight=1, floor=60),
        agent("b", "weighted", weight=1, floor=50),
    )
    found = shortages(wanted, FLOOR)
    assert sum(short.promised - short.given for short in found) == 10


def test_r11_what_is_sold_is_never_cut():
    found = fitted(TWO, 30, {f"{ONLINE}/agent:1": 25, f"{ONLINE}/agent:2": 20})
    assert found["area:floor"].taken == 45  # over-committed by 15
    assert found[f"{ONLINE}/agent:1"].taken == 25


def test_an_agent_the_plan_drops_keeps_what_it_sold():
    found = fitted(TWO, 200, {f"{ONLINE}/agent:9": 7})
    assert found[f"{ONLINE}/agent:9"].taken == 7
    assert found["area:floor"].taken == 107


@given(
    capacity=st.integers(0, 120),
    first=st.integers(0, 80),
    second=st.integers(0, 80),
)
def test_fitting_keeps_sums_and_never_promises_what_is_not_there(
    capacity, first, second
):
    taken = {f"{ONLINE}/agent:1": first, f"{ONLINE}/agent:2": second}
    found = fitted(TWO, capacity, taken)
    leaves = [found[key] for key in taken]
    assert found[ONLINE].taken == sum(leaf.charge for leaf in leaves)
    assert found["area:floor"].taken == found[ONLINE].charge
    assert found["area:floor"].taken <= max(capacity, sum(taken.values()))
    assert {leaf.key: leaf.taken for leaf in leaves} == taken


@given(
    capacity=st.integers(0, 60),
    seats=st.lists(st.integers(0, 20), min_size=2, max_size=4),
    taken=st.lists(st.integers(0, 25), min_size=4, max_size=4),
    ranks=st.permutations([1, 2, 3, 4]),
    shape=st.sampled_from(["one channel", "channels", "no channels"]),
)
def test_a_promise_is_cut_only_for_want_of_room_and_in_the_order_of_the_plan(
    capacity, seats, taken, ranks, shape
):
    """What is cut is worked out here anew: the last in priority first, no further."""
    agents = [
        agent(str(no), "fixed", seats=n, priority=ranks[no])
        for no, n in enumerate(seats)
    ]
    said = {}
    if shape == "channels":
        rules = [
            channel(f"c{no}", one, priority=ranks[no]) for no, one in enumerate(agents)
        ]
        keys = [f"area:floor/channel:c{no}/agent:{no}" for no in range(len(seats))]
    elif shape == "one channel":
        rules = [channel("online", *agents)]
        keys = [f"{ONLINE}/agent:{no}" for no in range(len(seats))]
    else:
        rules, said = agents, {"levels": ["area", "agent"]}
        keys = [f"area:floor/agent:{no}" for no in range(len(seats))]
    used = dict(zip(keys, taken, strict=False))
    found = fitted(read_plan({"rules": rules, **said}), capacity, used)
    order = sorted(range(len(seats)), key=lambda no: ranks[no])
    left, wanted = capacity, {}
    for no in order:  # the plan alone promises no more than there is
        wanted[no] = min(seats[no], left)
        left -= wanted[no]
    excess = sum(max(wanted[no], taken[no]) for no in order) - capacity
    for no in reversed(order):
        unsold = max(0, wanted[no] - taken[no])
        cut = min(unsold, max(0, excess))
        assert found[keys[no]].guarantee == wanted[no] - cut, (no, found)
        assert found[keys[no]].is_cut == (cut > 0)
        excess -= cut
    assert found["area:floor"].taken == sum(found[key].charge for key in keys)


def test_a_channels_own_promise_is_cut_before_those_of_its_agents():
    rules = read_plan(
        {
            "rules": [
                channel(
                    "a",
                    agent("1", "fixed", seats=30),
                    agent("2", "fixed", seats=20),
                    kind="fixed",
                    seats=60,
                ),
                channel("b", agent("3")),
            ]
        }
    )
    keys = [f"area:floor/channel:{key}" for key in ("a", "a/agent:1", "a/agent:2")]
    sold = {"area:floor/channel:b/agent:3": 40}
    for capacity, kept in ((95, [55, 30, 20]), (80, [40, 30, 10])):
        found = fitted(rules, capacity, sold)
        assert found["area:floor"].taken == capacity
        assert [found[key].guarantee for key in keys] == kept


def test_a_channels_ceiling_bounds_what_its_agents_are_promised():
    rules = read_plan(
        {"rules": [channel("online", agent("1", "fixed", seats=30), ceiling=30)]}
    )
    found = fitted(rules, 150, {f"{ONLINE}/agent:9": 20})
    assert found[f"{ONLINE}/agent:1"].guarantee == 10
    assert found[ONLINE].taken == found["area:floor"].taken == 30


def test_blocks_are_never_cut():
    nodes = [
        Allotted("area:floor", None, 0, 10, 0),
        Allotted("area:floor/block:x", "area:floor", 8, 8, 1, is_kept=True),
        Allotted("area:floor/agent:a", "area:floor", 5, None, 2),
    ]
    found = fit(nodes)
    assert (
        found["area:floor/block:x"].guarantee,
        found["area:floor/agent:a"].guarantee,
    ) == (8, 2)


def test_a_pool_cuts_parts_that_lie_under_other_parents():
    nodes = [
        Allotted("house", None, 0, 150, 0),
        Allotted("area:x", None, 0, 40, 0),
        Allotted("house/agent:a", "house", 30, None, 1),
        Allotted("house/agent:b", "house", 30, None, 3),
        Allotted("house/agent:a/area:x", "house/agent:a", 30, None, 2, pool="area:x"),
        Allotted("house/agent:b/area:x", "house/agent:b", 30, None, 4, pool="area:x"),
    ]
    found = fit(nodes)
    assert found["area:x"].taken == 40
    assert found["house/agent:a/area:x"].guarantee == 30
    assert found["house/agent:b/area:x"].guarantee == 10
    assert found["house"].taken == 60  # what the agents have in all is not cut
