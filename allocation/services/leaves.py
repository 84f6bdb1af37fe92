"""Making leaves at their first touch: until then their parents carry their sum."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.queries.locks import lock_key
from allocation.queries.trees import Standing, standings
from partners.models import Partner

_SHARE = text(
    "SELECT pg_advisory_xact_lock_shared(key) FROM unnest(CAST(:keys AS bigint[]))"
    " AS key ORDER BY key"
)
# The leaf and what its payers carry of it, in one statement: whoever is second to
# make it finds it made.
_MAKE = text(
    "WITH made AS (INSERT INTO node (id, world, performance_id, performance_area_id,"
    " key, level, path, pool_id, channel, agent_id, guarantee, ceiling, priority,"
    " created_at) SELECT :id, name, :performance, :area, :key, :level,"
    " CAST(:path AS uuid[]), CAST(:pool AS uuid), :channel, :agent, :guarantee,"
    " :ceiling, :priority, clock_timestamp() + clock_offset FROM world"
    " WHERE name = :world ON CONFLICT DO NOTHING RETURNING guarantee)"
    " UPDATE node SET unmade = unmade - made.guarantee FROM made"
    " WHERE made.guarantee > 0 AND (node.id = :payer OR node.id = CAST(:pool AS uuid))"
)


def touch_leaves(
    session: Session, performance_ids: Collection[UUID], agent: Partner
) -> dict[UUID, Standing]:
    """Return how an agent stands, by performance area; its leaves are rows after this.

    What is not a row yet is made under the shared lock of its performance, so that
    no plan is applied meanwhile.
    """
    found = standings(session, performance_ids, agent)
    if all(standing.is_made for standing in found.values()):
        return found
    session.execute(_SHARE, {"keys": [lock_key(i) for i in set(performance_ids)]})
    for standing in standings(session, performance_ids, agent).values():
        if not standing.is_made:
            _make(session, standing, agent)
    return standings(session, performance_ids, agent)


def _make(session: Session, standing: Standing, agent: Partner) -> None:
    share, node = standing.share, standing.nodes[standing.leaf]
    assert share is not None  # noqa: S101 - only a plan has leaves that are not made
    values = {
        "id": node.id,
        "world": agent.world,
        "performance": standing.performance_id,
        "area": standing.performance_area_id,
        "key": share.key,
        "level": share.level,
        "path": list(node.path),
        "pool": node.pool,
        "channel": share.channel,
        "agent": agent.id,
        "guarantee": share.guarantee,
        "ceiling": share.ceiling,
        "priority": share.priority,
        "payer": node.path[0],
    }
    session.execute(_MAKE, values)
