"""The steps of the committer: many wishes, one transaction, each answered alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation import queries as allocation
from allocation.errors import OvercommittedError
from allocation.rules.tree import Node, settle
from allocation.services.tree import SeatKey, take_seats, write_counts
from hub.catalogue import queries as catalogue
from hub.catalogue.rules import SaleWindow
from hub.kernel import clock, idempotency
from hub.kernel.committer import Committer, Steps, TryAgainError
from hub.kernel.db import rows
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Earlier, Key, Reply
from hub.sales.errors import OfferChangedError, PerformanceBusyError
from hub.sales.rules import priced
from hub.sales.services.seating import Seating, seating
from hub.sales.services.wishes import HoldWish, WishLine
from settlement.rules.credit import CreditLine
from settlement.rules.quotes import Quote
from settlement.services.credit import lock_credit, write_credit

CREATED = 201
_ADD_HOLDS = text(
    "INSERT INTO hold (id, world, agent_id, state, version, expires_at)"
    " SELECT id, world, agent, 'held', 1, expires_at FROM json_to_recordset("
    " CAST(:rows AS json)) AS r(id uuid, world text, agent uuid,"
    " expires_at timestamptz)"
)
_ADD_LINES = text(
    "INSERT INTO hold_line (hold_id, no, performance_id, node_id, offer_id, quantity,"
    " seat_ids, quote, owed_minor) SELECT hold, no, performance, node, offer, quantity,"
    " ARRAY(SELECT json_array_elements_text(seats)::uuid), quote, owed"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(hold uuid, no int,"
    " performance uuid, node uuid, offer uuid, quantity int, seats json, quote jsonb,"
    " owed bigint)"
)


@dataclass(slots=True)
class HoldBatch:
    """What is locked for some wishes, and what has been decided so far."""

    earlier: dict[Key, Earlier]
    first: dict[Key, HoldWish]
    seating: Seating
    windows: dict[UUID, SaleWindow]
    closed: dict[UUID, int]
    nodes: dict[UUID, Node]
    before: dict[UUID, Node]
    credit: dict[UUID, CreditLine]
    credit_before: dict[UUID, CreditLine]
    now: dict[str, datetime]
    busy: set[UUID]
    answers: dict[Key, Reply | HubError] = field(default_factory=dict)
    placed: list[tuple[HoldWish, Reply, datetime]] = field(default_factory=list)
    refused: list[HoldWish] = field(default_factory=list)


def lock(session: Session, wishes: Sequence[HoldWish]) -> HoldBatch:
    """Lock what the wishes touch: performances, keys, nodes; then read the clock.

    A performance that is being changed is not waited for: its wishes are sent back,
    or one busy performance would hold up the sale of all others.
    """
    performance_ids = {found for wish in wishes for found in wish.performance_ids}
    busy = allocation.share_performances(session, performance_ids)
    first: dict[Key, HoldWish] = {}
    for wish in wishes:
        if not busy & wish.performance_ids:
            first.setdefault(wish.claim.key, wish)
    claims = [wish.claim for wish in first.values()]
    earlier = idempotency.claim_many(session, claims)
    new = [wish for key, wish in first.items() if key not in earlier]
    takes: dict[UUID, tuple[int, int]] = {}
    for wish in new:
        for leaf, seats in wish.seats_by_leaf.items():
            takes[leaf] = (takes.get(leaf, (0, 0))[0] + seats, 0)
    roots = {line.offer.root_id for wish in new for line in wish.lines}
    windows = catalogue.windows(session, performance_ids)
    closed = allocation.overcommitted(session, roots)
    nodes = allocation.lock_tree(session, takes)  # late: others wait for these rows
    taken = seating(session, new)  # read after that wait, or it is stale
    credit = lock_credit(session, {wish.credit_id for wish in new})
    return HoldBatch(
        earlier=earlier,
        first=first,
        seating=taken,
        windows=windows,
        closed=closed,
        nodes=nodes,
        before=dict(nodes),
        credit=credit,
        credit_before=dict(credit),
        now=clock.times(session, {wish.world for wish in wishes}),
        busy=busy,
    )


def decide(batch: HoldBatch, wish: HoldWish) -> Reply | HubError:
    """Answer one wish: the earlier reply, a refusal, or a hold."""
    if batch.busy & wish.performance_ids:
        return PerformanceBusyError()

    def place() -> Reply:
        try:
            return _place(batch, wish)
        except HubError:
            batch.refused.append(wish)
            raise

    first = batch.first[wish.claim.key].claim
    return idempotency.once_in_batch(
        wish.claim, first, batch.earlier, batch.answers, place
    )


def _place(batch: HoldBatch, wish: HoldWish) -> Reply:
    now = batch.now[wish.world]
    for line in wish.lines:
        window = batch.windows[line.offer.performance_id]
        window.refuse_unless_on_sale(now)
        seen = (line.offer.version, line.offer.map_version)
        if seen != (window.version, window.map_version):
            raise OfferChangedError(performance_id=window.performance_id)
        if line.offer.root_id in batch.closed:
            over_by = batch.closed[line.offer.root_id]
            raise OvercommittedError(area=line.offer.area, over_by=over_by)
    after = settle(batch.nodes, wish.seats_by_leaf)
    credit = batch.credit[wish.credit_id].reserved(wish.owed_minor)
    batch.seating.choose(wish)
    batch.nodes, batch.credit[wish.credit_id] = after, credit
    expires_at = now + timedelta(seconds=wish.ttl_s)
    reply = Reply.of(CREATED, _body(batch, wish, expires_at))
    batch.placed.append((wish, reply, expires_at))
    return reply


def _body(batch: HoldBatch, wish: HoldWish, expires_at: datetime) -> dict[str, Any]:
    lines = []
    for line in wish.lines:
        names = line.seat_map.seats if line.seat_map else {}
        seats = [names[seat] for seat in batch.seating.seats(wish, line.no)]
        lines.append(hold_line(line.no, line.offer, line.quantity, seats, line.quote))
    return hold_body(wish.hold_id, "held", 1, expires_at, lines)


def hold_line(
    no: int, offer: Any, quantity: int, seats: Sequence[Any], quote: Quote
) -> dict[str, Any]:
    """Return how a line of a hold is told to its agent."""
    return {
        "no": no,
        "performance_id": str(offer.performance_id),
        "offer_id": str(offer.offer_id),
        "area": offer.area,
        "price_type": offer.price_type,
        "quantity": quantity,
        "seats": [
            {name: seat[name] for name in ("id", "row", "number")} for seat in seats
        ],
        **priced(quote),
    }


def hold_body(
    hold_id: UUID,
    state: str,
    version: int,
    expires_at: datetime,
    lines: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Return how a hold is told to its agent: with its sums, in one currency."""
    summed = ("price_minor", "commission_minor", "service_fee_minor", "net_minor")
    return {
        "id": str(hold_id),
        "state": state,
        "version": version,
        "expires_at": expires_at.isoformat(),
        "currency": lines[0]["currency"],
        **{name: sum(line[name] for line in lines) for name in summed},
        "lines": list(lines),
    }


def write(session: Session, batch: HoldBatch) -> None:
    """Store what was decided; a refused wish leaves nothing behind."""
    idempotency.release_many(session, [wish.claim.key for wish in batch.refused])
    if not batch.placed:
        return
    seats: dict[SeatKey, UUID] = {}
    for wish, _, _ in batch.placed:
        seats |= batch.seating.keys(wish)
    if seats and take_seats(session, seats):
        raise TryAgainError  # another process was faster: choose among what is left
    changed = [n for n in batch.nodes.values() if n != batch.before[n.id]]
    write_counts(session, changed)
    holds = (_hold(wish, expires_at) for wish, _, expires_at in batch.placed)
    session.execute(_ADD_HOLDS, {"rows": rows(holds)})
    lines = (
        _line(batch, wish, line) for wish, _, _ in batch.placed for line in wish.lines
    )
    session.execute(_ADD_LINES, {"rows": rows(lines)})
    write_credit(session, batch.credit_before, batch.credit, batch.now)
    replies = {w.claim.key: (CREATED, r.encoded) for w, r, _ in batch.placed}
    idempotency.store_many(session, replies)


def _hold(wish: HoldWish, expires_at: datetime) -> dict[str, Any]:
    return {
        "id": wish.hold_id,
        "world": wish.world,
        "agent": wish.agent_id,
        "expires_at": expires_at,
    }


def _line(batch: HoldBatch, wish: HoldWish, line: WishLine) -> dict[str, Any]:
    return {
        "hold": wish.hold_id,
        "no": line.no,
        "performance": line.offer.performance_id,
        "node": line.leaf_id,
        "offer": line.offer.offer_id,
        "quantity": line.quantity,
        "seats": batch.seating.seats(wish, line.no),
        "quote": line.quote,
        "owed": line.owed_minor,
    }


STEPS = Steps(lock=lock, decide=decide, write=write)
HoldCommitter = Committer[HoldWish, HoldBatch, Reply]
