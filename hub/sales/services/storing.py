"""What is written of holds that are decided: one document a table."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

from hub.kernel.hot import Said
from hub.sales.services.holds import HoldBatch, Placed
from hub.sales.services.ordering import ConfirmWish
from hub.sales.services.seating import nodes_of
from hub.sales.services.telling import HELD
from hub.sales.services.wishes import (
    EXTENSIONS_MOST,
    TTL_MAX_FACTOR,
    HoldWish,
    WishLine,
)


def said_of_holds(batch: HoldBatch) -> list[list[Any]]:
    """Return what is written of holds: seats, nodes, holds, lines, keys."""
    nodes = (n for i, n in batch.nodes.items() if n != batch.before[i])
    seats = (
        (key, hold)
        for placed in batch.placed
        for key, hold in batch.seating.keys(placed.wish).items()
    )
    return [
        [{"p": p, "s": s, "h": hold} for (p, s), hold in seats],
        [{"id": n.id, "taken": n.taken, "over": n.overcommitted} for n in nodes],
        [_hold(placed) for placed in batch.placed],
        [
            _line(batch, placed.wish, line)
            for placed in batch.placed
            for line in placed.wish.lines
        ],
        [_key(placed) for placed in batch.placed],
    ]


def said_beside(
    decided: Sequence[tuple[HoldWish | ConfirmWish, datetime]],
) -> list[Said]:
    """Return what else is written with wishes, by the function that writes it.

    Each document is told the hold, which may be another than it was made for, and the
    moment (``at``) at which it is decided.
    """
    documents: dict[LiteralString, list[Any]] = {}
    for wish, at in decided:
        if wish.beside is not None:
            call, document = wish.beside
            said = {**document, "hold": wish.hold_id, "at": at}
            documents.setdefault(call, []).append(said)
    return [(call, [rows]) for call, rows in documents.items()]


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
        "counted": wish.is_counted,
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
