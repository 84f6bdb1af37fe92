"""Moving promises by hand: recalls by the supplier, transfers between agents.

What is moved is kept beside the plan (``Tree.adjusted``) and by every later split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from allocation.errors import NotAllottedError, NothingToMoveError, RecallDoneError
from allocation.models import Node, Recall
from allocation.queries.locks import stop_performances
from allocation.queries.plans import Ground, grounds
from allocation.queries.trees import Standing, lock_trees_of
from allocation.rules.plans.language import PlanRules, Rule
from allocation.rules.plans.stages import Bound, possible
from allocation.services.leaves import touch_leaves
from allocation.services.sharing import Sharing, share_out_stopped
from allocation.services.splitting import Cause
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import InvalidRequestError
from hub.kernel.ids import new_id
from partners.models import Partner

CHUNK = 100
_DUE = Cause("due", "what was due before something was moved")
_HANDED = text(
    "SELECT sum(greatest(0, guarantee - taken))::int FROM node"
    " WHERE path[1] = :leaf AND level = 'sub-agent'"
)


@dataclass(frozen=True, slots=True)
class Moved:
    """An allotment before and after: its promise (seats) and what it has taken.

    *taken_back*: seats of promise taken from it, of what was asked for.
    """

    node_id: UUID
    key: str
    guarantee_before: int
    guarantee_after: int
    taken: int
    taken_back: int = 0


def standing_of(
    session: Session, ground: Ground, area: str, agent: Partner
) -> Standing:
    """Return an agent's own allotment in an area, made a row, and stop the sale there.

    NotAllottedError if the plan gives it none. A sub-agent has none of its own.
    """
    stop_performances(session, [ground.id])  # before the leaf is made: as everywhere
    if agent.parent_id is not None:
        reason = "a sub-agent has what its agent hands on to it; name its agent"
        raise InvalidRequestError(field="agent", reason=reason)
    found = touch_leaves(session, [ground.id], agent)
    area_id = ground.areas[area][0] if area in ground.areas else None
    standing = None if area_id is None else found.get(area_id)
    if standing is None or standing.share is None:
        raise NotAllottedError(agent=agent.ref, area=area)
    return standing


def move_promises(
    session: Session,
    ground: Ground,
    moves: Mapping[str, int],
    cause: Cause,
    *,
    is_partial: bool = False,
    freed: int = 0,
) -> dict[str, Moved]:
    """Move seats of promises to (from: negative) allotments by key; split anew.

    The caller has stopped the performance. NothingToMoveError if one has less unsold
    promise than is taken from it, or the tree cannot keep what is given; *partial*
    takes what there is of the first, and gives the others as much. *freed*: seats of
    promise a forced recall has made free, even if they are cut for want of room.
    """
    share_out_stopped(session, ground.supplier_id, [ground.id], _DUE)
    before = _nodes(session, ground.id, moves)
    wanted = dict(moves)
    for key, seats in moves.items():
        unsold = max(freed, unsold_promise(session, before[key]))
        if seats < 0 and -seats > unsold:
            if not is_partial:
                raise NothingToMoveError(allotment=key, wanted=-seats, unsold=unsold)
            wanted[key] = -unsold
    _adjust(session, ground, wanted)
    was = {key: (node.guarantee, node.taken, node.id) for key, node in before.items()}
    share_out_stopped(session, ground.supplier_id, [ground.id], cause)
    after = _nodes(session, ground.id, moves)
    found = {
        key: Moved(
            *(was[key][2], key, was[key][0], after[key].guarantee, was[key][1]),
            taken_back=max(0, -wanted[key]),
        )
        for key in moves
    }
    if not is_partial:
        _refuse_unless_kept(found, wanted)
    return found


def unsold_promise(session: Session, node: Node) -> int:
    """Return the seats an agent is promised and nobody has taken (nor a sub-agent)."""
    return max(0, min(node.guarantee, left_of_promise(session, node)))


def left_of_promise(session: Session, node: Node) -> int:
    """Return the same, and below zero by how much it has taken more than promised."""
    handed: int = session.scalar(_HANDED, {"leaf": node.id}) or 0
    return node.guarantee - node.taken + handed


def _refuse_unless_kept(found: Mapping[str, Moved], wanted: Mapping[str, int]) -> None:
    """Refuse moves that the tree did not keep: nothing is made, and nothing lost."""
    for key, seats in wanted.items():
        gained = found[key].guarantee_after - found[key].guarantee_before
        if gained != seats:
            raise NothingToMoveError(allotment=key, wanted=seats, unsold=gained)


def _adjust(session: Session, ground: Ground, moved: Mapping[str, int]) -> None:
    """Keep what is moved beside the plan, where every split finds it.

    What was moved before and the plan has no seats for any more is forgotten: what is
    moved now is moved from and to what is there.
    """
    tree = lock_trees_of(session, [ground.id])[ground.id]
    shares = Sharing(session, ground.supplier_id).shares(ground)
    adjusted = possible(shares, tree.adjusted)
    for key, seats in moved.items():
        adjusted[key] = adjusted.get(key, 0) + seats
    tree.adjusted = {key: seats for key, seats in adjusted.items() if seats}
    bounds = msgspec.convert(tree.bounds, dict[str, Bound])
    shifted = {key: b.moved(moved.get(key, 0)) for key, b in bounds.items()}
    tree.bounds = {key: msgspec.to_builtins(b) for key, b in shifted.items()}
    session.flush()  # the split reads it


def _nodes(
    session: Session, performance_id: UUID, keys: Mapping[str, int]
) -> dict[str, Node]:
    wanted = select(Node).where(
        Node.performance_id == performance_id, Node.key.in_(list(keys))
    )
    options = {"populate_existing": True}
    found = session.scalars(wanted, execution_options=options)
    return {node.key: node for node in found}


def transfer(
    session: Session,
    who: Caller,
    ground: Ground,
    *,
    area: str,
    giver: Partner,
    taker: Partner,
    seats: int,
    reason: str,
) -> list[Moved]:
    """Move unsold promise from one agent to another; together they have as much."""
    keys = [_key(standing_of(session, ground, area, agent)) for agent in (giver, taker)]
    cause = Cause("transfer", reason, who.credential_id)
    moves = {keys[0]: -seats, keys[1]: seats}
    return list(move_promises(session, ground, moves, cause).values())


def _key(standing: Standing) -> str:
    assert standing.share is not None  # noqa: S101 - ``standing_of`` saw to it
    return standing.share.key


def recall(
    session: Session,
    who: Caller,
    ground: Ground,
    *,
    area: str,
    agent: Partner,
    seats: int,
    is_forced: bool,
    reason: str,
    notice_h: int | None = None,
) -> Recall:
    """Note that unsold promise is taken back from an agent, after the plan's notice.

    *notice_h* in its place is the operators' to say. Who asks carries it out if it is
    effective now; the job does later.
    """
    standing = standing_of(session, ground, area, agent)
    assert standing.share is not None and standing.plan is not None  # noqa: S101, PT018 - as above
    notice = notice_of(standing.plan, standing.share.rules)
    now = clock.now(session, who.world)
    found = Recall(
        id=new_id(),
        world=who.world,
        performance_id=ground.id,
        area=area,
        agent_id=agent.id,
        seats=seats,
        is_forced=is_forced,
        reason=reason,
        effective_at=now + timedelta(hours=notice if notice_h is None else notice_h),
        made_at=now,
        made_by=who.credential_id,
    )
    session.add(found)
    session.flush()  # what is due is looked up
    return found


def call_off(found: Recall, now: datetime) -> None:
    """Let a recall take nothing; RecallDoneError once it was carried out."""
    if found.done_at is not None:
        raise RecallDoneError(recall_id=found.id, done_at=found.done_at.isoformat())
    found.taken, found.done_at = 0, now


def notice_of(plan: PlanRules, rules: tuple[Rule, ...]) -> int:
    """Return the notice of a recall (hours): by the narrowest rule that says it."""
    said = [r.recall_notice_h for r in rules if r.recall_notice_h is not None]
    return said[-1] if said else plan.recall_notice_h


def due_recalls(session: Session, *, world_now: Mapping[str, datetime]) -> list[Recall]:
    """Lock some recalls whose notice is over."""
    found: list[Recall] = []
    for world, now in sorted(world_now.items()):
        wanted = select(Recall).where(
            Recall.world == world, Recall.done_at.is_(None), Recall.effective_at <= now
        )
        order = wanted.order_by(Recall.effective_at, Recall.id).limit(CHUNK)
        found += session.scalars(order.with_for_update(skip_locked=True))
    return found


def carry_out(session: Session, found: Recall, now: datetime, *, freed: int = 0) -> int:
    """Take what is unsold of a recall now; return how many seats.

    *freed*: of its promise, what the caller has made free by force.
    """
    ground = grounds(session, [found.performance_id])[found.performance_id]
    agent = session.get_one(Partner, found.agent_id)
    key = _key(standing_of(session, ground, found.area, agent))
    cause = Cause("recall", found.reason, found.made_by)
    moves = {key: -found.seats}
    moved = move_promises(session, ground, moves, cause, is_partial=True, freed=freed)
    found.taken = moved[key].taken_back
    found.done_at = now
    return found.taken
