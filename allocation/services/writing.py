"""Writing trees that were fitted, and what changed of them and why."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.services.splitting import Cause, Split, row_of
from hub.kernel.db import rows
from hub.kernel.ids import new_id

_UPSERT = text(
    "INSERT INTO node (id, world, performance_id, performance_area_id, key, level,"
    " path, pool_id, channel, agent_id, guarantee, ceiling, taken, unmade,"
    " overbooking, overcommitted, priority, is_cut)"
    " SELECT id, w, p, pa, key, level, path, pool, ch, agent, g, c, t, u, ob, o, pr,"
    " cut FROM json_to_recordset(CAST(:rows AS json)) AS n(id uuid, w text, p uuid,"
    " pa uuid, key text, level text, path uuid[], pool uuid, ch text, agent uuid,"
    " g int, c int, t int, u int, ob int, o int, pr int, cut boolean)"
    " ON CONFLICT (performance_id, key) DO UPDATE SET guarantee = excluded.guarantee,"
    " ceiling = excluded.ceiling, taken = excluded.taken, unmade = excluded.unmade,"
    " overbooking = excluded.overbooking, overcommitted = excluded.overcommitted,"
    " agent_id = excluded.agent_id, channel = excluded.channel, path = excluded.path,"
    " pool_id = excluded.pool_id, level = excluded.level,"
    " priority = excluded.priority, is_cut = excluded.is_cut"
)
_TREES = text(
    "UPDATE tree SET plan_id = r.plan, publication = r.publication,"
    " epoch = epoch + 1, bounds = r.bounds, next_stage_at = r.stage"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, plan uuid,"
    " publication int, bounds jsonb, stage timestamptz) WHERE performance_id = r.id"
)
_CHANGES = text(
    "INSERT INTO node_change (id, world, performance_id, node_id, key, cause, reason,"
    " plan_id, guarantee_before, guarantee_after, ceiling_before, ceiling_after,"
    " taken, made_at, made_by) SELECT id, w, p, node, key, cause, reason, plan, gb, ga,"
    " cb, ca, t, at, by FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid,"
    " w text, p uuid, node uuid, key text, cause text, reason text, plan uuid, gb int,"
    " ga int, cb int, ca int, t int, at timestamptz, by uuid)"
)


def write_splits(
    session: Session, splits: Sequence[Split], cause: Cause, now: datetime
) -> None:
    """Store trees, and a change for every node whose promise or limit is another."""
    if not splits:
        return
    nodes = (row_of(found, key) for found in splits for key in found.places)
    session.execute(_UPSERT, {"rows": rows(nodes)})
    session.execute(_TREES, {"rows": rows(map(_tree, splits))})
    changes = [row for found in splits for row in _changes(found, cause, now)]
    if changes:
        session.execute(_CHANGES, {"rows": rows(changes)})
    session.expire_all()


def _tree(found: Split) -> dict[str, Any]:
    return {
        "id": found.ground.id,
        "plan": found.plan_id,
        "publication": found.publication,
        "bounds": {key: msgspec.to_builtins(b) for key, b in found.bounds.items()},
        "stage": found.next_stage_at,
    }


def _changes(found: Split, cause: Cause, now: datetime) -> Iterator[dict[str, Any]]:
    for key in found.places:
        before, after = found.before.get(key), found.fitted[key]
        if before is None:
            continue
        was = (before.guarantee, before.ceiling)
        if was == (after.guarantee, after.ceiling):
            continue
        yield {
            "id": new_id(),
            "w": found.ground.world,
            "p": found.ground.id,
            "node": before.id,
            "key": key,
            "cause": cause.word,
            "reason": cause.reason,
            "plan": found.plan_id,
            "gb": before.guarantee,
            "ga": after.guarantee,
            "cb": before.ceiling,
            "ca": after.ceiling,
            "t": after.taken,
            "at": now,
            "by": cause.made_by,
        }
