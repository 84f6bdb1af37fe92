"""Rebalancing: promises follow confirmed sell-through, each move with its reason."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.errors import NothingToMoveError
from allocation.models import Node
from allocation.queries.locks import stop_performances
from allocation.queries.plans import Ground, grounds, plan_rules
from allocation.queries.trees import (
    all_nodes,
    current_shares,
    lock_trees_of,
    tree_states,
)
from allocation.rules.plans.keys import Heirs
from allocation.rules.plans.language import Rebalancing, RuleKind
from allocation.rules.plans.sharing import Share
from allocation.rules.rebalancing import Move, Pace, moves, pace
from allocation.services.leaves import touch_leaves
from allocation.services.moves import move_promises, unsold_promise
from allocation.services.splitting import Cause
from hub.kernel import clock
from hub.kernel.errors import InvalidRequestError
from partners.queries import find_partner_by_ref

HALF_LIVES = 6
CHUNK = 20
_SALES = text(
    "SELECT n.key, floor(extract(epoch FROM :now - f.at) / 3600)::int AS hours_ago,"
    " sum(f.seats)::int AS seats FROM node n JOIN order_line l ON l.node_id = n.id"
    " JOIN sale_order o ON o.id = l.order_id CROSS JOIN LATERAL ("
    " SELECT o.confirmed_at AS at, l.quantity AS seats UNION ALL"
    " SELECT t.cancelled_at, -1 FROM ticket t WHERE (t.order_id, t.line_no) ="
    " (l.order_id, l.no) AND t.cancelled_at IS NOT NULL) f"
    " WHERE n.performance_id = :performance AND f.at > :since GROUP BY 1, 2"
)
_RECALLED = text(
    "SELECT r.area, p.ref FROM recall r JOIN partner p ON p.id = r.agent_id"
    " WHERE r.performance_id = :performance AND r.done_at IS NOT NULL"
)
_DUE = text(
    "SELECT t.performance_id FROM tree t JOIN plan p ON p.id = t.plan_id"
    " JOIN performance f ON f.id = t.performance_id JOIN world w ON w.name = t.world"
    " WHERE (p.rules->'rebalancing'->>'is_automatic')::boolean"
    " AND f.status = 'scheduled' AND f.withdrawn_at IS NULL"
    " AND f.starts_at > clock_timestamp() + w.clock_offset"
    " AND coalesce(t.rebalanced_at, '-infinity') + make_interval(hours =>"
    " coalesce((p.rules->'rebalancing'->>'every_h')::int, 24))"
    " <= clock_timestamp() + w.clock_offset ORDER BY t.performance_id LIMIT :most"
)


def rebalance(
    session: Session, ground: Ground, *, made_by: UUID | None, is_dry: bool
) -> list[Move]:
    """Move promises of a performance as its plan says, or say what would be moved.

    Nothing within the plan's distance from the last run: it is idempotent there.
    """
    state = tree_states(session, [ground.id])[ground.id]
    if state.plan_id is None:
        return []
    rules = plan_rules(session, state.plan_id)
    said = rules.rebalancing
    if said is None:
        reason = "its plan does not say how to rebalance"
        raise InvalidRequestError(field="performance_id", reason=reason)
    now = clock.now(session, ground.world)
    if not is_dry:
        stop_performances(session, [ground.id])
        tree = lock_trees_of(session, [ground.id])[ground.id]
        last = tree.rebalanced_at
        if last is not None and now < last + timedelta(hours=said.every_h):
            return []
        tree.rebalanced_at = now
        session.flush()  # the split that follows expires it
    shares = current_shares(state.plan_id, rules, ground, state)
    found = _moves(session, ground, shares, said, now)
    if not is_dry:
        _touch(session, ground, shares, found)
        try:
            with session.begin_nested():  # what cannot be kept is not begun
                _carry_out(session, ground, found, made_by)
        except NothingToMoveError:
            return []
    return found


def _touch(
    session: Session, ground: Ground, shares: list[Share], found: list[Move]
) -> None:
    """Make rows of what is moved from and to: who never sold has the most to give."""
    keys = {key for move in found for key in (move.giver, move.taker)}
    for ref in sorted({s.agent for s in shares if s.key in keys and s.agent}):
        agent = find_partner_by_ref(session, ref, world=ground.world)
        if agent is not None:
            touch_leaves(session, [ground.id], agent)


def _carry_out(
    session: Session, ground: Ground, found: list[Move], made_by: UUID | None
) -> None:
    wanted: dict[str, int] = {}
    for move in found:
        wanted[move.giver] = wanted.get(move.giver, 0) - move.seats
        wanted[move.taker] = wanted.get(move.taker, 0) + move.seats
    if wanted:
        reasons = "; ".join(move.reason for move in found)
        cause = Cause("rebalance", reasons, made_by)
        move_promises(session, ground, wanted, cause)


def _moves(
    session: Session,
    ground: Ground,
    shares: list[Share],
    said: Rebalancing,
    now: datetime,
) -> list[Move]:
    window = said.half_life_h * HALF_LIVES
    if ground.on_sale_at is not None:  # what was not sold before says nothing
        sold_for = (now - ground.on_sale_at).total_seconds() // 3600
        window = min(window, int(sold_for))
    where = {
        "performance": ground.id,
        "now": now,
        "since": now - timedelta(hours=window),
    }
    heirs = Heirs([share.key for share in shares])
    sales: dict[str, list[tuple[int, int]]] = {}
    for row in session.execute(_SALES, where):  # what sub-agents sell is their agent's
        key = heirs.of(row.key) or row.key
        sales.setdefault(key, []).append((row.hours_ago, row.seats))
    nodes = all_nodes(session, [ground.id])[ground.id]
    hours_left = int((ground.starts_at - now).total_seconds() // 3600)
    recalled = {tuple(row) for row in session.execute(_RECALLED, where)}
    found: list[Move] = []
    for area in ground.areas:
        own = [
            share
            for share in shares
            if share.area == area and _is_promised(share, recalled)
        ]
        paces = []
        for share in own:
            per_hour = None  # on sale for less than an hour: nothing is known
            if window > 0:
                per_hour = pace(sales.get(share.key, []), said.half_life_h, window)
            paces.append(_pace(session, share, nodes, per_hour))
        found += moves(paces, hours_left=hours_left, said=said)
    return found


def _is_promised(share: Share, recalled: Collection[Any]) -> bool:
    """Say whether an allotment has a promise, or could have one.

    Not in free sale, nor if the supplier has taken all of it back.
    """
    if not share.is_leaf or share.guarantee > 0:
        return share.is_leaf
    is_said = bool(share.rules) and share.rules[-1].kind is not RuleKind.FREE_SALE
    return is_said and (share.area, share.agent) not in recalled


def _pace(
    session: Session,
    share: Share,
    nodes: Mapping[str, Node],
    per_hour: Fraction | None,
) -> Pace:
    node = nodes.get(share.key)
    guarantee = share.guarantee if node is None else node.guarantee
    unsold = guarantee if node is None else unsold_promise(session, node)
    return Pace(
        key=share.key,
        guarantee=guarantee,
        taken=guarantee - unsold if node is None or unsold else node.taken,
        ceiling=share.ceiling,
        floor=share.rules[-1].floor if share.rules else 0,
        per_hour=per_hour,
    )


def rebalance_due(session: Session) -> int:
    """Rebalance some performances whose plan says so and whose time it is."""
    ids = list(session.scalars(_DUE, {"most": CHUNK}))
    for ground in grounds(session, ids).values():
        rebalance(session, ground, made_by=None, is_dry=False)
    return len(ids)
