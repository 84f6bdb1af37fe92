"""What a plan makes of the capacities of a performance. A pure function of both."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from allocation.rules.plans.dividing import divide
from allocation.rules.plans.keys import HOUSE, label
from allocation.rules.plans.language import PlanRules, Rule, RuleKind
from hub.kernel.money import BASIS_POINTS

PART = "part"
SHARED = "shared_capacity"
PRIORITY = 500
RANKS = 100_000


@dataclass(frozen=True, slots=True)
class Share:
    """One allotment as the plan wants it (seats).

    *pool*: the key of the area that pays for it too, where the tree is not ordered by
    area first. *rules*: what was said about it, the widest first.
    """

    key: str
    parent: str | None
    level: str
    guarantee: int
    ceiling: int | None
    priority: int
    area: str | None = None
    channel: str | None = None
    agent: str | None = None
    pool: str | None = None
    rules: tuple[Rule, ...] = ()

    @property
    def is_leaf(self) -> bool:
        """Whether it is where an agent's sales begin."""
        return self.agent is not None and self.area is not None


@dataclass(frozen=True, slots=True)
class Shortage:
    """A promise that a capacity cannot keep: whose, how much, how much it gets."""

    holder: str
    promised: int
    given: int
    area: str | None


def share_out(
    plan: PlanRules, areas: Mapping[str, int], seated: Collection[str] = ()
) -> list[Share]:
    """Return what each holder gets of the areas' capacities, parents before children.

    *seated*: areas with numbered seats, which no plan overbooks.

    Promises come first, by priority while there are seats; then weights share what
    is left but the part that stays shared; the rest is free sale.
    """
    return _Sharing(plan, areas, seated).run()


def shortages(plan: PlanRules, areas: Mapping[str, int]) -> list[Shortage]:
    """Return the promises that these capacities cannot keep."""
    sharing = _Sharing(plan, areas)
    shares = sharing.run()
    for area, capacity in areas.items():
        parts = [s for s in shares if s.pool == label("area", area)]
        promised = sum(part.guarantee for part in parts)
        if promised > capacity:
            names = ", ".join(part.key for part in parts if part.guarantee)
            sharing.short.append(Shortage(names, promised, capacity, area))
    shared = plan.shared_capacity
    below = {label("area", area) for area in areas}
    promised = sum(share.guarantee for share in shares if share.parent in below)
    if shared is not None and promised > shared:
        sharing.short.append(Shortage(SHARED, promised, shared, None))
    return sharing.short


class _Sharing:
    """Walks the plan and the areas together."""

    def __init__(
        self, plan: PlanRules, areas: Mapping[str, int], seated: Collection[str] = ()
    ) -> None:
        self._plan = plan
        self._areas = areas
        over = (over for over in plan.overbooking if over.area not in seated)
        self._extra = {found.area: found.seats for found in over}
        self._shares: list[Share] = []
        self.short: list[Shortage] = []

    def run(self) -> list[Share]:
        plan = self._plan
        is_by_area = plan.levels[0] == "area"
        if plan.shared_capacity is None and is_by_area:
            for rule in self._rules_for("area", plan.rules):
                self._area(rule, None)
            return self._shares
        total = sum(self._areas.values())
        most = total + sum(self._extra.get(area, 0) for area in self._areas)
        shared = total if plan.shared_capacity is None else plan.shared_capacity
        ceiling = most if plan.shared_capacity is None else shared
        house = Share(HOUSE, None, HOUSE, 0, ceiling, 0)
        self._shares.append(house)
        if is_by_area:
            for rule in self._rules_for("area", plan.rules):
                self._area(rule, house)
            return self._shares
        for area, capacity in self._areas.items():
            most = capacity + self._extra.get(area, 0)
            pool = Share(label("area", area), None, "area", 0, most, 0, area=area)
            self._shares.append(pool)
        capacity = min(shared, total)
        self._below(house, plan.rules, 0, capacity, plan.keep_shared_bp)
        return self._shares

    def _area(self, rule: Rule, house: Share | None) -> None:
        capacity = self._areas[rule.of]
        share = Share(
            key=label("area", rule.of),
            parent=house.key if house else None,
            level="area",
            guarantee=0,
            ceiling=capacity + self._extra.get(rule.of, 0),
            priority=self._rank(rule),
            area=rule.of,
            rules=(rule,),
        )
        self._shares.append(share)
        said = rule.keep_shared_bp
        keep = self._plan.keep_shared_bp if said is None else said
        self._below(share, rule.rules, 1, capacity, keep)

    def _below(
        self, above: Share, rules: Sequence[Rule], at: int, seats: int, keep_bp: int
    ) -> None:
        if at == len(self._plan.levels):
            return
        level = self._plan.levels[at]
        given = list(self._rules_for(level, rules))
        for rule, guarantee in zip(
            given, self._give(above, seats, given, keep_bp), strict=True
        ):
            share = self._share(above, level, rule, guarantee)
            self._shares.append(share)
            self._below(share, rule.rules, at + 1, guarantee, rule.keep_shared_bp or 0)

    def _share(self, above: Share, level: str, rule: Rule, guarantee: int) -> Share:
        own = 0 if rule.kind is RuleKind.FREE_SALE else guarantee
        ceiling = None if rule.ceiling is None else max(rule.ceiling, own)
        is_part = level == "area"
        return Share(
            key=f"{above.key}/{label(level, rule.of)}",
            parent=above.key,
            level=PART if is_part else level,
            guarantee=own,
            ceiling=own if rule.is_exclusive else ceiling,
            priority=self._rank(rule),
            area=rule.of if is_part else above.area,
            channel=rule.of if level == "channel" else above.channel,
            agent=rule.of if level == "agent" else above.agent,
            pool=label("area", rule.of) if is_part else None,
            rules=(*above.rules, rule),
        )

    def _rank(self, rule: Rule) -> int:
        """Return what is cut last first: by priority, then in the plan's order."""
        return (rule.priority or PRIORITY) * RANKS + len(self._shares)

    def _rules_for(self, level: str, rules: Sequence[Rule]) -> Iterator[Rule]:
        """Return the rules of a level; areas without one take what is said for all."""
        if level != "area":
            yield from (rule for rule in rules if rule.level == level)
            return
        named = {rule.of: rule for rule in rules if rule.level == "area"}
        for_all = tuple(rule for rule in rules if rule.level != "area")
        for area in self._areas:
            rule = named.get(area) or Rule(area=area)
            yield rule if rule.rules else _with_rules(rule, for_all)

    def _give(
        self, above: Share, seats: int, rules: Sequence[Rule], keep_bp: int
    ) -> list[int]:
        left = seats
        lows = [0] * len(rules)
        for at in sorted(range(len(rules)), key=lambda at: _order(rules[at], at)):
            promised = base(rules[at], seats)
            lows[at] = min(promised, left)
            left -= lows[at]
            if lows[at] < promised:
                holder = f"{above.key}/{label(rules[at].level, rules[at].of)}"
                said = Shortage(holder, promised, lows[at], above.area)
                self.short.append(said)
        kept = left * keep_bp // BASIS_POINTS
        weighted = [at for at, r in enumerate(rules) if r.kind is RuleKind.WEIGHTED]
        weighted.sort(key=lambda at: _order(rules[at], at))  # of two equals the first
        bounds = [(rules[a].weight, lows[a], _top(rules[a], lows[a])) for a in weighted]
        totals = divide(left - kept + sum(low for _, low, _ in bounds), bounds)
        for at, total in zip(weighted, totals, strict=True):
            lows[at] = total
        return lows


def base(rule: Rule, seats: int) -> int:
    """Return the seats a rule promises of *seats* before weights share the rest."""
    within = sum(base(inner, 0) for inner in rule.rules)
    match rule.kind:
        case RuleKind.FIXED:
            return max(rule.seats, within)
        case RuleKind.PERCENT:
            part = seats * rule.percent_bp // BASIS_POINTS
            most = part if rule.ceiling is None else min(part, rule.ceiling)
            return max(most, within)
        case RuleKind.WEIGHTED:
            return max(rule.floor, within)
    return within


def _top(rule: Rule, low: int) -> int | None:
    return None if rule.ceiling is None else max(rule.ceiling, low)


def _order(rule: Rule, at: int) -> tuple[int, int]:
    return rule.priority or PRIORITY, at


def _with_rules(rule: Rule, rules: tuple[Rule, ...]) -> Rule:
    said = {name: getattr(rule, name) for name in rule.__struct_fields__}
    return Rule(**said | {"rules": rules})
