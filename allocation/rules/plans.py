"""How a plan turns capacity into guarantees and ceilings. A pure function of both."""

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction

from allocation.errors import PlanRefusedError
from hub.kernel.money import BASIS_POINTS


class RuleKind(StrEnum):
    """How a holder comes to its seats."""

    FIXED = "fixed"
    WEIGHTED = "weighted"
    FREE_SALE = "free-sale"


@dataclass(frozen=True, slots=True)
class Rule:
    """What one holder (a channel, or an agent in it) is given.

    Fixed: ``seats``; weighted: its ``weight`` of what is shared out after the fixed;
    free sale: no promise. ``ceiling`` may bound any of them.
    """

    holder: str
    kind: RuleKind
    seats: int = 0
    weight: int = 0
    ceiling: int | None = None
    keep_shared_bp: int = 0
    rules: tuple["Rule", ...] = field(default=())

    @property
    def fixed(self) -> int:
        """Seats this rule promises whatever the capacity."""
        within = sum(rule.fixed for rule in self.rules)
        return max(self.seats, within) if self.kind is RuleKind.FIXED else within


@dataclass(frozen=True, slots=True)
class Allotted:
    """One node as the plan wants it, and as it stands (seats)."""

    holder: str
    parent: str | None
    guarantee: int
    ceiling: int | None
    priority: int
    taken: int = 0

    @property
    def charge(self) -> int:
        return max(self.guarantee, self.taken)


def check(plan: Rule) -> None:
    """Refuse a plan that contradicts itself, naming the holder and by how much."""
    holders: set[str] = set()
    for rule in _walk(plan):
        if rule.holder in holders:
            raise PlanRefusedError(holder=rule.holder, reason="named twice")
        holders.add(rule.holder)
        if rule.kind is RuleKind.WEIGHTED and rule.weight <= 0:
            raise PlanRefusedError(
                holder=rule.holder, reason="a weight must be positive"
            )
        if rule.ceiling is not None and rule.ceiling < rule.fixed:
            over = rule.fixed - rule.ceiling
            raise PlanRefusedError(
                holder=rule.holder, reason="promised above its ceiling", over_by=over
            )
        _check_within(rule)


def _check_within(rule: Rule) -> None:
    within = sum(inner.fixed for inner in rule.rules)
    if rule.kind is RuleKind.FIXED and within > rule.seats:
        raise PlanRefusedError(
            holder=rule.holder,
            reason="its agents are promised more than it has",
            over_by=within - rule.seats,
        )


def _walk(rule: Rule) -> list[Rule]:
    return [found for inner in rule.rules for found in (inner, *_walk(inner))]


def share_out(plan: Rule, capacity: int) -> list[Allotted]:
    """Return what each holder gets of *capacity* seats, parents before children.

    Fixed seats come first, in the plan's order while there are any; then weights
    share what is left but the part that stays shared; the rest is free sale.
    """
    allotted = _share(plan, capacity, parent=None)
    return [replace(node, priority=rank) for rank, node in enumerate(allotted)]


def _share(owner: Rule, capacity: int, *, parent: str | None) -> list[Allotted]:
    left = capacity
    fixed: dict[str, int] = {}
    for rule in owner.rules:
        fixed[rule.holder] = min(rule.fixed, left)
        left -= fixed[rule.holder]
    kept = left * owner.keep_shared_bp // BASIS_POINTS
    shares = _weighted(owner.rules, fixed, left - kept)
    allotted: list[Allotted] = []
    for rule in owner.rules:
        guarantee = fixed[rule.holder] + shares.get(rule.holder, 0)
        own = guarantee if rule.kind is not RuleKind.FREE_SALE else 0
        ceiling = None if rule.ceiling is None else max(rule.ceiling, own)
        allotted.append(Allotted(rule.holder, parent, own, ceiling, 0))
        allotted += _share(rule, guarantee, parent=rule.holder)
    return allotted


def _weighted(
    rules: Sequence[Rule], fixed: Mapping[str, int], seats: int
) -> dict[str, int]:
    weighted = [rule for rule in rules if rule.kind is RuleKind.WEIGHTED]
    bounds = [
        (
            rule.weight,
            fixed[rule.holder],
            None if rule.ceiling is None else max(rule.ceiling, fixed[rule.holder]),
        )
        for rule in weighted
    ]
    totals = divide(seats + sum(low for _, low, _ in bounds), bounds)
    return {
        rule.holder: total - fixed[rule.holder]
        for rule, total in zip(weighted, totals, strict=True)
    }


def divide(seats: int, bounds: Sequence[tuple[int, int, int | None]]) -> list[int]:
    """Divide *seats* by (weight, floor, ceiling) with Sainte-Lague's divisors.

    Starts at the floors and gives one seat after the other to the highest
    ``weight / (2 * seats + 1)`` below its ceiling; ties go to the earlier. What no
    ceiling admits is left over. No holder loses when *seats* grows.
    """
    shares = [low for _, low, _ in bounds]
    left = seats - sum(shares)
    queue = [
        (-Fraction(weight, 2 * low + 1), at)
        for at, (weight, low, high) in enumerate(bounds)
        if high is None or low < high
    ]
    heapq.heapify(queue)
    while left > 0 and queue:
        _, at = queue[0]
        weight, _, high = bounds[at]
        shares[at] += 1
        left -= 1
        if high is not None and shares[at] >= high:
            heapq.heappop(queue)
        else:
            heapq.heapreplace(queue, (-Fraction(weight, 2 * shares[at] + 1), at))
    return shares


def fit(
    capacity: int, wanted: Sequence[Allotted], taken: Mapping[str, int]
) -> tuple[list[Allotted], int]:
    """Fit a plan around what is taken already; return the nodes and the root's count.

    *taken* names every leaf that was there before. Holders the plan no longer names
    keep what they took and may take no more. While a sum is above what its node may
    hold, unsold guarantees below it are cut, lowest priority first; held and sold are
    never touched, so a sum may stay above it.
    """
    named = {node.holder for node in wanted}
    nodes = {node.holder: node for node in [*wanted, *_dropped(named, taken)]}
    for holder, count in taken.items():
        nodes[holder] = replace(nodes[holder], taken=count)
    nodes = _summed(nodes)
    for channel in [node for node in nodes.values() if node.parent is None]:
        if channel.ceiling is not None:
            nodes = _cut(nodes, channel.holder, channel.ceiling)
    nodes = _cut(nodes, None, capacity)
    return list(nodes.values()), _taken(nodes, None)


def _dropped(named: Collection[str], taken: Mapping[str, int]) -> list[Allotted]:
    leaves = [holder for holder in taken if holder not in named]
    channels = {channel_of(leaf) for leaf in leaves} - set(named)
    return [Allotted(holder, None, 0, 0, 0) for holder in sorted(channels)] + [
        Allotted(holder, channel_of(holder), 0, 0, 0) for holder in leaves
    ]


def channel_of(holder: str) -> str:
    """Return the channel of an agent's holder name."""
    return holder.rpartition("/")[0]


def _cut(
    nodes: dict[str, Allotted], above: str | None, most: int
) -> dict[str, Allotted]:
    """Cut unsold guarantees below a node until its sum is at *most*, if they suffice.

    Lowest priority first. A channel's own promise goes before those of its agents,
    and follows them down: else cutting an agent would not lower the sum.
    """
    order = sorted(nodes.values(), key=lambda node: node.priority, reverse=True)
    for channel in [n.holder for n in order if n.parent is None]:
        if above not in {None, channel}:
            continue
        agents = [node.holder for node in order if node.parent == channel]
        for holder in [channel, *agents] if above is None else agents:
            excess = _taken(nodes, above) - most
            if excess <= 0:
                return nodes
            nodes = _summed(_lowered(nodes, holder, excess))
            nodes = _lowered(nodes, channel, excess) if holder != channel else nodes
    return nodes


def _lowered(
    nodes: dict[str, Allotted], holder: str, excess: int
) -> dict[str, Allotted]:
    node = nodes[holder]
    unsold = max(0, node.guarantee - node.taken)
    lower = replace(node, guarantee=node.guarantee - min(unsold, excess))
    return nodes | {holder: lower}


def _summed(nodes: dict[str, Allotted]) -> dict[str, Allotted]:
    parents = {node.parent for node in nodes.values()} - {None}
    return nodes | {
        parent: replace(nodes[parent], taken=_taken(nodes, parent))
        for parent in parents
        if parent is not None
    }


def _taken(nodes: Mapping[str, Allotted], parent: str | None) -> int:
    return sum(node.charge for node in nodes.values() if node.parent == parent)
