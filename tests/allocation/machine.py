"""A sale as a state machine: one model, told apart from whatever carries the sale out.

The model knows the numbers of every node and recomputes every sum from scratch; it
shares no code with the rules. A driver carries each step out: the pure rules, the
services on PostgreSQL, or the API over HTTP.
"""

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

AGENTS = ("ann", "bob")
SUB = "cat"  # ann's sub-agent
LINES = st.lists(st.integers(1, 5), min_size=2, max_size=2)
AREA, CHANNEL = "area:floor", "area:floor/channel:online"
promises = st.one_of(
    st.just({}),
    st.builds(lambda n: {"kind": "fixed", "seats": n}, st.integers(0, 12)),
    st.builds(
        lambda n: {"kind": "fixed", "seats": n, "is_exclusive": True},
        st.integers(1, 12),
    ),
    st.builds(lambda n: {"ceiling": n}, st.integers(0, 15)),
    st.builds(lambda n: {"kind": "weighted", "weight": n}, st.integers(1, 3)),
)
channels = st.one_of(
    st.just({}),
    st.just({"kind": "percent", "percent_bp": 6_000}),
    st.builds(lambda n: {"ceiling": n}, st.integers(26, 40)),
)


caps = st.one_of(
    st.none(),
    st.builds(
        lambda of, most: {**of, "most": most},
        st.sampled_from(
            [
                {"of": "agent"},
                {"of": "channel", "channel": "online"},
                {"of": "price-type", "price_type": "adult"},
            ]
        ),
        st.integers(0, 40),
    ),
)


def key_of(agent):
    if agent == SUB:
        return f"{key_of('ann')}/sub-agent:{SUB}"
    return f"{CHANNEL}/agent:{agent}"


def plan_of(channel, ann, bob, cap):
    if "kind" not in channel:  # free sale promises nothing that weights could share
        ann, bob = (
            {} if said.get("kind") == "weighted" else said for said in (ann, bob)
        )
    agents = [{"agent": "ann", **ann}, {"agent": "bob", **bob}]
    named = {"channel": "online", "rules": agents, **channel}
    found = {"keep_shared_bp": 3_000, "rules": [{"area": "floor", "rules": [named]}]}
    return found if cap is None else {**found, "caps": [cap]}


class Model:
    """What each agent has taken, and each node's (guarantee, ceiling), as told."""

    def __init__(self):
        self.taken = dict.fromkeys((*AGENTS, SUB), 0)
        self.bounds = {}
        self.cap = None
        self.is_stopped = False

    def sums(self, taken):
        """Every count, from the definition: t of a parent is what its children cost."""
        found, cost = {}, 0
        if key_of(SUB) in self.bounds:
            found[key_of(SUB)] = taken[SUB]
            cost = max(self.bounds[key_of(SUB)][0], taken[SUB])
        found[key_of("ann")] = taken["ann"] + cost
        found[key_of("bob")] = taken["bob"]
        found[CHANNEL] = sum(
            max(self.bounds[key_of(a)][0], found[key_of(a)]) for a in AGENTS
        )
        found[AREA] = max(self.bounds[CHANNEL][0], found[CHANNEL])
        return found

    def may_take(self, agent, seats):
        """Whether no node that the take changes would lie above its ceiling."""
        if agent == SUB and not self.is_handed_on:
            return False
        before = self.sums(self.taken)
        after = self.sums({**self.taken, agent: self.taken[agent] + seats})
        way = [key for key in before if key_of(agent).startswith(key)]
        if any(self._is_over(key, before[key]) for key in way):
            return False
        return not any(
            after[key] > before[key] and self._is_over(key, after[key]) for key in way
        )

    def is_capped(self, agent, seats):
        """Whether more would be taken than a cap lets: sub-agents count as agents."""
        if self.cap is None:
            return False
        family = {"ann", SUB} if agent != "bob" else {"bob"}
        whose = family if self.cap["of"] == "agent" else self.taken.keys()
        return sum(self.taken[one] for one in whose) + seats > self.cap["most"]

    is_handed_on = False

    def _is_over(self, key, count):
        ceiling = self.bounds[key][1]
        return ceiling is not None and count > ceiling

    def available(self, agent):
        seats = 0
        while (
            not self.is_stopped
            and self.may_take(agent, seats + 1)
            and not self.is_capped(agent, seats + 1)
        ):
            seats += 1
        return seats

    def promised(self, agent):
        """What an agent is promised and has not taken nor handed on."""
        taken = self.sums(self.taken).get(key_of(agent), 0)
        return max(0, self.bounds.get(key_of(agent), (0, 0))[0] - taken)

    def unsold(self, agent):
        """What an agent is promised and nobody has taken, nor its sub-agent."""
        guarantee = self.bounds[key_of(agent)][0]
        left = guarantee - self.sums(self.taken)[key_of(agent)]
        handed = self.promised(SUB) if agent == "ann" else 0
        return max(0, min(guarantee, left + handed))


class SaleMachine(RuleBasedStateMachine):
    """Holds, confirms, cancels, lapses, stops, moves, cuts and new plans in any order."""

    driver_of = None  # a function that makes a driver for one run
    is_moving = True  # whether the driver can recall and transfer
    holds, orders = Bundle("holds"), Bundle("orders")

    @initialize(channel=channels, ann=promises, bob=promises, cap=caps)
    def open(self, channel, ann, bob, cap):
        self.driver = type(self).driver_of()
        self.model = Model()
        self.capacity = 40
        self.live, self.sold = {}, {}
        self.model.cap = cap
        self.driver.open(self.capacity, plan_of(channel, ann, bob, cap))
        self.model.bounds = self.driver.bounds()

    @rule(target=holds, agent=st.sampled_from(AGENTS), seats=st.integers(1, 9))
    def hold(self, agent, seats):
        return self.try_to_hold(agent, [seats])

    @rule(target=holds, agent=st.sampled_from(AGENTS), lines=LINES)
    def hold_lines(self, agent, lines):
        """All or none: what lines take of the same node is summed up first."""
        return self.try_to_hold(agent, lines)

    @precondition(lambda self: self.model.is_handed_on)
    @rule(target=holds, seats=st.integers(1, 5))
    def hold_by_sub_agent(self, seats):
        return self.try_to_hold(SUB, [seats])

    def try_to_hold(self, agent, lines):
        seats = sum(lines)
        made = self.driver.hold(agent, lines)
        is_capped = self.model.is_capped(agent, seats)
        is_open = not self.model.is_stopped and not is_capped
        assert (made is not None) == (is_open and self.model.may_take(agent, seats))
        if made is None:
            is_open = is_open and self.model.available(agent) > 0
            is_short = self.model.promised(agent) < seats
            assert not is_open or is_short, "a guarantee was refused"
            return multiple()
        self.model.taken[agent] += seats
        self.live[made] = (agent, seats)
        return made

    @rule(hold=consumes(holds))
    def release(self, hold):
        if hold in self.live:  # or it has lapsed, or was taken back
            agent, seats = self.live.pop(hold)
            self.driver.release(agent, hold)
            self.model.taken[agent] -= seats

    @rule(target=orders, hold=consumes(holds))
    def confirm(self, hold):
        if hold not in self.live:
            return multiple()
        agent, seats = self.live.pop(hold)
        order = self.driver.confirm(agent, hold)
        self.sold[order] = (agent, seats)
        return order

    @rule(order=orders, part=st.integers(1, 9))
    def cancel(self, order, part):
        agent, seats = self.sold[order]
        undone = min(part, seats)
        if undone:
            self.driver.cancel(agent, order, undone)
            self.sold[order] = (agent, seats - undone)
            self.model.taken[agent] -= undone

    @rule()
    def lapse(self):
        """Time passes: all that is held goes back, and nothing else."""
        self.driver.lapse(self.live)
        for agent, seats in self.live.values():
            self.model.taken[agent] -= seats
        self.live.clear()

    @rule(agent=st.sampled_from(AGENTS), is_lasting=st.sampled_from([False, True]))
    def stop_or_reopen(self, agent, is_lasting):
        self.turn(is_stopped=not self.model.is_stopped)
        if self.model.is_stopped and not is_lasting:
            assert self.driver.hold(agent, [1]) is None
            self.turn(is_stopped=False)

    def turn(self, *, is_stopped):
        self.model.is_stopped = is_stopped
        self.driver.stop(is_stopped=is_stopped)

    @precondition(lambda self: self.is_moving)
    @rule(
        agent=st.sampled_from(AGENTS),
        seats=st.integers(1, 9),
        is_forced=st.booleans(),
    )
    def recall(self, agent, seats, is_forced):
        """The supplier takes back what is promised and unsold, never more.

        By force also what is held within the promise, of this agent and its sub-agent.
        What others' sales had cut of the promise and now comes back may be taken, too.
        """
        unsold = self.model.unsold(agent)
        held = sum(n for a, n in self.live.values() if a in {agent, SUB})
        sold = sum(self.model.taken[a] for a in (agent, SUB) if agent in {a, "ann"})
        whole = max(unsold, self.driver.promised(agent) - sold)
        taken = self.driver.recall(agent, seats, is_forced=is_forced)
        assert min(seats, unsold) <= taken <= min(seats, whole + held * is_forced)
        self.void_those_gone(agent, is_any=is_forced and taken > unsold)
        self.split_again()

    def void_those_gone(self, agent, *, is_any):
        gone = [hold for hold in self.live if not self.driver.is_held(hold, self.live)]
        assert is_any or not gone
        for hold in gone:
            whose, seats = self.live.pop(hold)
            assert whose == agent or (whose, agent) == (SUB, "ann")
            self.model.taken[whose] -= seats

    @precondition(lambda self: self.is_moving)
    @rule(seats=st.integers(0, 9), more=st.one_of(st.none(), st.integers(0, 4)))
    def hand_on(self, seats, more):
        """An agent promises its sub-agent no more than it has and has not taken."""
        ceiling = None if more is None else seats + more
        guarantee = self.model.bounds[key_of("ann")][0]
        own = self.model.taken["ann"]
        cost = max(seats, self.model.taken[SUB])
        now = self.model.sums(self.model.taken)[key_of("ann")]
        is_fine = seats <= guarantee and (own + cost <= max(guarantee, now))
        assert self.driver.hand_on(seats, ceiling) == is_fine
        if is_fine:
            self.model.is_handed_on = True
            self.split_again()
            assert self.model.bounds[key_of(SUB)] == (seats, ceiling)

    @precondition(lambda self: self.is_moving)
    @rule(giver=st.sampled_from(AGENTS), seats=st.integers(1, 9))
    def transfer(self, giver, seats):
        """What one gives the other gets, and both together have what they had."""
        taker = next(agent for agent in AGENTS if agent != giver)
        unsold = self.model.unsold(giver)
        before = [self.model.bounds[key_of(a)][0] for a in (giver, taker)]
        is_done = self.driver.transfer(giver, taker, seats)
        assert not (is_done and seats > unsold)
        if is_done:  # or nothing was split either
            self.split_again()
        after = [self.model.bounds[key_of(a)][0] for a in (giver, taker)]
        change = seats if is_done else 0
        assert after == [before[0] - change, before[1] + change]

    @rule(capacity=st.integers(0, 60))
    def set_capacity(self, capacity):
        self.driver.set_capacity(capacity)
        self.capacity = capacity
        self.split_again()

    @rule(channel=channels, ann=promises, bob=promises, cap=caps)
    def publish(self, channel, ann, bob, cap):
        if self.driver.publish(plan_of(channel, ann, bob, cap)):
            self.model.cap = cap
            self.split_again()

    def split_again(self):
        """Bounds are new; what is taken is not, and no more is promised than there is."""
        self.model.bounds = self.driver.bounds()
        counts = self.model.sums(self.model.taken)
        assert self.model.bounds[AREA][1] == self.capacity
        assert counts[AREA] <= max(self.capacity, sum(self.model.taken.values()))

    @invariant()
    def every_count_is_what_the_model_says(self):
        if hasattr(self, "model"):
            assert self.driver.counts() == self.model.sums(self.model.taken)

    @invariant()
    def what_is_shown_is_what_may_be_taken(self):
        if hasattr(self, "model"):
            for agent in AGENTS:
                assert self.driver.available(agent) == self.model.available(agent)

    def teardown(self):
        if hasattr(self, "driver"):
            self.driver.close()
