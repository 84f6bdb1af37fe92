"""Holds of a batch: each is decided in turn, by pure rules, on what is locked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from allocation.errors import OvercommittedError, ProtectedError
from allocation.queries.memory import seen
from allocation.rules import tree
from allocation.rules.limits import StopSaid, count, refuse_stopped
from hub.kernel.committer import TryAgainError
from hub.kernel.errors import HubError, NotFoundError
from hub.kernel.idempotency import Reply
from hub.sales.errors import OfferChangedError
from hub.sales.services.counting import Counts
from hub.sales.services.locked import Locked, PerformanceState
from hub.sales.services.seating import Seating
from hub.sales.services.telling import hold_body, hold_line
from hub.sales.services.wishes import REQUEST, HoldWish, WishLine

CREATED = 201


@dataclass(slots=True)
class Placed:
    """A hold that is decided: who wants it, until when."""

    wish: HoldWish
    expires_at: datetime
    now: datetime


@dataclass(slots=True)
class HoldBatch:
    """What is locked for some wishes to hold, and what has been decided so far.

    *requested*: requests that wait for an answer still, locked.
    """

    counts: Counts
    states: dict[UUID, PerformanceState]
    stops: list[StopSaid]
    over: dict[UUID, int]
    nodes: dict[UUID, tree.Node]
    before: dict[UUID, tree.Node]
    requested: set[UUID]
    seating: Seating = field(default_factory=Seating)
    placed: list[Placed] = field(default_factory=list)


def hold_batch(found: Locked, counts: Counts, takes: dict[UUID, int]) -> HoldBatch:
    """Return what is locked for wishes that take seats of leaves.

    TryAgainError when others have taken so much that more must be locked.
    """
    nodes = found.found_nodes()
    seen.learn(nodes.values())
    changes = {leaf: (seats, 0) for leaf, seats in takes.items()}
    if tree.reached(nodes, changes) - nodes.keys():
        raise TryAgainError
    return HoldBatch(
        counts=counts,
        states=found.performances(),
        stops=found.found_stops(),
        over=found.over or {},
        nodes=nodes,
        before=dict(nodes),
        requested={row.id for row in found.holds or () if row.state == "requested"},
    )


def takes_of(wishes: Iterable[HoldWish]) -> dict[UUID, int]:
    """Return how many seats wishes take together, by leaf."""
    found: dict[UUID, int] = {}
    for wish in wishes:
        for node, seats in wish.takes.items():
            found[node] = found.get(node, 0) + seats
    return found


def place(batch: HoldBatch, wish: HoldWish) -> Reply:
    """Place one hold: its reply; a HubError if it is refused, which changes nothing."""
    now = batch.counts.now[wish.world]
    if wish.kind == REQUEST and wish.hold_id not in batch.requested:
        raise NotFoundError(hold_id=wish.hold_id)  # it was answered meanwhile
    _refuse_unless_same(batch, wish)
    if wish.is_forced:
        return _book(batch, wish, now)
    for line in wish.lines:
        _refuse_unless_sold(batch, line, now)
    try:
        deltas = batch.seating.choose(wish)
    except HubError:
        _settle(batch, wish, wish.seats_by_leaf)  # its refusal says more
        raise
    try:
        after = _settle(batch, wish, deltas)
        _refuse_protected(batch, wish, after)
        wanted = [(limit, n.quantity) for n in wish.lines for limit in n.limits]
        caps = count(batch.counts.caps, wanted) if wanted else {}
        batch.counts.reserve(wish.credit_id, wish.owed_minor, is_fact=False)
    except HubError:
        batch.seating.undo(wish)
        raise
    batch.nodes = after
    batch.counts.caps |= caps
    return _placed(batch, wish, now)


def _settle(
    batch: HoldBatch, wish: HoldWish, deltas: Mapping[UUID, int]
) -> dict[UUID, tree.Node]:
    """Take seats; a refusal says in which area."""
    try:
        return tree.settle(batch.nodes, deltas)
    except HubError as error:
        for line in wish.lines:
            if error.facts.get("node_id") in {line.leaf_id, *line.basket.own_blocks}:
                error.facts["area"] = line.offer.area
                break
        raise


def _book(batch: HoldBatch, wish: HoldWish, now: datetime) -> Reply:
    """Book what was sold elsewhere: a fact, which may overcommit, never be dropped."""
    deltas = batch.seating.choose(wish)
    after = dict(batch.nodes)
    for node, seats in deltas.items():
        after |= tree.move(after, node, seats, is_forced=True)
    batch.nodes = after
    for line in wish.lines:
        for limit in line.limits:
            batch.counts.caps[limit.id] += line.quantity
    batch.counts.reserve(wish.credit_id, wish.owed_minor, is_fact=True)
    return _placed(batch, wish, now)


def _placed(batch: HoldBatch, wish: HoldWish, now: datetime) -> Reply:
    expires_at = wish.until or now + timedelta(seconds=wish.ttl_s)
    chosen = batch.seating.chosen.get(wish.hold_id, {})
    reply = Reply(CREATED, later=lambda: told(wish, expires_at, chosen))
    batch.placed.append(Placed(wish, expires_at, now))
    return reply


def _refuse_unless_same(batch: HoldBatch, wish: HoldWish) -> None:
    """Send a wish back whose basket stands on something that has changed since."""
    if batch.counts.epochs[wish.world] != wish.basket.world_epoch:
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
                raise OvercommittedError(
                    area=line.offer.area,
                    over_by=batch.over[node],
                    bound_by=line.basket.standing.nodes[node].level,
                )


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
