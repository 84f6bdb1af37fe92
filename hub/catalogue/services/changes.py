"""Numbering what has changed: by one at a time, and only what is committed."""

from sqlalchemy import text
from sqlalchemy.orm import Session

CHUNK = 5_000
KEPT_DAYS = 35
_FEEDS = text("SELECT world FROM change_feed ORDER BY world FOR UPDATE")
_NUMBER = text(
    "WITH waiting AS (SELECT seq, world FROM change WHERE position IS NULL"
    "  ORDER BY seq LIMIT :most),"
    " numbered AS (SELECT w.seq, f.last + row_number()"
    "  OVER (PARTITION BY w.world ORDER BY w.seq) AS position"
    "  FROM waiting w JOIN change_feed f ON f.world = w.world),"
    " done AS (UPDATE change c SET position = n.position FROM numbered n"
    "  WHERE c.seq = n.seq RETURNING c.world, c.position),"
    " moved AS (UPDATE change_feed f SET last = d.last FROM ("
    "  SELECT world, max(position) AS last FROM done GROUP BY world) d"
    "  WHERE f.world = d.world)"
    " SELECT count(*)::int FROM done"
)
_ANNOUNCE = text(
    "WITH due AS (SELECT f.world, f.announced_until AS since,"
    "  clock_timestamp() + w.clock_offset AS until FROM change_feed f"
    "  JOIN world w ON w.name = f.world FOR UPDATE OF f),"
    " moved AS (UPDATE change_feed f SET announced_until = d.until FROM due d"
    "  WHERE f.world = d.world),"
    " shown AS (SELECT p.world, p.id, p.version, p.production_id, d.until FROM due d"
    "  JOIN performance p ON p.world = d.world AND p.withdrawn_at IS NULL"
    "  AND p.announce_at > d.since AND p.announce_at <= d.until),"
    " told AS (INSERT INTO change (world, kind, entity_id, version, what, made_at)"
    "  SELECT DISTINCT s.world, 'production', r.id, r.version, 'announced', s.until"
    "  FROM shown s JOIN production r ON r.id = s.production_id RETURNING 1),"
    " noted AS (INSERT INTO change (world, kind, entity_id, version, what, made_at)"
    "  SELECT world, 'performance', id, version, 'announced', until FROM shown"
    "  WHERE (SELECT count(*) FROM told) >= 0"  # productions first
    "  RETURNING 1)"
    " SELECT count(*)::int FROM noted"
)
_PRUNE = text(
    "WITH old AS (SELECT seq FROM change WHERE position IS NOT NULL"
    "  AND made_at < clock_timestamp() - make_interval(days => :days)"
    "  ORDER BY seq LIMIT :most),"
    " gone AS (DELETE FROM change c USING old WHERE c.seq = old.seq"
    "  RETURNING c.world, c.position),"
    " moved AS (UPDATE change_feed f"
    "  SET pruned_until = greatest(f.pruned_until, g.last)"
    "  FROM (SELECT world, max(position) AS last FROM gone GROUP BY world) g"
    "  WHERE f.world = g.world)"
    " SELECT count(*)::int FROM gone"
)


def number_changes(session: Session, *, most: int = CHUNK) -> int:
    """Give numbers to some changes that are committed; return how many.

    A row is noted while it is locked, so what is seen of one row here is seen in the
    order of its versions. Others who number wait.
    """
    session.execute(_FEEDS)
    return session.scalar(_NUMBER, {"most": most}) or 0


def announce_due(session: Session) -> int:
    """Note performances whose announcement has come; return how many."""
    return session.scalar(_ANNOUNCE) or 0


def prune_changes(session: Session, *, days: int = KEPT_DAYS, most: int = CHUNK) -> int:
    """Drop changes that are older than anybody follows; return how many."""
    session.execute(_FEEDS)
    return session.scalar(_PRUNE, {"days": days, "most": most}) or 0
