"""Blocks: seats set aside for an agent, for the house, or not to be sold at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.errors import (
    NotAllottedError,
    SeatsNotSoldError,
    SeatsTakenError,
    UnknownSeatsError,
)
from allocation.models import Block
from allocation.queries.locks import lock_nodes, stop_performances
from allocation.queries.plans import Ground
from allocation.queries.seats import blocked_seats, taken_among
from allocation.queries.trees import BLOCK
from allocation.rules.seat_plan import SeatPlan
from allocation.rules.seats import from_row_ends
from allocation.rules.tree import Node, move
from allocation.services.leaves import touch_leaves
from allocation.services.splitting import Cause
from allocation.services.tree import write_counts
from allocation.services.writing import Change, bump_epochs, write_changes
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.kernel.ids import new_id
from partners.models import Partner

_ADD = text(
    "INSERT INTO node (id, world, performance_id, performance_area_id, key, level,"
    " path, pool_id, channel, agent_id, guarantee, ceiling, priority)"
    " SELECT CAST(:id AS uuid), world, performance_id, :area,"
    " key || '/block:' || CAST(:id AS text), 'block', CAST(:path AS uuid[]),"
    " CAST(:pool AS uuid), channel, CAST(:agent AS uuid), :seats, :seats, 0"
    " FROM node WHERE id = :parent"
)
_ADD_SEATS = text(
    "INSERT INTO block_seat (performance_id, seat_id, block_id)"
    " SELECT :performance, seat, :block FROM unnest(CAST(:seats AS uuid[])) AS seat"
)
_DROP_SEATS = text(
    "DELETE FROM block_seat WHERE performance_id = :performance AND block_id = :block"
    " AND seat_id = ANY(:seats)"
)
_SET = text("UPDATE node SET guarantee = :seats, ceiling = :seats WHERE id = :id")
_HOUSE = text("SELECT id FROM node WHERE performance_id = :p AND key = 'house'")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Seats to set aside: of which area, for whom, why; which, or only how many.

    *known*: what the area's seats are called, by id.
    """

    area: str
    kind: str
    reason: str
    count: int
    seats: Sequence[UUID] = ()
    known: Mapping[UUID, object] = field(default_factory=dict)
    agent: Partner | None = None


def make_block(session: Session, who: Caller, ground: Ground, wanted: Wanted) -> Block:
    """Set seats aside.

    SeatsTakenError, SeatsNotSoldError (in another block), UnknownSeatsError name them;
    AllotmentExhaustedError when its holder cannot have so many.
    """
    area_id = ground.areas[wanted.area][0]
    parent, pool = _parent(session, ground, area_id, wanted.agent)
    stop_performances(session, [ground.id])
    _refuse_seats(session, ground.id, wanted)
    above = (parent, *(() if pool is None else (pool,)))
    nodes = lock_nodes(session, _walk(session, above))
    block = Block(
        id=new_id(),
        world=who.world,
        performance_id=ground.id,
        performance_area_id=area_id,
        kind=wanted.kind,
        agent_id=None if wanted.agent is None else wanted.agent.id,
        reason=wanted.reason,
        made_at=clock.now(session, who.world),
        made_by=who.credential_id,
    )
    session.add(block)
    session.flush()  # its seats refer to it
    path, count = (parent, *nodes[parent].path), wanted.count
    node = Node(block.id, path, count, count, 0, level=BLOCK, pool=pool)
    _add(session, block, node, nodes, wanted.seats)
    change = Change(node, f"block:{block.id}", ground.id, (0, 0), (count, count))
    cause = Cause("block", wanted.reason, who.credential_id)
    write_changes(session, who.world, [change], cause, block.made_at)
    bump_epochs(session, [ground.id])
    return block


def _add(
    session: Session,
    block: Block,
    node: Node,
    nodes: Mapping[UUID, Node],
    seats: Sequence[UUID],
) -> None:
    """Write a block's node, what it costs those above it, and its seats."""
    after = _charged(nodes, node, node.guarantee)
    values = {
        "id": block.id,
        "area": block.performance_area_id,
        "path": list(node.path),
        "pool": node.pool,
        "agent": block.agent_id,
        "seats": node.guarantee,
        "parent": node.path[0],
    }
    session.execute(_ADD, values)
    where = {"performance": block.performance_id, "block": block.id}
    if seats:
        session.execute(_ADD_SEATS, {**where, "seats": list(seats)})
    write_counts(session, [n for i, n in after.items() if n != nodes.get(i)])


def _parent(
    session: Session, ground: Ground, area_id: UUID, agent: Partner | None
) -> tuple[UUID, UUID | None]:
    """Return who pays for a block: the agent's leaf; else the area, and the house."""
    if agent is not None:
        standing = touch_leaves(session, [ground.id], agent).get(area_id)
        if standing is None:
            raise NotAllottedError(agent=agent.ref, performance_id=ground.id)
        return standing.leaf, None
    house: UUID | None = session.scalar(_HOUSE, {"p": ground.id})
    path = session.execute(_PAYERS, {"ids": [area_id]}).one().path
    return area_id, None if house in path else house


def _walk(session: Session, ids: Sequence[UUID]) -> set[UUID]:
    """Return nodes and all that pay for them."""
    found, waiting = set(ids), list(ids)
    while waiting:
        rows = session.execute(_PAYERS, {"ids": waiting})
        payers = {i for r in rows for i in (*r.path, r.pool_id) if i is not None}
        waiting = list(payers - found)
        found |= payers
    return found


_PAYERS = text("SELECT path, pool_id FROM node WHERE id = ANY(:ids)")


def _charged(nodes: Mapping[UUID, Node], node: Node, seats: int) -> dict[UUID, Node]:
    """Return nodes after a node has begun to cost (less: stopped costing) seats."""
    after = dict(nodes)
    for payer in node.payers:
        after |= move(after, payer, seats)
    return after


def _refuse_seats(session: Session, performance_id: UUID, wanted: Wanted) -> None:
    seats, known = wanted.seats, wanted.known
    unknown = [seat for seat in seats if seat not in known]
    if unknown:
        raise UnknownSeatsError(seat_ids=unknown)
    blocked = blocked_seats(session, [performance_id])[performance_id].seats
    elsewhere = [seat for seat in seats if seat in blocked]
    if elsewhere:
        raise SeatsNotSoldError(seats=[known[seat] for seat in elsewhere])
    taken = taken_among(session, [(performance_id, seat) for seat in seats])
    if taken:
        raise SeatsTakenError(seats=[known[seat] for _, seat in sorted(taken)])


def get_block(session: Session, block_id: UUID, who: Caller) -> Block:
    """Return a block of the caller's world; NotFoundError for any other."""
    block = session.get(Block, block_id)
    if block is None or block.world != who.world:
        raise NotFoundError(block_id=block_id)
    return block


def release_block(
    session: Session,
    who: Caller,
    block: Block,
    *,
    most: int | None,
    plan: SeatPlan | None,
    reason: str,
) -> int:
    """Give seats of a block back to who pays for it; return how many.

    Never held or sold ones. Where they have places: runs from the rows' ends inwards,
    the worst rows first, so that what is kept stays together.
    """
    stop_performances(session, [block.performance_id])
    nodes = lock_nodes(session, _walk(session, [block.id]))
    node = nodes[block.id]
    free = node.guarantee - node.taken
    wanted = free if most is None else min(most, free)
    if wanted <= 0:
        return 0
    if plan is not None:
        _drop(session, block, plan, wanted)
    left = node.guarantee - wanted
    after = _charged(nodes, replace(node, guarantee=left), -wanted)
    after.pop(block.id)
    session.execute(_SET, {"id": block.id, "seats": left})
    write_counts(session, [n for i, n in after.items() if n != nodes[i]])
    now = clock.now(session, who.world)
    cause = Cause("release", reason, who.credential_id)
    was = (node.guarantee, node.guarantee)
    key = f"block:{block.id}"
    change = Change(node, key, block.performance_id, was, (left, left))
    write_changes(session, who.world, [change], cause, now)
    bump_epochs(session, [block.performance_id])
    return wanted


def _drop(session: Session, block: Block, plan: SeatPlan, wanted: int) -> None:
    blocks = blocked_seats(session, [block.performance_id])[block.performance_id]
    own = [seat for seat, found in blocks.seats.items() if found == block.id]
    keys = [(block.performance_id, seat) for seat in own]
    taken = {seat for _, seat in taken_among(session, keys)}
    given = from_row_ends(plan, [seat for seat in own if seat not in taken], wanted)
    where = {"performance": block.performance_id, "block": block.id}
    session.execute(_DROP_SEATS, {**where, "seats": given})
