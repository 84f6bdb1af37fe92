"""What is seen of a sandbox's partner, and the list that is ticked off from it."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.sandbox import queries
from hub.sandbox.models import Sandbox
from hub.sandbox.rules import ITEMS, Item

_NOTE = text(
    "INSERT INTO sandbox_seen AS s (world, what, count, first_at, last_at)"
    " SELECT :world, what, 1, now, now FROM unnest(CAST(:what AS text[])) AS w(what),"
    " (SELECT clock_timestamp() + clock_offset AS now FROM world"
    "  WHERE name = :world) AS c ORDER BY what"
    " ON CONFLICT (world, what) DO UPDATE SET count = s.count + 1,"
    " last_at = excluded.last_at"
)
_WAS_SEEN = text(
    "SELECT count(*) FROM sandbox_seen WHERE world = :world AND what = :what"
)


def note(session: Session, world: str, what: Collection[str]) -> None:
    """Note what was done or answered in a sandbox."""
    session.execute(_NOTE, {"world": world, "what": sorted(what)})


def was_seen(session: Session, world: str, what: str) -> bool:
    """Say whether something was noted before."""
    return bool(session.scalar(_WAS_SEEN, {"world": world, "what": what}))


def checklist(session: Session, sandbox: Sandbox) -> dict[str, Any]:
    """Return what an agent is to have done before it goes live, ticked off."""
    seen, facts = queries.seen(session, sandbox.world), queries.facts(session, sandbox)

    def told(item: Item) -> dict[str, Any]:
        noted = [seen[one] for one in (*item.any_of, *item.all_of) if one in seen]
        times = [one.first_at for one in noted]
        return {
            "ref": item.ref,
            "title": item.title,
            "how": item.how,
            "is_done": item.is_done(seen, facts),
            "first_at": min(times, default=None),
            "count": facts[item.fact] if item.fact else sum(n.count for n in noted),
        }

    items = [told(item) for item in ITEMS]
    left = [item["ref"] for item in items if not item["is_done"]]
    return {
        "world": sandbox.world,
        "now": clock.now(session, sandbox.world),
        "is_ready": not left,
        "left": left,
        "items": items,
    }
