"""A sale as a state machine: one model, told apart from whatever carries the sale out.

The model knows the numbers of every node and recomputes every sum from scratch; it
shares no code with the rules. A driver carries each step out: the pure rules, the
services on PostgreSQL, or the API over HTTP.
"""

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

AGENTS = ("ann", "bob")
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


def key_of(agent):
    return f"{CHANNEL}/agent:{agent}"


def plan_of(channel, ann, bob):
    if "kind" not in channel:  # free sale promises nothing that weights could share
        ann, bob = (
            {} if said.get("kind") == "weighted" else said for said in (ann, bob)
        )
    agents = [{"agent": "ann", **ann}, {"agent": "bob", **bob}]
    named = {"channel": "online", "rules": agents, **channel}
    return {"keep_shared_bp": 3_000, "rules": [{"area": "floor", "rules": [named]}]}


class Model:
    """What each agent has taken, and each node's (guarantee, ceiling), as told."""

    def __init__(self):
        self.taken = dict.fromkeys(AGENTS, 0)
        self.bounds = {}
        self.is_stopped = False

    def sums(self, taken):
        """Every count, from the definition: t of a parent is what its children cost."""
        cost = {a: max(self.bounds[key_of(a)][0], taken[a]) for a in AGENTS}
        channel = sum(cost.values())
        area = max(self.bounds[CHANNEL][0], channel)
        return {
            **{key_of(a): taken[a] for a in AGENTS},
            CHANNEL: channel,
            AREA: area,
        }

    def may_take(self, agent, seats):
        """Whether no node that the take changes would lie above its ceiling."""
        before = self.sums(self.taken)
        after = self.sums({**self.taken, agent: self.taken[agent] + seats})
        way = [key_of(agent), CHANNEL, AREA]
        if any(self._is_over(key, before[key]) for key in way):
            return False
        return not any(
            after[key] > before[key] and self._is_over(key, after[key]) for key in way
        )

    def _is_over(self, key, count):
        ceiling = self.bounds[key][1]
        return ceiling is not None and count > ceiling

    def available(self, agent):
        seats = 0
        while not self.is_stopped and self.may_take(agent, seats + 1):
            seats += 1
        return seats

    def unsold(self, agent):
        """What an agent is promised and has not taken."""
        return max(0, self.bounds[key_of(agent)][0] - self.taken[agent])


class SaleMachine(RuleBasedStateMachine):
    """Holds, confirms, cancels, lapses, stops, moves, cuts and new plans in any order."""

    driver_of = None  # a function that makes a driver for one run
    is_moving = True  # whether the driver can recall and transfer
    holds, orders = Bundle("holds"), Bundle("orders")

    @initialize(channel=channels, ann=promises, bob=promises)
    def open(self, channel, ann, bob):
        self.driver = type(self).driver_of()
        self.model = Model()
        self.capacity = 40
        self.live, self.sold = {}, {}
        self.driver.open(self.capacity, plan_of(channel, ann, bob))
        self.model.bounds = self.driver.bounds()

    @rule(target=holds, agent=st.sampled_from(AGENTS), seats=st.integers(1, 9))
    def hold(self, agent, seats):
        made = self.driver.hold(agent, seats)
        is_open = not self.model.is_stopped
        assert (made is not None) == (is_open and self.model.may_take(agent, seats))
        if made is None:
            promised = self.model.bounds[key_of(agent)][0] - self.model.taken[agent]
            is_open = self.model.available(agent) > 0
            assert not is_open or promised < seats, "a guarantee was refused"
            return multiple()
        self.model.taken[agent] += seats
        self.live[made] = (agent, seats)
        return made

    @rule(hold=holds)
    def release(self, hold):
        if hold in self.live:
            agent, seats = self.live.pop(hold)
            self.driver.release(agent, hold)
            self.model.taken[agent] -= seats

    @rule(target=orders, hold=holds)
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

    @rule()
    def stop_or_reopen(self):
        self.model.is_stopped = not self.model.is_stopped
        self.driver.stop(is_stopped=self.model.is_stopped)

    @precondition(lambda self: self.is_moving)
    @rule(agent=st.sampled_from(AGENTS), seats=st.integers(1, 9))
    def recall(self, agent, seats):
        """The supplier takes back what is promised and unsold, never more."""
        unsold = self.model.unsold(agent)
        assert self.driver.recall(agent, seats) == min(seats, unsold)
        self.split_again()
        assert self.model.unsold(agent) == unsold - min(seats, unsold)

    @precondition(lambda self: self.is_moving)
    @rule(giver=st.sampled_from(AGENTS), seats=st.integers(1, 9))
    def transfer(self, giver, seats):
        """What one gives the other gets, and both together have what they had."""
        taker = next(agent for agent in AGENTS if agent != giver)
        unsold = self.model.unsold(giver)
        before = [self.model.bounds[key_of(a)][0] for a in (giver, taker)]
        is_done = self.driver.transfer(giver, taker, seats)
        assert not (is_done and seats > unsold)
        self.split_again()
        after = [self.model.bounds[key_of(a)][0] for a in (giver, taker)]
        change = seats if is_done else 0
        assert after == [before[0] - change, before[1] + change]

    @rule(capacity=st.integers(0, 60))
    def set_capacity(self, capacity):
        self.driver.set_capacity(capacity)
        self.capacity = capacity
        self.split_again()

    @rule(channel=channels, ann=promises, bob=promises)
    def publish(self, channel, ann, bob):
        if self.driver.publish(plan_of(channel, ann, bob)):
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
