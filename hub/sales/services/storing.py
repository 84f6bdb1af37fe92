"""Storing holds that are decided: one document for a whole batch."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from hub.kernel.committer import Committer, Steps, TryAgainError
from hub.kernel.hot import Calls, hot_calls
from hub.kernel.idempotency import Reply
from hub.sales.services import holds
from hub.sales.services.halls import halls
from hub.sales.services.holds import HoldBatch, Placed
from hub.sales.services.seating import nodes_of
from hub.sales.services.telling import HELD
from hub.sales.services.wishes import (
    EXTENSIONS_MOST,
    TTL_MAX_FACTOR,
    HoldWish,
    WishLine,
)
from settlement.rules.credit import CreditLine
from settlement.services.credit import made_alert, raised, warn

PLACE = (
    "SELECT place_holds(%s::json, %s::json, %s::json, %s::json, %s::json, %s::json,"
    " %s::json, %s::json)"
)
LOST_SEATS, TWIN = "HB001", "HB002"
_SEATS = msgspec.json.Decoder(list[tuple[UUID, UUID]])


def write(calls: Calls, batch: HoldBatch) -> None:
    """Store what was decided, and commit; a refused wish leaves nothing behind.

    TryAgainError when another process was faster with a seat or a key.
    """
    if not batch.placed:
        return
    credit = [c for i, c in batch.credit.items() if c != batch.credit_before[i]]
    alerts = [made_alert(line, batch.now[line.world]) for line in raised(credit)]
    said = [*_said(batch, credit), alerts]
    try:
        calls.commit(PLACE, *map(msgspec.json.encode, said))
    except psycopg.Error as error:
        if error.sqlstate == LOST_SEATS:
            lost = _SEATS.decode(error.diag.message_detail or "[]")
            halls.learn((performance, seat, None) for performance, seat in lost)
        if error.sqlstate in {LOST_SEATS, TWIN}:
            raise TryAgainError from error  # choose among what is left, or replay
        raise
    for line in raised(credit):
        warn(line)


def _said(batch: HoldBatch, credit: Sequence[CreditLine]) -> list[list[Any]]:
    """Return what is written: seats, nodes, caps, holds, lines, keys, credit."""
    nodes = (n for i, n in batch.nodes.items() if n != batch.before[i])
    caps = ((i, n) for i, n in batch.caps.items() if n != batch.caps_before.get(i))
    seats = (
        (key, hold)
        for placed in batch.placed
        for key, hold in batch.seating.keys(placed.wish).items()
    )
    return [
        [{"p": p, "s": s, "h": hold} for (p, s), hold in seats],
        [{"id": n.id, "taken": n.taken, "over": n.overcommitted} for n in nodes],
        [{"id": i, "taken": taken} for i, taken in caps],
        [_hold(placed) for placed in batch.placed],
        [
            _line(batch, placed.wish, line)
            for placed in batch.placed
            for line in placed.wish.lines
        ],
        [_key(placed) for placed in batch.placed],
        [
            {"id": c.contract_id, "reserved": c.reserved_minor, "alerted": c.level_bp}
            for c in credit
        ],
    ]


def _key(placed: Placed) -> dict[str, Any]:
    claim = placed.wish.claim
    return {
        "w": claim.key.world,
        "o": claim.key.owner_id,
        "k": claim.key.key,
        "d": claim.digest.hex(),
        "r": {HELD: placed.wish.hold_id, "until": placed.expires_at},
    }


def _hold(placed: Placed) -> dict[str, Any]:
    wish, holding = placed.wish, placed.wish.basket.holding
    most = holding.extensions_most
    ttl_max = holding.ttl_max_s or TTL_MAX_FACTOR * wish.ttl_s
    return {
        "id": wish.hold_id,
        "world": wish.world,
        "agent": wish.agent_id,
        "expires_at": placed.expires_at,
        "ttl": wish.ttl_s,
        "most": EXTENSIONS_MOST if most is None else most,
        "until": placed.now + timedelta(seconds=ttl_max),
        "at": placed.now,
        "kind": wish.kind,
    }


def _line(batch: HoldBatch, wish: HoldWish, line: WishLine) -> dict[str, Any]:
    seats = batch.seating.seats(wish, line.no)
    nodes = nodes_of(line, seats)
    is_plain = all(node == line.leaf_id for node in nodes)
    return {
        "hold": wish.hold_id,
        "no": line.no,
        "performance": line.offer.performance_id,
        "node": line.leaf_id,
        "offer": line.offer.offer_id,
        "quantity": line.quantity,
        "seats": seats,
        "nodes": [] if is_plain else nodes,
        "caps": [limit.id for limit in line.limits if not limit.is_held],
        "held": [limit.id for limit in line.limits if limit.is_held],
        "quote": line.basket.quote_id,
        "owed": line.basket.owed_minor,
    }


STEPS = Steps(lock=holds.lock, decide=holds.decide, write=write)
HoldCommitter = Committer[Calls, HoldWish, HoldBatch, Reply]


def hold_committer(*, is_batching: bool = True) -> HoldCommitter:
    """Make the committer of holds; without batching each is decided by itself."""
    return Committer(STEPS, is_batching=is_batching, open_transaction=hot_calls)
