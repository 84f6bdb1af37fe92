"""Changes of the catalogue in the order of their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from hub.catalogue.errors import ChangesGoneError
from hub.kernel.errors import InvalidRequestError

_FEED = text("SELECT last, pruned_until FROM change_feed WHERE world = :world")
_COLUMNS = "c.position, c.kind, c.entity_id AS id, c.version, c.what, c.made_at"
_SINCE = "c.position > :after AND c.position <= :last"
_READ = text(
    f"(SELECT {_COLUMNS} FROM change c LEFT JOIN performance p"  # noqa: S608 - our own words
    " ON c.kind = 'performance' AND p.id = c.entity_id WHERE c.world = :world"
    f" AND c.agent_id IS NULL AND {_SINCE}"
    " AND (p.announce_at IS NULL OR p.announce_at <= :now)"
    " ORDER BY c.position LIMIT :most) UNION ALL"
    f" (SELECT {_COLUMNS} FROM change c WHERE c.agent_id = :agent AND {_SINCE}"
    " ORDER BY c.position LIMIT :most) ORDER BY position LIMIT :most"
)


@dataclass(frozen=True, slots=True)
class Changes:
    """Some changes, where to go on, and how far there are any."""

    items: Sequence[Row[Any]]
    next: int
    latest: int


def changes(
    session: Session,
    *,
    world: str,
    agent_id: UUID | None = None,
    now: datetime,
    after: int | None,
    most: int,
) -> Changes:
    """Return changes after a position: of the catalogue, and of what is the agent's.

    Of performances only those announced by now.

    ChangesGoneError if some after it are not kept any more.
    """
    feed = session.execute(_FEED, {"world": world}).one()
    first = feed.pruned_until if after is None else after
    if first < feed.pruned_until:
        raise ChangesGoneError(after=first, oldest=feed.pruned_until)
    if first > feed.last:
        reason = f"this feed has {feed.last} changes"
        raise InvalidRequestError(field="after", reason=reason)
    where = {"world": world, "agent": agent_id, "now": now, "most": most}
    span = {"after": first, "last": feed.last}
    found = session.execute(_READ, where | span).all()
    is_whole = len(found) < most  # what is not announced yet is passed over
    return Changes(found, feed.last if is_whole else found[-1].position, feed.last)
