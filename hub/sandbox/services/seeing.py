"""What is seen of a sandbox's partner, and the list that is ticked off from it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.sandbox import queries
from hub.sandbox.models import Sandbox
from hub.sandbox.rules import ITEMS, Item

_NOTE = text(
    "INSERT INTO sandbox_seen AS s (world, what, count, first_at, last_at)"
    " SELECT :world, what, count, now, now FROM unnest(CAST(:what AS text[]),"
    " CAST(:counts AS bigint[])) AS w(what, count), (SELECT clock_timestamp()"
    "  + clock_offset AS now FROM world WHERE name = :world) AS c ORDER BY what"
    " ON CONFLICT (world, what) DO UPDATE SET count = s.count + excluded.count,"
    " last_at = excluded.last_at"
)
_MARK = text(
    "INSERT INTO sandbox_mark (world, mark) VALUES (:world, :mark)"
    " ON CONFLICT DO NOTHING RETURNING mark"
)
_PRUNE = text(
    "DELETE FROM sandbox_mark WHERE world = :world"
    " AND made_at < clock_timestamp() - interval '1 day'"
)


def note(session: Session, world: str, counts: Mapping[str, int]) -> None:
    """Note what was done or answered in a sandbox, and how often."""
    what = sorted(counts)
    said = {"what": what, "counts": [counts[one] for one in what]}
    session.execute(_NOTE, {"world": world, **said})


def is_first(session: Session, world: str, mark: str) -> bool:
    """Mark a request; say whether it was not marked before, within a day."""
    session.execute(_PRUNE, {"world": world})
    where = {"world": world, "mark": mark}
    return session.scalar(_MARK, where) is not None


def checklist(session: Session, sandbox: Sandbox) -> dict[str, Any]:
    """Return what an agent is to have done before it goes live, ticked off."""
    seen, facts = queries.seen(session, sandbox.world), queries.facts(session, sandbox)

    def told(item: Item) -> dict[str, Any]:
        noted = [seen[one] for one in item.any_of if one in seen]
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
