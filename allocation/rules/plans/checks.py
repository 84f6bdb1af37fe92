"""What is wrong with a plan in itself: each finding names the rule and by how much."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec

from allocation.errors import PlanRefusedError
from allocation.rules.plans.language import (
    At,
    Cap,
    Holding,
    PlanRules,
    PlanScope,
    Protection,
    Rule,
    RuleKind,
    Window,
)
from allocation.rules.plans.sharing import base
from hub.kernel.money import BASIS_POINTS

ORDERS = (
    ("area", "channel", "agent"),
    ("area", "agent"),
    ("channel", "area", "agent"),
    ("channel", "agent", "area"),
    ("agent", "area"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule, what is wrong with it, and by how much where that can be said."""

    rule: str
    reason: str
    over_by: int | None = None


def read_plan(said: Mapping[str, Any]) -> PlanRules:
    """Read a plan; PlanRefusedError names every rule that contradicts itself."""
    plan: PlanRules = _read(said, PlanRules, "plan")
    refuse(list(problems(plan)))
    return plan


def read_scope(said: Mapping[str, Any]) -> PlanScope:
    """Read what a plan is for; PlanRefusedError says what is wrong with it."""
    scope: PlanScope = _read(said, PlanScope, "scope")
    until = scope.starts_until
    if scope.starts_from and until and until <= scope.starts_from:
        refuse([Finding("scope.starts_until", "ends before it starts")])
    return scope


def _read(said: Mapping[str, Any], kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        reason, _, at = str(error).partition(" - at `$")
        refuse([Finding(f"{where}{at.rstrip('`')}", reason)])
        raise  # pragma: no cover - refuse has raised


def refuse(found: Sequence[Finding]) -> None:
    """Raise PlanRefusedError with all findings; the first also by itself."""
    if not found:
        return
    told = [
        {"rule": f.rule, "reason": f.reason}
        | ({} if f.over_by is None else {"over_by": f.over_by})
        for f in found
    ]
    raise PlanRefusedError(**told[0], findings=told)


def problems(plan: PlanRules) -> Iterator[Finding]:
    """Return what is wrong with a plan, whatever the capacity."""
    if plan.levels not in ORDERS:
        orders = "; ".join(" > ".join(order) for order in ORDERS)
        yield Finding("levels", f"must be one of {orders}")
        return
    yield from _level(plan, plan.rules, 0, "")
    for at, cap in enumerate(plan.caps):
        yield from _cap(cap, f"caps[{at}]")
    yield from _moments(plan)
    yield from _windows(plan.window, plan.holding, "")
    for said in plan.protection:
        yield from _classes(said)
    named = [over.area for over in plan.overbooking]
    for area in {area for area in named if named.count(area) > 1}:
        yield Finding("overbooking", f"{area} is named twice")


def _level(
    plan: PlanRules, rules: Sequence[Rule], at: int, where: str
) -> Iterator[Finding]:
    level = plan.levels[at] if at < len(plan.levels) else None
    names: set[tuple[str, str]] = set()
    for rule in rules:
        named = [n for n in ("area", "channel", "agent") if getattr(rule, n)]
        if len(named) != 1:
            yield Finding(where or "rules", "names one of area, channel and agent")
            return
        path = f"{where} > {rule.of}" if where else rule.of
        if (rule.level, rule.of) in names:
            yield Finding(path, "named twice")
        names.add((rule.level, rule.of))
        yield from _numbers(rule, path)
        yield from _windows(rule.window, rule.holding, path)
        if rule.kind is RuleKind.FREE_SALE and (rule.level, at) != ("area", 0):
            yield from _of_nothing(rule.rules, path)
        is_skipping = level == "area" and rule.level != "area"
        following = plan.levels[at + 1] if at + 1 < len(plan.levels) else None
        if rule.level == level:
            yield from _level(plan, rule.rules, at + 1, path)
        elif is_skipping and rule.level == following:
            if at:
                yield from _of_nothing((rule,), path)
            yield from _level(plan, rule.rules, at + 2, path)
        else:
            order = " > ".join(plan.levels)
            yield Finding(path, f"{rule.level} does not come here: {order}")
    yield from _together(rules, where)


def _of_nothing(rules: Sequence[Rule], path: str) -> Iterator[Finding]:
    """Refuse parts of a holder that is promised nothing: they would be zero."""
    kinds = {RuleKind.PERCENT, RuleKind.WEIGHTED}
    parts = ", ".join(rule.of for rule in rules if rule.kind in kinds)
    if parts:
        yield Finding(path, f"nothing is promised here that could be shared: {parts}")


def _together(rules: Sequence[Rule], where: str) -> Iterator[Finding]:
    weighted = [rule for rule in rules if rule.kind is RuleKind.WEIGHTED]
    if weighted and not any(rule.weight for rule in weighted):
        names = ", ".join(rule.of for rule in weighted)
        yield Finding(where or "rules", f"all weights are zero: {names}")
    by_level: dict[str, int] = {}
    for rule in rules:
        if rule.kind is RuleKind.PERCENT:
            by_level[rule.level] = by_level.get(rule.level, 0) + rule.percent_bp
    for level, total in by_level.items():
        if total > BASIS_POINTS and level != "area":
            over = total - BASIS_POINTS
            reason = f"the percentages are {over} basis points above the whole"
            yield Finding(where or "rules", reason)


def _numbers(rule: Rule, path: str) -> Iterator[Finding]:
    promised = base(rule, 0)
    if rule.ceiling is not None and rule.ceiling < promised:
        over = promised - rule.ceiling
        yield Finding(path, "promised above its ceiling", over)
    if rule.is_exclusive and rule.ceiling is not None:
        yield Finding(path, "exclusive: its guarantee is its ceiling; say one of both")
    if rule.is_exclusive and rule.kind is RuleKind.FREE_SALE:
        yield Finding(path, "exclusive free sale would be nothing at all")
    if rule.kind is RuleKind.FIXED:
        within = sum(base(inner, 0) for inner in rule.rules)
        if within > rule.seats:
            reason = "its own are promised more than it has"
            yield Finding(path, reason, within - rule.seats)
    unused = {
        "seats": rule.seats and rule.kind is not RuleKind.FIXED,
        "percent_bp": rule.percent_bp and rule.kind is not RuleKind.PERCENT,
        "weight": rule.weight and rule.kind is not RuleKind.WEIGHTED,
        "floor": rule.floor and rule.kind is not RuleKind.WEIGHTED,
    }
    for name, is_said in unused.items():
        if is_said:
            yield Finding(path, f"{name} says nothing in a {rule.kind} rule")
    for at, stage in enumerate(rule.release):
        if (stage.keep is None) == (stage.keep_unsold is None):
            reason = "says one of keep and keep_unsold"
            yield Finding(f"{path} > release[{at}]", reason)


def _windows(
    window: Window | None, holding: Holding | None, path: str
) -> Iterator[Finding]:
    where = f"{path} > " if path else ""
    if window is not None:
        order = (window.announce, window.on_sale, window.cut_off)
        names = ("announce", "on_sale", "cut_off")
        said = [(n, at) for n, at in zip(names, order, strict=True) if at is not None]
        for (earlier, first), (later, second) in pairwise(said):
            if _is_before(second, first):
                reason = f"{later} comes before {earlier}"
                yield Finding(f"{where}window", reason)
    if holding is not None and holding.ttl_s and holding.ttl_max_s:
        over = holding.ttl_s - holding.ttl_max_s
        if over > 0:
            yield Finding(f"{where}holding", "ttl_s is above ttl_max_s", over)


def _is_before(one: At, other: At) -> bool:
    """Say whether a moment comes before another that is said in the same way."""
    if one.at is not None and other.at is not None:
        return one.at < other.at
    if one.hours_before is not None and other.hours_before is not None:
        return one.hours_before > other.hours_before
    if one.days_before is None or other.days_before is None:
        return False
    if one.days_before != other.days_before or None in (one.time, other.time):
        return one.days_before > other.days_before
    return str(one.time) < str(other.time)


def _classes(said: Protection) -> Iterator[Finding]:
    where = f"protection > {said.area}"
    names = [one.price_type for one in said.classes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Finding(where, f"{name} is named twice")
    for dearer, cheaper in pairwise(said.classes):
        over = cheaper.price_minor - dearer.price_minor
        if over >= 0:
            reason = f"{cheaper.price_type} is not cheaper than {dearer.price_type}"
            yield Finding(where, reason, over)


_CAP_NEEDS: dict[str, Callable[[Cap], bool]] = {
    "price-type": lambda cap: cap.price_type is not None and cap.channel is None,
    "channel": lambda cap: cap.channel is not None and cap.price_type is None,
    "agent": lambda cap: cap.channel is None and cap.price_type is None,
    "buyer": lambda cap: (cap.channel, cap.price_type, cap.agent) == (None,) * 3,
}


def _cap(cap: Cap, where: str) -> Iterator[Finding]:
    if not _CAP_NEEDS[cap.of](cap):
        yield Finding(where, f"does not say which {cap.of} it means, or says too much")
    if cap.area is not None and cap.over == "production":
        yield Finding(where, "an area is one performance's")


def _moments(plan: PlanRules) -> Iterator[Finding]:
    for where, said in _ats(msgspec.to_builtins(plan), ""):
        ways = [n for n in ("at", "days_before", "hours_before") if n in said]
        if len(ways) != 1:
            yield Finding(where, "says one of at, days_before and hours_before")
        elif "time" in said and ways != ["days_before"]:
            yield Finding(where, "a time of day goes with days_before")


def _ats(said: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every moment a plan names, as it says it, and where."""
    if isinstance(said, dict):
        for name, value in said.items():
            path = f"{where}.{name}" if where else name
            if name in MOMENTS and isinstance(value, dict):
                yield path, {n: v for n, v in value.items() if v is not None}
            else:
                yield from _ats(value, path)
    elif isinstance(said, list | tuple):
        for at, value in enumerate(said):
            yield from _ats(value, f"{where}[{at}]")


MOMENTS = {"when", "announce", "on_sale", "cut_off", "option_deadline"}
__all__ = ["At", "Finding", "problems", "read_plan", "read_scope", "refuse"]
