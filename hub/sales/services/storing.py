"""Storing holds that are decided: a statement a table for a whole batch."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.queries.seats import SeatKey
from allocation.services.tree import lost_seats, send_caps, send_counts, send_seats
from hub.kernel import idempotency
from hub.kernel.committer import Committer, Steps, TryAgainError
from hub.kernel.db import rows
from hub.kernel.idempotency import Reply
from hub.kernel.pipeline import pipelined, send
from hub.sales.services import holds
from hub.sales.services.halls import halls
from hub.sales.services.holds import CREATED, HoldBatch, Placed
from hub.sales.services.seating import nodes_of
from hub.sales.services.wishes import (
    EXTENSIONS_MOST,
    TTL_MAX_FACTOR,
    HoldWish,
    WishLine,
)
from settlement.services.credit import note_reached, send_credit

_ADD_HOLDS = text(
    "INSERT INTO hold (id, world, agent_id, state, version, expires_at, ttl_s,"
    " extensions_most, extendable_until, created_at, kind)"
    " SELECT id, world, agent, 'held', 1, expires_at, ttl, most, until, at, kind"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, world text, agent uuid,"
    " expires_at timestamptz, ttl int, most int, until timestamptz, at timestamptz,"
    " kind text)"
    " ON CONFLICT (id) DO UPDATE SET state = excluded.state,"
    " version = hold.version + 1, expires_at = excluded.expires_at,"
    " created_at = excluded.created_at,"
    " extendable_until = excluded.extendable_until WHERE hold.state = 'requested'"
)
_ADD_LINES = text(
    "INSERT INTO hold_line (hold_id, no, performance_id, node_id, offer_id, quantity,"
    " seat_ids, seat_nodes, caps, held_caps, quote, owed_minor) SELECT hold, no,"
    " performance, node, offer, quantity, seats, nodes, caps, held, quote, owed"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(hold uuid, no int,"
    " performance uuid, node uuid, offer uuid, quantity int, seats uuid[],"
    " nodes uuid[], caps uuid[], held uuid[], quote jsonb, owed bigint)"
    " ON CONFLICT (hold_id, no) DO UPDATE SET seat_ids = excluded.seat_ids,"
    " seat_nodes = excluded.seat_nodes, caps = excluded.caps, quote = excluded.quote,"
    " held_caps = excluded.held_caps, owed_minor = excluded.owed_minor"
)


def write(session: Session, batch: HoldBatch) -> None:
    """Store what was decided; a refused wish leaves nothing behind.

    TryAgainError when another process was faster with a seat or a key.
    """
    if not batch.placed:
        return
    seats: dict[SeatKey, UUID] = {}
    for placed in batch.placed:
        seats |= batch.seating.keys(placed.wish)
    nodes = [n for i, n in batch.nodes.items() if n != batch.before[i]]
    caps = {i: n for i, n in batch.caps.items() if n != batch.caps_before.get(i)}
    credit = [c for i, c in batch.credit.items() if c != batch.credit_before[i]]
    with pipelined(session):
        taken = send_seats(session, seats) if seats else None
        send_counts(session, nodes)
        send_caps(session, caps)
        added = send(session, _ADD_HOLDS, {"rows": rows(map(_hold, batch.placed))})
        lines = (
            _line(batch, placed.wish, line)
            for placed in batch.placed
            for line in placed.wish.lines
        )
        send(session, _ADD_LINES, {"rows": rows(lines)})
        replies = {p.wish.claim: (CREATED, p.reply.encoded) for p in batch.placed}
        keys = idempotency.send_replies(session, replies)
        if credit:
            send_credit(session, credit)
    if taken is not None:
        lost = lost_seats(taken, seats)
        if lost:
            halls.learn((performance, seat, None) for performance, seat in lost)
            raise TryAgainError  # choose among what is left
    if min(keys.rowcount, added.rowcount) < len(batch.placed):
        raise TryAgainError  # a twin was faster, or a request was answered already
    note_reached(session, credit, batch.now)


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
        "quote": msgspec.Raw(line.basket.quote_json),
        "owed": line.basket.owed_minor,
    }


STEPS = Steps(lock=holds.lock, decide=holds.decide, write=write)
HoldCommitter = Committer[HoldWish, HoldBatch, Reply]
