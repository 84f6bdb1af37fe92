"""Sub-agents: an agent hands parts of its own allotment on, within what it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from allocation.errors import SplitRefusedError
from allocation.models import Node as NodeRow
from allocation.queries.locks import lock_nodes
from allocation.queries.plans import Ground
from allocation.queries.trees import SUB_AGENT, Standing
from allocation.rules.plans.keys import label
from allocation.rules.tree import Node, move
from allocation.services.moves import standing_of
from allocation.services.splitting import Cause
from allocation.services.tree import write_counts
from allocation.services.writing import Change, bump_epochs, write_changes
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.ids import new_id
from partners.models import Partner

_UPSERT = text(
    "INSERT INTO node (id, world, performance_id, performance_area_id, key, level,"
    " path, channel, agent_id, guarantee, ceiling, priority)"
    " SELECT :id, world, performance_id, performance_area_id, :key, 'sub-agent',"
    " id || path, channel, CAST(:agent AS uuid), :guarantee, CAST(:ceiling AS int),"
    " priority + :at FROM node WHERE id = :parent"
    " ON CONFLICT (performance_id, key) DO UPDATE SET guarantee = excluded.guarantee,"
    " ceiling = excluded.ceiling, agent_id = excluded.agent_id,"
    " priority = excluded.priority,"
    " overcommitted = greatest(0, node.taken - excluded.ceiling)"
)


@dataclass(frozen=True, slots=True)
class Handed:
    """What a sub-agent is given of its agent's allotment (seats)."""

    agent: Partner
    guarantee: int
    ceiling: int | None


def hand_on(
    session: Session,
    who: Caller,
    ground: Ground,
    *,
    area: str,
    agent: Partner,
    parts: Sequence[Handed],
) -> list[NodeRow]:
    """Split an agent's allotment in an area among its sub-agents; all in one.

    SplitRefusedError when they are promised more than the agent is; who is not named
    keeps what it took and may take no more.
    """
    standing = standing_of(session, ground, area, agent)
    below = [node.id for node in _existing(session, standing.leaf).values()]
    nodes = lock_nodes(session, [*_walk(standing), *below])  # give-backs do not stop
    session.expire_all()  # what was read before the lock may have given back since
    leaf = nodes[standing.leaf]
    _refuse_impossible(leaf, parts)
    assert standing.share is not None  # noqa: S101 - ``standing_of`` saw to it
    prefix = f"{standing.share.key}/"
    keys = {f"{prefix}{label(SUB_AGENT, p.agent.ref)}": p for p in parts}
    before = _existing(session, leaf.id)
    after = {**nodes, **move(nodes, leaf.id, _payable(leaf, _moved(keys, before)))}
    write_counts(session, [n for i, n in after.items() if n != nodes[i]])
    named = [(key, parts_at, at) for at, (key, parts_at) in enumerate(keys.items(), 1)]
    dropped = [(key, None, 0) for key in sorted(before.keys() - keys.keys())]
    changes = [
        _write(session, ground.id, leaf, _Row(key, part, before.get(key), at))
        for key, part, at in [*named, *dropped]
    ]
    now = clock.now(session, who.world)
    cause = Cause("sub-agents", f"{agent.ref} has split its own", who.credential_id)
    write_changes(session, who.world, changes, cause, now)
    bump_epochs(session, [ground.id])
    session.expire_all()
    return list(_existing(session, leaf.id).values())


def _walk(standing: Standing) -> set[UUID]:
    leaf = standing.nodes[standing.leaf]
    found = {leaf.id, *leaf.path}
    pools = (standing.nodes[i].pool for i in found)
    return found | {pool for pool in pools if pool is not None}


def _moved(keys: Mapping[str, Handed], before: Mapping[str, NodeRow]) -> int:
    """Return what all parts together cost more than before (seats)."""
    moved = 0
    for key in {*keys, *before}:
        old, part = before.get(key), keys.get(key)
        taken = old.taken if old else 0
        was = max(old.guarantee, taken) if old else 0
        moved += max(part.guarantee if part else 0, taken) - was
    return moved


def _payable(leaf: Node, moved: int) -> int:
    """Return what is moved (seats); SplitRefusedError beyond what is not taken yet."""
    over_by = leaf.taken + moved - leaf.guarantee
    if moved > 0 and over_by > 0:
        raise SplitRefusedError(
            taken=leaf.taken, guarantee=leaf.guarantee, over_by=over_by
        )
    return moved


def _refuse_impossible(leaf: Node, parts: Sequence[Handed]) -> None:
    promised = sum(part.guarantee for part in parts)
    if promised > leaf.guarantee:
        over_by = promised - leaf.guarantee
        raise SplitRefusedError(
            promised=promised, guarantee=leaf.guarantee, over_by=over_by
        )
    names = [part.agent.ref for part in parts]
    for part in parts:
        if names.count(part.agent.ref) > 1:
            raise SplitRefusedError(sub_agent=part.agent.ref, reason="named twice")
        if part.ceiling is not None and part.ceiling < part.guarantee:
            over_by = part.guarantee - part.ceiling
            reason = "promised above its ceiling"
            raise SplitRefusedError(
                sub_agent=part.agent.ref, reason=reason, over_by=over_by
            )


def _existing(session: Session, leaf_id: UUID) -> dict[str, NodeRow]:
    wanted = select(NodeRow).where(
        NodeRow.path[1] == leaf_id, NodeRow.level == SUB_AGENT
    )
    order = wanted.order_by(NodeRow.priority, NodeRow.key)
    return {node.key: node for node in session.scalars(order)}


@dataclass(frozen=True, slots=True)
class _Row:
    """A sub-agent's node to be written: what it gets, how it was, its place."""

    key: str
    part: Handed | None
    old: NodeRow | None
    at: int


def _write(session: Session, performance_id: UUID, leaf: Node, row: _Row) -> Change:
    part, old = row.part, row.old
    node_id = new_id() if old is None else old.id
    now = (0, None) if part is None else (part.guarantee, part.ceiling)
    values: Mapping[str, Any] = {
        "id": node_id,
        "key": row.key,
        "agent": None if part is None else part.agent.id,
        "guarantee": now[0],
        "ceiling": now[1],
        "parent": leaf.id,
        "at": row.at,
    }
    session.execute(_UPSERT, values)
    was = (0, None) if old is None else (old.guarantee, old.ceiling)
    taken = 0 if old is None else old.taken
    node = Node(node_id, (leaf.id, *leaf.path), *now, taken)
    whose = values["agent"] if old is None else old.agent_id
    return Change(node, row.key, performance_id, was, now, agent_id=whose)
