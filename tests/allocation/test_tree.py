"""The walk of the quota tree: sums, ceilings and guarantees hold in any history."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.errors import AllotmentExhaustedError, OvercommittedError
from allocation.rules.tree import Node, available, explain, move, reach, settle
from hub.kernel.errors import HubError

ROOT, CHANNEL, ANN, BOB = (UUID(int=n) for n in range(1, 5))


def tree(capacity=100, channel=(0, None), ann=(0, None), bob=(0, None)):
    """Make area -> channel -> two agents; each given as (guarantee, ceiling)."""
    leaves = {ANN: ann, BOB: bob}
    charges = sum(guarantee for guarantee, _ in leaves.values())
    nodes = {
        ANN: Node(ANN, (CHANNEL, ROOT), *ann, 0),
        BOB: Node(BOB, (CHANNEL, ROOT), *bob, 0),
        CHANNEL: Node(CHANNEL, (ROOT,), *channel, charges),
    }
    nodes[ROOT] = Node(ROOT, (), 0, capacity, nodes[CHANNEL].charge)
    return nodes


def path(nodes, leaf):
    return [nodes[leaf], *(nodes[up] for up in nodes[leaf].path)]


def test_inside_its_guarantee_an_agent_touches_only_its_own_row():
    nodes = tree(ann=(20, None))
    assert [node.id for node in move(path(nodes, ANN), 20)] == [ANN]


def test_above_it_the_agent_draws_on_the_shared_places():
    nodes = tree(ann=(20, None))
    changed = move(path(nodes, ANN), 25)
    assert [(node.id, node.taken) for node in changed] == [
        (ANN, 25),
        (CHANNEL, 25),
        (ROOT, 25),
    ]


def test_reference_case_guarantee_and_maximum():
    """S=100, A 20..50, B 10..100, C 0..30: C takes 30, B takes 50, A still gets 20."""
    ids = [UUID(int=n) for n in range(10, 13)]
    bounds = [(20, 50), (10, 100), (0, 30)]
    nodes = {
        found: Node(found, (ROOT,), g, c, 0)
        for found, (g, c) in zip(ids, bounds, strict=True)
    }
    nodes[ROOT] = Node(ROOT, (), 0, 100, 30)
    a, b, c = ids
    nodes = settle(nodes, {c: 30})
    nodes = settle(nodes, {b: 50})
    assert available([nodes[a], nodes[ROOT]]) == 20
    nodes = settle(nodes, {a: 20})
    assert available([nodes[a], nodes[ROOT]]) == 0
    with pytest.raises(AllotmentExhaustedError) as refused:
        settle(nodes, {a: 1})
    assert refused.value.facts == {"wanted": 1, "free": 0, "bound_by": "area"}


def test_an_exclusive_quota_binds_although_places_are_free():
    nodes = settle(tree(ann=(40, 40)), {ANN: 40})
    with pytest.raises(AllotmentExhaustedError) as refused:
        settle(nodes, {ANN: 1})
    assert refused.value.facts["bound_by"] == "agent"
    assert available(path(nodes, BOB)) == 60


def test_an_overcommitted_node_takes_nothing_and_gives_back():
    nodes = tree(capacity=10)
    nodes[ROOT] = Node(ROOT, (), 0, 5, 8, 3)
    nodes[CHANNEL] = Node(CHANNEL, (ROOT,), 0, None, 8)
    nodes[ANN] = Node(ANN, (CHANNEL, ROOT), 0, None, 8)
    assert available(path(nodes, ANN)) == 0
    with pytest.raises(OvercommittedError):
        settle(nodes, {ANN: 1})
    after = settle(nodes, {ANN: -4})
    assert (after[ROOT].taken, after[ROOT].overcommitted) == (4, 0)
    assert settle(after, {ANN: 1})[ROOT].taken == 5


def test_an_exchange_cannot_refuse_itself():
    nodes = settle(tree(capacity=10), {ANN: 10})
    after = settle(nodes, {BOB: 10, ANN: -10})
    assert (after[ANN].taken, after[BOB].taken, after[ROOT].taken) == (0, 10, 10)


def test_a_refusal_changes_nothing():
    nodes = tree(capacity=10)
    before = dict(nodes)
    with pytest.raises(AllotmentExhaustedError):
        settle(nodes, {ANN: 6, BOB: 6})
    assert nodes == before


def test_explain_names_the_node_that_binds():
    told = explain(path(tree(ann=(5, 30)), ANN))
    assert [step["level"] for step in told if step["binds"]] == ["agent"]
    told = explain(path(tree(capacity=10), ANN))
    assert [step["level"] for step in told if step["binds"]] == ["area"]


bounds = st.tuples(st.integers(0, 15), st.one_of(st.none(), st.integers(15, 30)))
steps = st.lists(
    st.tuples(st.sampled_from([ANN, BOB]), st.integers(-8, 12)), max_size=40
)


@given(ann=bounds, bob=bounds, channel=bounds, history=steps)
def test_any_history_keeps_sums_ceilings_and_guarantees(ann, bob, channel, history):
    nodes = tree(60, channel, ann, bob)
    if (
        nodes[CHANNEL].ceiling is not None
        and nodes[CHANNEL].taken > nodes[CHANNEL].ceiling
    ):
        return  # an infeasible plan: refused when written
    used = {ANN: 0, BOB: 0}
    for leaf, seats in history:
        wanted = max(seats, -used[leaf])
        free = available(path(nodes, leaf))
        locked = {leaf: nodes[leaf]}
        taking, giving = max(wanted, 0), max(-wanted, 0)
        for up in nodes[leaf].path:
            taking, giving = reach(
                list(locked.values())[-1], taking=taking, giving=giving
            )
            if (taking, giving) == (0, 0):
                break
            locked[up] = nodes[up]
        try:
            nodes |= settle(locked, {leaf: wanted})
        except HubError:
            assert wanted > free
            assert wanted > nodes[leaf].guarantee - used[leaf]
        else:
            assert wanted <= free or wanted <= 0
            used[leaf] += wanted
        assert nodes[ANN].taken == used[ANN]
        assert nodes[BOB].taken == used[BOB]
        assert nodes[CHANNEL].taken == nodes[ANN].charge + nodes[BOB].charge
        assert nodes[ROOT].taken == nodes[CHANNEL].charge
        for node in nodes.values():
            assert node.ceiling is None or node.taken <= node.ceiling


@given(ann=bounds, bob=bounds, batch=steps)
def test_what_is_locked_for_a_batch_is_all_it_touches(ann, bob, batch):
    """However the wishes of a batch fall out, no unlocked node would have changed."""
    nodes = tree(60, (0, None), ann, bob)
    wanted = {ANN: [0, 0], BOB: [0, 0]}
    for leaf, seats in batch:
        wanted[leaf][seats < 0] += abs(seats)
    level = {leaf: tuple(both) for leaf, both in wanted.items()}
    locked = {}
    while level:
        locked |= {found: nodes[found] for found in level}
        above = {}
        for found, (taking, giving) in level.items():
            passed = reach(nodes[found], taking=taking, giving=giving)
            if nodes[found].path and passed != (0, 0):
                up = nodes[found].path[0]
                before = above.get(up, (0, 0))
                above[up] = (before[0] + passed[0], before[1] + passed[1])
        level = above
    partial, whole = dict(locked), dict(nodes)
    for leaf, seats in batch:
        outcomes = []
        for known in (partial, whole):
            try:
                after = settle(known, {leaf: max(seats, -known[leaf].taken)})
            except HubError as error:
                outcomes.append(error.code)
            else:
                known.update(after)
                outcomes.append("taken")
        assert outcomes[0] == outcomes[1]
    assert partial == {found: whole[found] for found in partial}
    assert all(whole[found] == nodes[found] for found in nodes if found not in locked)
