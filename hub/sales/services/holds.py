"""The steps of the committer: many wishes, one transaction, each answered alone.

All that a batch locks and reads comes from one call, all it writes goes into another:
between the two it decides, by pure rules.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from allocation.errors import OvercommittedError, ProtectedError
from allocation.queries.memory import seen
from allocation.rules import tree
from allocation.rules.limits import StopSaid, count, refuse_stopped
from hub.kernel import idempotency
from hub.kernel.committer import TryAgainError
from hub.kernel.errors import HubError
from hub.kernel.hot import Calls
from hub.kernel.idempotency import Earlier, Key, Reply
from hub.sales.errors import OfferChangedError, PerformanceBusyError
from hub.sales.services.halls import Look
from hub.sales.services.locking import PerformanceState, lock_all
from hub.sales.services.seating import Seating
from hub.sales.services.telling import hold_body, hold_line
from hub.sales.services.wishes import HoldWish, WishLine
from settlement.rules.credit import CreditLine

CREATED = 201


@dataclass(slots=True)
class Placed:
    """A hold that is decided: who wants it, until when."""

    wish: HoldWish
    expires_at: datetime
    now: datetime


@dataclass(slots=True)
class HoldBatch:
    """What is locked for some wishes, and what has been decided so far."""

    earlier: dict[Key, Earlier]
    first: dict[Key, HoldWish]
    states: dict[UUID, PerformanceState]
    stops: list[StopSaid]
    over: dict[UUID, int]
    nodes: dict[UUID, tree.Node]
    caps: dict[UUID, int]
    credit: dict[UUID, CreditLine]
    now: dict[str, datetime]
    epochs: dict[str, int]
    busy: set[UUID]
    before: dict[UUID, tree.Node] = field(default_factory=dict)
    caps_before: dict[UUID, int] = field(default_factory=dict)
    credit_before: dict[UUID, CreditLine] = field(default_factory=dict)
    seating: Seating = field(default_factory=Seating)
    answers: dict[Key, Reply | HubError] = field(default_factory=dict)
    placed: list[Placed] = field(default_factory=list)


def lock(calls: Calls, wishes: Sequence[HoldWish]) -> HoldBatch:
    """Lock what the wishes touch: performances, nodes, counters; then read the clock.

    A performance that is being changed is not waited for: its wishes are sent back,
    or one busy performance would hold up the sale of all others. TryAgainError when
    others have taken so much that more must be locked.
    """
    first: dict[Key, HoldWish] = {}
    for wish in wishes:
        first.setdefault(wish.claim.key, wish)
    asked = list(first.values())
    found, busy = lock_all(calls, asked, Look(asked), takes := _takes(asked))
    if busy:
        asked = [wish for wish in asked if not busy & _shared(wish)]
        takes = _takes(asked)
        found, more = lock_all(calls, asked, Look(asked), takes)
        if more:
            raise TryAgainError
    nodes, credit = found.found_nodes(), found.lines_of_credit()
    seen.learn(nodes.values())
    changes = {leaf: (seats, 0) for leaf, seats in takes.items()}
    if tree.reached(nodes, changes) - nodes.keys():
        raise TryAgainError
    times = found.times or ()
    return HoldBatch(
        earlier=found.earlier(),
        first=first,
        states=found.performances(),
        stops=found.found_stops(),
        over=found.over or {},
        nodes=nodes,
        caps=dict(found.caps or {}),
        credit=credit,
        now={world: now for world, now, _ in times},
        epochs={world: epoch for world, _, epoch in times},
        busy=busy,
        before=dict(nodes),
        caps_before=found.caps or {},
        credit_before=dict(credit),
    )


def _takes(wishes: Iterable[HoldWish]) -> dict[UUID, int]:
    found: dict[UUID, int] = {}
    for wish in wishes:
        for node, seats in wish.takes.items():
            found[node] = found.get(node, 0) + seats
    return found


def decide(batch: HoldBatch, wish: HoldWish) -> Reply | HubError:
    """Answer one wish: the earlier reply, a refusal, or a hold."""
    if batch.busy and batch.busy & _shared(wish):
        return PerformanceBusyError()
    first = batch.first[wish.claim.key].claim
    return idempotency.once_in_batch(
        wish.claim, first, batch.earlier, batch.answers, lambda: _place(batch, wish)
    )


def _shared(wish: HoldWish) -> set[UUID]:
    return wish.performance_ids | {line.offer.supplier_id for line in wish.lines}


def _place(batch: HoldBatch, wish: HoldWish) -> Reply:
    now = batch.now[wish.world]
    _refuse_unless_same(batch, wish)
    if wish.is_forced:
        return _book(batch, wish, now)
    for line in wish.lines:
        _refuse_unless_sold(batch, line, now)
    try:
        deltas = batch.seating.choose(wish)
    except HubError:
        tree.settle(batch.nodes, wish.seats_by_leaf)  # its refusal says more
        raise
    try:
        after = tree.settle(batch.nodes, deltas)
        _refuse_protected(batch, wish, after)
        wanted = [(limit, n.quantity) for n in wish.lines for limit in n.limits]
        caps = count(batch.caps, wanted) if wanted else {}
        credit = batch.credit[wish.credit_id].reserved(wish.owed_minor)
    except HubError:
        batch.seating.undo(wish)
        raise
    batch.nodes, batch.credit[wish.credit_id] = after, credit
    batch.caps |= caps
    return _placed(batch, wish, now)


def _book(batch: HoldBatch, wish: HoldWish, now: datetime) -> Reply:
    """Book what was sold elsewhere: a fact, which may overcommit, never be dropped."""
    deltas = batch.seating.choose(wish)
    after = dict(batch.nodes)
    for node, seats in deltas.items():
        after |= tree.move(after, node, seats, is_forced=True)
    batch.nodes = after
    for line in wish.lines:
        for limit in line.limits:
            batch.caps[limit.id] += line.quantity
    line_of_credit = batch.credit[wish.credit_id]
    reserved = line_of_credit.reserved_minor + wish.owed_minor
    batch.credit[wish.credit_id] = replace(line_of_credit, reserved_minor=reserved)
    return _placed(batch, wish, now)


def _placed(batch: HoldBatch, wish: HoldWish, now: datetime) -> Reply:
    expires_at = wish.until or now + timedelta(seconds=wish.ttl_s)
    chosen = batch.seating.chosen.get(wish.hold_id, {})
    reply = Reply(CREATED, later=lambda: told(wish, expires_at, chosen))
    batch.placed.append(Placed(wish, expires_at, now))
    return reply


def _refuse_unless_same(batch: HoldBatch, wish: HoldWish) -> None:
    """Send a wish back whose basket stands on something that has changed since."""
    if batch.epochs[wish.world] != wish.basket.world_epoch:
        raise OfferChangedError
    for performance_id, versions in wish.basket.epochs.items():
        state = batch.states[performance_id]
        if state.versions != versions:
            raise OfferChangedError(performance_id=performance_id)


def _refuse_unless_sold(batch: HoldBatch, line: WishLine, now: datetime) -> None:
    own = line.basket.own
    window = batch.states[line.offer.performance_id].window
    window = window.with_own(own.announce_at, own.on_sale_at, own.cut_off_at)
    window.refuse_unless_on_sale(now)
    supplier = line.offer.supplier_id
    if batch.stops:
        refuse_stopped(batch.stops, supplier, line.basket.buyable, only_hard=False)
    if batch.over:
        for node in (line.leaf_id, *line.basket.above):
            if node in batch.over:
                over_by = batch.over[node]
                raise OvercommittedError(area=line.offer.area, over_by=over_by)


def _refuse_protected(
    batch: HoldBatch, wish: HoldWish, after: dict[UUID, tree.Node]
) -> None:
    """Refuse seats kept for dearer classes, unless they were promised to the agent."""
    for line in wish.lines:
        kept = line.basket.protected
        if not kept:
            continue
        area = line.offer.performance_area_id
        before, now = batch.nodes[area], after[area]
        if now.taken > before.taken and now.taken > (now.ceiling or 0) - kept:
            free = max(0, (before.free or 0) - kept)
            price_type = line.offer.price_type
            raise ProtectedError(price_type=price_type, kept=kept, free=free)


def told(
    wish: HoldWish, expires_at: datetime, chosen: Mapping[int, Sequence[UUID]]
) -> dict[str, Any]:
    """Return how a new hold is told to its agent."""
    lines = []
    for line in wish.lines:
        seat_map = line.basket.seat_map
        names = seat_map.seats if seat_map else {}
        seats = [names[seat] for seat in chosen.get(line.no, ())]
        priced = line.basket.told
        lines.append(hold_line(line.no, line.offer, line.quantity, seats, priced))
    return hold_body(wish.hold_id, "held", 1, expires_at, lines)
