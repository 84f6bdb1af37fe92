"""The walk of the quota tree: sums, ceilings and guarantees hold in any history."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation.errors import AllotmentExhaustedError, OvercommittedError
from allocation.rules.tree import (
    Node,
    available,
    binding,
    move,
    reached,
    settle,
    walk,
)
from hub.kernel.errors import HubError

ROOT, CHANNEL, ANN, BOB, HOUSE, POOL = (UUID(int=n) for n in range(1, 7))


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


def test_inside_its_guarantee_an_agent_touches_only_its_own_row():
    assert set(move(tree(ann=(20, None)), ANN, 20)) == {ANN}


def test_above_it_the_agent_draws_on_the_shared_places():
    changed = move(tree(ann=(20, None)), ANN, 25)
    assert {found: node.taken for found, node in changed.items()} == {
        ANN: 25,
        CHANNEL: 25,
        ROOT: 25,
    }


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
    assert available(nodes, a) == 20
    nodes = settle(nodes, {a: 20})
    assert available(nodes, a) == 0
    with pytest.raises(AllotmentExhaustedError) as refused:
        settle(nodes, {a: 1})
    facts = refused.value.facts
    assert (facts["wanted"], facts["free"], facts["bound_by"]) == (1, 0, "")
    walk = [(n["guarantee"], n["ceiling"], n["taken"]) for n in facts["walk"]]
    assert walk == [(20, 50, 20), (0, 100, 100)]
    assert [n["binds"] for n in facts["walk"]] == [False, True]


def test_an_exclusive_quota_binds_although_places_are_free():
    nodes = settle(tree(ann=(40, 40)), {ANN: 40})
    with pytest.raises(AllotmentExhaustedError) as refused:
        settle(nodes, {ANN: 1})
    assert refused.value.facts["bound_by"] == ""
    assert binding(nodes, ANN) == ANN
    assert available(nodes, BOB) == 60


def test_an_overcommitted_node_takes_nothing_and_gives_back():
    nodes = tree(capacity=10)
    nodes[ROOT] = Node(ROOT, (), 0, 5, 8, 3)
    nodes[CHANNEL] = Node(CHANNEL, (ROOT,), 0, None, 8)
    nodes[ANN] = Node(ANN, (CHANNEL, ROOT), 0, None, 8)
    assert available(nodes, ANN) == 0
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


def test_the_node_that_binds_is_named():
    assert binding(tree(ann=(5, 30)), ANN) == ANN
    assert binding(tree(capacity=10), ANN) == ROOT
    assert binding(tree(capacity=None), ANN) is None


def test_a_part_is_paid_for_by_its_parent_and_by_its_area():
    nodes = {
        ANN: Node(ANN, (CHANNEL, HOUSE), 5, None, 0, pool=POOL),
        BOB: Node(BOB, (CHANNEL, HOUSE), 0, None, 0, pool=POOL),
        CHANNEL: Node(CHANNEL, (HOUSE,), 0, 12, 5),
        HOUSE: Node(HOUSE, (), 0, 100, 5),
        POOL: Node(POOL, (), 0, 8, 5),
    }
    assert available(nodes, ANN) == 8
    assert available(nodes, BOB) == 3
    assert binding(nodes, BOB) == POOL
    assert {node.id for node in walk(nodes, ANN)} == set(nodes) - {BOB}
    after = settle(nodes, {BOB: 3, ANN: 5})
    assert (after[POOL].taken, after[CHANNEL].taken, after[HOUSE].taken) == (8, 8, 8)
    with pytest.raises(AllotmentExhaustedError):
        settle(after, {ANN: 1})
    assert available(after, ANN) == 0


def test_what_was_sold_outside_is_a_fact():
    nodes = dict(tree(capacity=10))
    nodes |= move(nodes, ANN, 12, is_forced=True)
    assert (nodes[ROOT].taken, nodes[ROOT].overcommitted) == (12, 2)
    with pytest.raises(OvercommittedError):
        move(nodes, BOB, 1)


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
        free = available(nodes, leaf)
        both = {leaf: (max(wanted, 0), max(-wanted, 0))}
        locked = {found: nodes[found] for found in reached(nodes, both)}
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
    changes = {leaf: tuple(both) for leaf, both in wanted.items()}
    locked = {found: nodes[found] for found in reached(nodes, changes)}
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
