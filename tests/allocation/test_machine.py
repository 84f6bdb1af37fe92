"""The state machine of a sale against the pure rules, the services, and HTTP."""

from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import text

from allocation.models import Tree
from allocation.queries.laws import broken_laws
from allocation.rules.limits import Buyable, count, limits
from allocation.rules.plans.checks import read_plan
from allocation.rules.plans.fitting import Allotted, fit
from allocation.rules.plans.language import PlanRules
from allocation.rules.plans.sharing import share_out, shortages
from allocation.rules.plans.stages import Bound, bounded
from allocation.rules.tree import Node, available, move, settle
from hub.access import Callers
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Claim, Key, Reply
from hub.sales.services import cancelling, committing, lapse, wishes
from hub.sales.services.ordering import ConfirmWish
from partners.rules import key_hash
from tests.allocation.machine import AGENTS, SUB, SaleMachine, key_of
from tests.hubs import SECRET, WORLD, auditorium, performance, production, venue
from tests.lengths import IS_LONG

REFUSALS = {
    "allotment-exhausted",
    "cap-reached",
    "not-allotted",
    "overcommitted",
    "stopped",
}
_NODES = text(
    "SELECT key, guarantee, ceiling, taken FROM node"
    " WHERE performance_id = :id AND key LIKE 'area:floor%'"
)


class PureDriver:
    """The rules alone: shares, the fit, the walk."""

    def open(self, capacity, plan):
        self.capacity, self.plan = capacity, read_plan(plan)
        self.taken = dict.fromkeys(map(key_of, AGENTS), 0)
        self.holds, self.is_stopped = {}, False
        self.split()

    def refuse_capped(self, agent, seats):
        """Count as the committer does, with counters summed up from what is taken."""
        of = "adult", "online"
        for cap in self.plan.caps:
            line = Buyable(
                *(*(UUID(int=0),) * 2, "floor", *of, agent, *(UUID(int=1),) * 2),
                *("hall", "main", "theatre"),
            )
            (limit,) = limits(PlanRules(rules=(), caps=(cap,)), line, None)
            whose = [agent] if cap.of == "agent" else AGENTS
            taken = sum(self.taken[key_of(one)] for one in whose)
            count({limit.id: taken}, [(limit, seats)])

    def split(self):
        shares = share_out(self.plan, {"floor": self.capacity})
        fitted = fit(
            [
                Allotted(
                    *(s.key, s.parent, s.guarantee, s.ceiling, s.priority),
                    own=self.taken.get(s.key, 0),
                )
                for s in shares
            ]
        )
        self.ids = {key: UUID(int=n) for n, key in enumerate(fitted, start=1)}
        self.nodes = {}
        for share in shares:
            found = fitted[share.key]
            path = [
                self.ids[s.key] for s in shares if share.key.startswith(s.key + "/")
            ]
            over = 0 if found.ceiling is None else max(0, found.taken - found.ceiling)
            self.nodes[self.ids[share.key]] = Node(
                *(self.ids[share.key], tuple(path[::-1]), found.guarantee),
                *(found.ceiling, found.taken, over, share.level),
            )

    def move(self, agent, seats):
        self.nodes = settle(self.nodes, {self.ids[key_of(agent)]: seats})
        self.taken[key_of(agent)] += seats

    def hold(self, agent, lines):
        seats = sum(lines)
        leaf = self.nodes[self.ids[key_of(agent)]]
        if self.is_stopped or any(self.nodes[up].overcommitted for up in leaf.path):
            return None
        try:
            self.refuse_capped(agent, seats)
            self.move(agent, seats)
        except HubError:
            return None
        made = str(uuid4())
        self.holds[made] = (agent, seats)
        return made

    def release(self, agent, hold):
        self.move(agent, -self.holds.pop(hold)[1])

    def lapse(self, live):
        for hold in live:
            self.move(self.holds[hold][0], -self.holds.pop(hold)[1])

    def stop(self, *, is_stopped):
        self.is_stopped = is_stopped

    def confirm(self, _, hold):
        return hold

    def cancel(self, agent, _, seats):
        self.move(agent, -seats)

    def set_capacity(self, capacity):
        self.capacity = capacity
        self.split()

    def publish(self, plan):
        read = read_plan(plan)
        if shortages(read, {"floor": self.capacity}) and self.capacity:
            return False
        self.plan = read
        self.split()
        return True

    def bounds(self):
        by_id = {i: key for key, i in self.ids.items()}
        return {by_id[n.id]: (n.guarantee, n.ceiling) for n in self.nodes.values()}

    def counts(self):
        return {key: self.nodes[i].taken for key, i in self.ids.items()}

    def available(self, agent):
        leaf = self.nodes[self.ids[key_of(agent)]]
        if self.is_stopped or any(self.nodes[up].overcommitted for up in leaf.path):
            return 0
        free = available(self.nodes, leaf.id)
        while free:
            try:
                self.refuse_capped(agent, free)
            except HubError:
                free -= 1
            else:
                break
        return free

    def close(self):
        pass


class HttpDriver:
    """The whole hub, through its own API."""

    def __init__(self, hub):
        self.hub = hub

    def open(self, capacity, plan):
        self.ref, self.version = f"p{uuid4().hex[:10]}", 1
        self.tickets = {}
        self.deliver(capacity)
        assert self.publish(plan)
        items = self.hub.get("ann", "/v1/performances?limit=200")["items"]
        self.id = max(item["id"] for item in items)
        self.offer_id = self.hub.offer_id("ann", self.id)
        for agent in AGENTS:  # leaves are rows once they are touched
            touched = self.hub.hold(agent, [(self.offer_id, 1)], expect=None)
            if "id" in touched:
                self.release(agent, touched["id"])

    def deliver(self, capacity):
        self.hub.deliver(
            [performance(self.ref, self.version, floor=capacity, stalls=30)]
        )
        self.version += 1
        self.capacity = capacity

    def hold(self, agent, lines):
        wanted = [(self.offer_id, seats) for seats in lines]
        made = self.hub.hold(agent, wanted, expect=None)
        assert made.get("code") in {None, *REFUSALS}, made
        return made.get("id")

    def release(self, agent, hold):
        reply = self.hub.call(agent, "DELETE", f"/v1/holds/{hold}")
        assert reply.status_code == 200

    def lapse(self, _):
        self.hub.move_clock(minutes=16)  # longer than a hold
        with transaction() as session:
            lapse.lapse_due(session)

    def stop(self, *, is_stopped):
        if is_stopped:
            said = {"supplier_id": self.hub.ids["sup"], "performance_id": self.id}
            said |= {"severity": "soft", "reason": "a test"}
            self.stopped = self.hub.post("operator", "/v1/stops", said)["id"]
        else:
            path = f"/v1/stops/{self.stopped}"
            self.hub._answer(self.hub.call("operator", "DELETE", path), 200)

    def hand_on(self, seats, ceiling):
        path = f"/v1/performances/{self.id}/areas/floor/sub-agents"
        part = {"sub_agent": SUB, "guarantee": seats}
        if ceiling is not None:
            part["ceiling"] = ceiling
        made = self.hub.call("ann", "PUT", path, {"parts": [part]})
        assert made.status_code == 200 or made.json["code"] == "split-refused"
        return made.status_code == 200

    def is_held(self, hold, live):
        return self.hub.get(live[hold][0], f"/v1/holds/{hold}")["state"] == "held"

    def recall(self, agent, seats, *, is_forced):
        said = {"area": "floor", "agent": agent, "seats": seats, "reason": "a test"}
        said["force"] = is_forced
        path = f"/v1/performances/{self.id}/recalls"
        return self.hub.post("sup", path, said)["taken"]

    def promised(self, agent):
        """What the plan promises an agent as it is moved, cut by nobody's sales."""
        with transaction() as session:
            tree = session.get_one(Tree, UUID(self.id))
            bounds = msgspec.convert(tree.bounds, dict[str, Bound])
        shares = share_out(read_plan(self.plan), {"floor": self.capacity})
        found = bounded(shares, bounds, tree.adjusted)
        return next(s.guarantee for s in found if s.key == key_of(agent))

    def transfer(self, giver, taker, seats):
        said = {"from_agent": giver, "to_agent": taker, "seats": seats}
        path = f"/v1/performances/{self.id}/transfers"
        said |= {"area": "floor", "reason": "a test"}
        made = self.hub.post("operator", path, said, None)
        assert made.get("code") in {None, "nothing-to-move"}, made
        return "code" not in made

    def confirm(self, agent, hold):
        order = self.hub.confirm(agent, {"id": hold})
        self.tickets[order["id"]] = [ticket["id"] for ticket in order["tickets"]]
        return order["id"]

    def cancel(self, agent, order, seats):
        undone = [self.tickets[order].pop() for _ in range(seats)]
        self.hub.cancel(agent, {"id": order}, undone)

    def set_capacity(self, capacity):
        self.deliver(capacity)

    def publish(self, plan):
        body = {"plan": plan, "scope": {"performance": self.ref}}
        made = self.hub.post("operator", self.hub.of("sup", "plans"), body, None)
        self.hub.work()
        assert made.get("code") in {None, "plan-infeasible"}, made
        if "code" not in made:
            self.plan = plan
        return "code" not in made

    def rows(self):
        with transaction() as session:
            return session.execute(_NODES, {"id": self.id}).all()

    def bounds(self):
        return {row.key: (row.guarantee, row.ceiling) for row in self.rows()}

    def counts(self):
        return {row.key: row.taken for row in self.rows()}

    def available(self, agent):
        area = self.hub.areas(agent, self.id)["floor"]
        return next(
            (o["available"] for o in area["offers"] if o["offer_id"] == self.offer_id),
            0,
        ) * (area["nothing_because"] is None)

    def close(self):
        with transaction() as session:
            assert broken_laws(session) == []
        self.deliver(0)  # out of the way of the next run


class ServiceDriver(HttpDriver):
    """The services on PostgreSQL: batches and transactions without the web."""

    def who(self, agent):
        return Callers(0).find(key_hash(self.hub.keys[agent], SECRET))

    def claim(self, who):
        return Claim(Key(WORLD, who.owner_id, str(uuid4())), b"d")

    def hold(self, agent, lines):
        who = self.who(agent)
        offer_id = UUID(self.offer_id)
        wanted = [{"offer_id": offer_id, "quantity": seats} for seats in lines]
        answer = committing.sale_committer(is_batching=False)
        try:
            with transaction() as session:
                more = {"claim": self.claim(who), "ttl_s": 900}
                wish = wishes.price(session, who, wanted, **more)
            reply = answer.submit(wish)
        except HubError:
            return None
        assert isinstance(reply, Reply)
        return reply.body["id"]

    def release(self, agent, hold):
        with transaction() as session:
            lapse.release_hold(session, self.who(agent), UUID(hold))

    def confirm(self, agent, hold):
        who = self.who(agent)
        wish = ConfirmWish(
            self.claim(who), WORLD, who.partner, UUID(hold), str(uuid4())
        )
        reply = committing.sale_committer(is_batching=False).submit(wish)
        self.tickets[reply.body["id"]] = [t["id"] for t in reply.body["tickets"]]
        return reply.body["id"]

    def cancel(self, agent, order, seats):
        undone = [UUID(self.tickets[order].pop()) for _ in range(seats)]
        with transaction() as session:
            cancelling.cancel_tickets(session, self.who(agent), UUID(order), undone)


def run(driver_of, *, examples, steps, is_moving=True):
    said = {"driver_of": staticmethod(driver_of), "is_moving": is_moving}
    machine = type("Machine", (SaleMachine,), said)
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=how)


def test_the_pure_rules_do_what_the_model_says():
    run(PureDriver, examples=150, steps=30, is_moving=False)


def prepared(hub):
    hub.deliver([venue(), auditorium(), production()])
    hub.add_partner(SUB, "agent", commission_bp=100, parent="ann")
    return hub


def test_the_services_do_what_the_model_says(hub):
    prepared(hub)
    run(lambda: ServiceDriver(hub), examples=40 if IS_LONG else 6, steps=40)
    hub.assert_lawful()


def test_the_api_does_what_the_model_says(hub):
    prepared(hub)
    run(lambda: HttpDriver(hub), examples=40 if IS_LONG else 6, steps=40)
    hub.assert_lawful()


class Oversells(PureDriver):
    """Takes one seat more than there is."""

    def hold(self, agent, lines):
        made = super().hold(agent, lines)
        seats = sum(lines)
        if made is None and self.available(agent) == seats - 1:
            leaf = self.ids[key_of(agent)]
            for moved in move(self.nodes, leaf, seats, is_forced=True).values():
                self.nodes[moved.id] = moved
            made = str(uuid4())
            self.holds[made] = (agent, seats)
        return made


class ForgetsParents(PureDriver):
    """Gives seats back to the agent, and to nobody above."""

    def release(self, agent, hold):
        leaf = self.nodes[self.ids[key_of(agent)]]
        seats = self.holds.pop(hold)[1]
        self.nodes[leaf.id] = leaf.holding(leaf.taken - seats)


@pytest.mark.parametrize("wrong", [Oversells, ForgetsParents])
def test_control_the_machine_finds_what_is_wrong(wrong):
    with pytest.raises(AssertionError):
        run(wrong, examples=2_000, steps=30, is_moving=False)  # to the first that fails
