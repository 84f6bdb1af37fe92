"""Writing trees that were fitted, and what changed of them and why."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.rules.tree import Node
from allocation.services.splitting import Cause, Split, row_of
from hub.kernel.db import rows
from hub.kernel.ids import new_id

_UPSERT = text(
    "INSERT INTO node (id, world, performance_id, performance_area_id, key, level,"
    " path, pool_id, channel, agent_id, guarantee, ceiling, taken, unmade,"
    " overbooking, overcommitted, priority, is_cut, created_at)"
    " SELECT id, w, p, pa, key, level, path, pool, ch, agent, g, c, t, u, ob, o, pr,"
    " cut, :now FROM json_to_recordset(CAST(:rows AS json)) AS n(id uuid, w text,"
    " p uuid, pa uuid, key text, level text, path uuid[], pool uuid, ch text,"
    " agent uuid, g int, c int, t int, u int, ob int, o int, pr int, cut boolean)"
    " ON CONFLICT (performance_id, key) DO UPDATE SET guarantee = excluded.guarantee,"
    " ceiling = excluded.ceiling, taken = excluded.taken, unmade = excluded.unmade,"
    " overbooking = excluded.overbooking, overcommitted = excluded.overcommitted,"
    " agent_id = excluded.agent_id, channel = excluded.channel, path = excluded.path,"
    " pool_id = excluded.pool_id, level = excluded.level,"
    " priority = excluded.priority, is_cut = excluded.is_cut"
)
# A holder that stands elsewhere now: two may change places, so by way of their ids.
_RENAME = text(
    "UPDATE node SET key = CASE WHEN :is_away THEN node.id::text ELSE r.key END"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, key text)"
    " WHERE node.id = r.id"
)
_TREES = text(
    "UPDATE tree SET plan_id = r.plan, publication = r.publication,"
    " epoch = epoch + 1, bounds = r.bounds, adjusted = r.adjusted,"
    " next_stage_at = r.stage FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid,"
    " plan uuid, publication int, bounds jsonb, adjusted jsonb, stage timestamptz)"
    " WHERE performance_id = r.id"
)
_CHANGES = text(
    "INSERT INTO node_change (id, world, performance_id, node_id, key, cause, reason,"
    " plan_id, guarantee_before, guarantee_after, ceiling_before, ceiling_after,"
    " unmade_before, unmade_after, agent_before, path_before, pool_before, taken,"
    " made_at, made_by) SELECT id, w, p, node, key, cause, reason, plan, gb, ga, cb,"
    " ca, ub, ua, ab, pb, ob, t, at, by FROM json_to_recordset(CAST(:rows AS json))"
    " AS r(id uuid, w text, p uuid, node uuid, key text, cause text, reason text,"
    " plan uuid, gb int, ga int, cb int, ca int, ub int, ua int, ab uuid, pb uuid[],"
    " ob uuid, t int, at timestamptz, by uuid)"
)


def write_splits(
    session: Session, splits: Sequence[Split], cause: Cause, now: datetime
) -> None:
    """Store trees, and a change for every node whose promise or limit is another."""
    if not splits:
        return
    moved = rows(
        {"id": node.id, "key": key}
        for found in splits
        for key, node in found.before.items()
        if node.key != key
    )
    for is_away in (True, False) if moved != "[]" else ():
        session.execute(_RENAME, {"rows": moved, "is_away": is_away})
    nodes = (row_of(found, key) for found in splits for key in found.places)
    session.execute(_UPSERT, {"rows": rows(nodes), "now": now})
    session.execute(_TREES, {"rows": rows(map(_tree, splits))})
    changes = [change for found in splits for change in _changes(found)]
    write_changes(session, splits[0].ground.world, changes, cause, now)
    session.expire_all()


def _tree(found: Split) -> dict[str, Any]:
    return {
        "id": found.ground.id,
        "plan": found.plan_id,
        "publication": found.publication,
        "bounds": {key: msgspec.to_builtins(b) for key, b in found.bounds.items()},
        "adjusted": found.adjusted,
        "stage": found.next_stage_at,
    }


@dataclass(frozen=True, slots=True)
class Change:
    """What changed of a node: (guarantee, ceiling) and leaves unmade, before and after.

    *node*: as it is now, where it stood before, and *agent_id* whose it was.
    """

    node: Node
    key: str
    performance_id: UUID
    before: tuple[int, int | None]
    after: tuple[int, int | None]
    unmade: tuple[int, int] = (0, 0)
    plan_id: UUID | None = None
    agent_id: UUID | None = None


def _changes(found: Split) -> Iterator[Change]:
    for key in found.places:
        before, after = found.before.get(key), found.fitted[key]
        if before is None:
            continue
        was = (before.guarantee, before.ceiling)
        now = (after.guarantee, after.ceiling)
        unmade = (before.unmade, found.unmade.get(key, 0))
        had, has = before.agent_id, found.places[key].agent_id
        if (was, had, before.key) != (now, has, key) or unmade[0] != unmade[1]:
            path = tuple(before.path)
            node = Node(before.id, path, *was, after.taken, pool=before.pool_id)
            place = (node, key, found.ground.id)
            yield Change(*place, was, now, unmade, found.plan_id, had)


def write_changes(
    session: Session,
    world: str,
    changes: Sequence[Change],
    cause: Cause,
    now: datetime,
) -> None:
    """Note what changed of nodes, and why: their history."""
    if not changes:
        return
    found = (
        {
            "id": new_id(),
            "w": world,
            "p": change.performance_id,
            "node": change.node.id,
            "key": change.key,
            "cause": cause.word,
            "reason": cause.reason,
            "plan": change.plan_id,
            "gb": change.before[0],
            "ga": change.after[0],
            "ub": change.unmade[0],
            "ua": change.unmade[1],
            "cb": change.before[1],
            "ca": change.after[1],
            "ab": change.agent_id,
            "pb": list(change.node.path),
            "ob": change.node.pool,
            "t": change.node.taken,
            "at": now,
            "by": cause.made_by,
        }
        for change in changes
    )
    session.execute(_CHANGES, {"rows": rows(found)})


_BUMP = text("UPDATE tree SET epoch = epoch + 1 WHERE performance_id = ANY(:ids)")


def bump_epochs(session: Session, performance_ids: Collection[UUID]) -> None:
    """Make sales look anew at performances whose trees were changed by hand."""
    session.execute(_BUMP, {"ids": list(performance_ids)})
