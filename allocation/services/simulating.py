"""What a plan would change, agent by agent, before it is published. Writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.models import Plan
from allocation.queries.plans import Ground, PlanInForce, grounds
from allocation.queries.trees import (
    BLOCK,
    SUB_AGENT,
    all_nodes,
    confirmed_seats,
    trees_of,
)
from allocation.rules.plans.checks import read_plan, read_scope
from allocation.rules.plans.keys import holder, is_leaf, steps
from allocation.rules.plans.sharing import shortages
from allocation.services.sharing import Sharing
from allocation.services.splitting import Split
from hub.kernel import clock

CHUNK = 500
TOLD_MAX = 100
Allotment = tuple[str, int, int]  # its key, what it is promised and has taken (seats)
_IN_REACH = text(
    "SELECT p.id FROM performance p JOIN world w ON w.name = p.world"
    " JOIN tree t ON t.performance_id = p.id WHERE p.supplier_id = :supplier"
    " AND p.status = 'scheduled' AND p.withdrawn_at IS NULL"
    " AND coalesce(p.ends_at, p.starts_at) > clock_timestamp() + w.clock_offset"
    " AND (CAST(:performance AS text) IS NULL OR p.ref = :performance)"
    " AND p.id > :after ORDER BY p.id LIMIT :most"
)


@dataclass(slots=True)
class Sums:
    """What an agent has in all: allotments, seats promised and taken, cut promises."""

    allotments: int = 0
    guarantee: int = 0
    taken: int = 0
    cut: int = 0

    def add(self, guarantee: int, taken: int, *, is_cut: bool) -> None:
        """Add one allotment."""
        self.allotments += 1
        self.guarantee += guarantee
        self.taken += taken
        self.cut += is_cut

    def told(self) -> dict[str, int]:
        """Return it as it is told."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Simulation:
    """What would change: by agent before and after, and where a promise is too big."""

    performances: int = 0
    changed: int = 0
    overcommitted: int = 0
    before: dict[str, Sums] = field(default_factory=dict)
    after: dict[str, Sums] = field(default_factory=dict)
    short: list[dict[str, Any]] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Return it as it is told: agents in order, what does not change too."""
        agents = sorted(self.before.keys() | self.after.keys())
        return {
            "performances": self.performances,
            "changed": self.changed,
            "overcommitted": self.overcommitted,
            "agents": [
                {
                    "agent": agent,
                    "before": self.before.get(agent, Sums()).told(),
                    "after": self.after.get(agent, Sums()).told(),
                }
                for agent in agents
            ],
            "shortages": self.short,
            "examples": self.examples,
        }


def simulate(session: Session, plan: Plan) -> dict[str, Any]:
    """Share out by a plan as if it were in force, around what is taken now.

    Every performance in its scope that is not over; the first ones that change as
    examples, promises that a capacity cannot keep by name and number.
    """
    candidate = PlanInForce(
        plan.id, plan.version, read_scope(plan.scope), read_plan(plan.rules)
    )
    now_in_force = Sharing(session, plan.supplier_id)
    then = Sharing(session, plan.supplier_id).instead(candidate)
    found = Simulation()
    where: dict[str, Any] = {
        "supplier": plan.supplier_id,
        "performance": candidate.scope.performance,
        "most": CHUNK,
    }
    after = UUID(int=0)
    while ids := session.scalars(_IN_REACH, {**where, "after": after}).all():
        after = ids[-1]
        covered = {
            i: g
            for i, g in grounds(session, ids).items()
            if candidate.scope.covers(g.subject)
        }
        _add(session, found, covered, (now_in_force, then), candidate)
        session.expire_all()
    return found.told()


def _add(
    session: Session,
    found: Simulation,
    covered: Mapping[UUID, Ground],
    sharings: tuple[Sharing, Sharing],
    candidate: PlanInForce,
) -> None:
    if not covered:
        return
    trees = trees_of(session, covered)
    nodes = all_nodes(session, covered)
    now = clock.now(session, next(iter(covered.values())).world)
    confirmed = confirmed_seats(session, covered)
    for i, ground in covered.items():
        found.performances += 1
        before, after = (
            sharing.split(ground, trees[i], nodes[i], confirmed[i], now)
            for sharing in sharings
        )
        _compare(
            found, ground, _agents(before, found.before), _agents(after, found.after)
        )
        over = [
            fitted
            for fitted in after.fitted.values()
            if fitted.ceiling is not None and fitted.taken > fitted.ceiling
        ]
        found.overcommitted += bool(over)
        for short in shortages(candidate.rules, ground.capacities):
            if len(found.short) < TOLD_MAX:
                facts = {"promised": short.promised, "given": short.given}
                where = {"performance": ground.subject.performance}
                found.short.append({**where, "rule": short.holder, **facts})


def _agents(split: Split, sums: dict[str, Sums]) -> dict[str, Allotment]:
    """Add an agent's allotments up; return them by whose they are, and where."""
    found: dict[str, Allotment] = {}
    for key, fitted in split.fitted.items():
        found_in = steps(key)
        level = SUB_AGENT if SUB_AGENT in found_in else "agent"
        if not (is_leaf(key) or level == SUB_AGENT) or BLOCK in found_in:
            continue
        agent = found_in[level].partition(":")[2]
        sums.setdefault(agent, Sums()).add(
            fitted.guarantee, fitted.taken, is_cut=fitted.is_cut
        )
        whose = f"{holder(key)}/{agent}"
        found[whose] = (key, fitted.guarantee, fitted.taken)
    return found


def _compare(
    found: Simulation,
    ground: Ground,
    before: Mapping[str, Allotment],
    after: Mapping[str, Allotment],
) -> None:
    keys: Sequence[str] = sorted(before.keys() | after.keys())
    changed = [
        key
        for key in keys
        if before.get(key, ("", 0, 0))[1:] != after.get(key, ("", 0, 0))[1:]
    ]
    if not changed:
        return
    found.changed += 1
    if len(found.examples) < TOLD_MAX:
        found.examples.append(
            {
                "performance_id": str(ground.id),
                "performance": ground.subject.performance,
                "allotments": [
                    _changed(before.get(key), after.get(key)) for key in changed
                ],
            }
        )


def _changed(before: Allotment | None, after: Allotment | None) -> dict[str, Any]:
    key, _, taken = after or before or ("", 0, 0)
    return {
        "allotment": key,
        "guarantee_before": before[1] if before else 0,
        "guarantee_after": after[1] if after else 0,
        "taken": taken,
    }
