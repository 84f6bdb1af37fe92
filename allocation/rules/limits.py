"""What limits a sale beside the tree: caps, stops, windows, protection. Pure."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allocation.errors import CapReachedError, StoppedError
from allocation.rules.plans.language import Cap, Holding, PlanRules, Rule, Window
from allocation.rules.plans.stages import Timing


@dataclass(frozen=True, slots=True)
class Limit:
    """A counter a line counts in, and how many seats it may reach.

    *is_held*: it counts only while seats are held. ``id`` is the hash of what it
    counts, so that counters are found without looking.
    """

    id: UUID
    kind: str
    subject: str
    most: int
    performance_id: UUID | None
    is_held: bool = False


def limit_id(*parts: object) -> UUID:
    """Return the id of the counter of something."""
    text = "|".join(map(str, parts))
    return UUID(bytes=hashlib.sha256(text.encode()).digest()[:16])


@dataclass(frozen=True, slots=True)
class Buyable:
    """What a line is, as caps and stops see it.

    *agent* and *holder_id* are whose seats are sold: of a sub-agent, its agent.
    """

    performance_id: UUID
    production_id: UUID
    area: str
    price_type: str
    channel: str
    agent: str
    agent_id: UUID
    holder_id: UUID
    venue: str
    auditorium: str
    genre: str


def limits(plan: PlanRules, line: Buyable, buyer: str | None) -> Iterator[Limit]:
    """Return the counters that the caps of a plan count a line in.

    A *buyer* (its hash) is counted if one is named; ``needs_buyer`` says whether one
    must be.
    """
    for cap in plan.caps:
        if _applies(cap, line) and (cap.of != "buyer" or buyer is not None):
            yield _limit(cap, line, buyer)


def hash_of_buyer(said: str) -> str:
    """Return what is kept of a buyer; case and spaces make nobody somebody else."""
    return hashlib.sha256(" ".join(said.split()).casefold().encode()).hexdigest()


def needs_buyer(plan: PlanRules) -> bool:
    """Say whether a plan limits tickets per buyer."""
    return any(cap.of == "buyer" for cap in plan.caps)


def _applies(cap: Cap, line: Buyable) -> bool:
    named = (
        (cap.area, line.area),
        (cap.price_type, line.price_type),
        (cap.channel, line.channel),
        (cap.agent, line.agent),
    )
    return all(said is None or said == own for said, own in named)


def _limit(cap: Cap, line: Buyable, buyer: str | None) -> Limit:
    is_one = cap.over == "performance"
    over = line.performance_id if is_one else line.production_id
    whose = {
        "price-type": f"{line.price_type} in {cap.area or 'all areas'}",
        "channel": f"{line.channel} in {cap.area or 'all areas'}",
        "agent": f"{line.agent} in {cap.area or 'all areas'}",
        "buyer": f"buyer {(buyer or '')[:16]}",
    }[cap.of]
    named = (cap.area, cap.channel, cap.agent, cap.price_type)  # or two would share it
    found = limit_id(cap.of, cap.over, over, whose, *named)
    performance = line.performance_id if is_one else None
    return Limit(found, cap.of, whose, cap.most, performance)


def held_limit(holding: Holding, supplier_id: UUID, agent_id: UUID) -> Limit | None:
    """Return the counter of seats an agent holds of a supplier at once, if bounded."""
    if holding.held_most is None:
        return None
    found = limit_id("held", supplier_id, agent_id)
    most = holding.held_most
    return Limit(found, "held", "seats held at once", most, None, is_held=True)


def count(
    taken: Mapping[UUID, int], wanted: Iterable[tuple[Limit, int]]
) -> dict[UUID, int]:
    """Count seats in counters; return those that change. CapReachedError above one.

    All or nothing: a refusal leaves *taken* as it was, for it is not changed.
    """
    after: dict[UUID, int] = {}
    for limit, seats in wanted:
        now = after.get(limit.id, taken.get(limit.id, 0))
        if now + seats > limit.most:
            raise CapReachedError(
                cap=limit.kind,
                of=limit.subject,
                most=limit.most,
                taken=now,
                wanted=seats,
            )
        after[limit.id] = now + seats
    return after


@dataclass(frozen=True, slots=True)
class StopSaid:
    """A stop of sale that holds: what it names; what it does not name is anything."""

    id: UUID
    supplier_id: UUID
    performance_id: UUID | None
    production_id: UUID | None
    area: str | None
    channel: str | None
    agent_id: UUID | None
    price_type: str | None
    is_hard: bool
    reason: str
    venue: str | None = None
    auditorium: str | None = None
    genre: str | None = None

    def covers(self, supplier_id: UUID, line: Buyable) -> bool:
        """Say whether it stops a line."""
        named = (
            (self.supplier_id, supplier_id),
            (self.performance_id, line.performance_id),
            (self.production_id, line.production_id),
            (self.area, line.area),
            (self.channel, line.channel),
            (self.price_type, line.price_type),
            (self.venue, line.venue),
            (self.auditorium, line.auditorium),
            (self.genre, line.genre),
        )
        whose = {None, line.agent_id, line.holder_id}
        return self.agent_id in whose and all(
            said is None or said == own for said, own in named
        )


def refuse_stopped(
    stops: Iterable[StopSaid], supplier_id: UUID, line: Buyable, *, only_hard: bool
) -> None:
    """Raise StoppedError if a stop covers a line; the hard ones are said first."""
    for stop in sorted(stops, key=lambda stop: not stop.is_hard):
        if (stop.is_hard or not only_hard) and stop.covers(supplier_id, line):
            severity = "hard" if stop.is_hard else "soft"
            raise StoppedError(stop_id=stop.id, severity=severity, reason=stop.reason)


@dataclass(frozen=True, slots=True)
class Moments:
    """When a holder may see and sell (aware UTC); None is as for everybody."""

    announce_at: datetime | None = None
    on_sale_at: datetime | None = None
    cut_off_at: datetime | None = None


def moments(plan: PlanRules, rules: Sequence[Rule], timing: Timing) -> Moments:
    """Return a holder's window: each moment by the narrowest rule that says it."""
    found: dict[str, datetime] = {}
    for window in (plan.window, *(rule.window or Window() for rule in rules)):
        for name in ("announce", "on_sale", "cut_off"):
            said = getattr(window, name)
            if said is not None:
                found[f"{name}_at"] = timing.moment(said)
    return Moments(**found)


def holding_of(plan: PlanRules, rules: Sequence[Rule]) -> Holding:
    """Return how a holder may hold: each word by the narrowest rule that says it."""
    found = {}
    for said in (plan.holding, *(rule.holding or Holding() for rule in rules)):
        for name in Holding.__struct_fields__:
            value = getattr(said, name)
            if value is not None:
                found[name] = value
    return Holding(**found)
