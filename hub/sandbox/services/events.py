"""What happens to a sandbox's performances because its partner wants it to."""

from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.models import Feed
from connectors.services.deliveries import FEED_RECEIVED, receive_records
from hub.kernel import outbox
from hub.kernel.db import take_turns
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.sandbox import queries
from hub.sandbox.models import Sandbox
from hub.sandbox.services import season
from hub.sandbox.services.opening import FEED

CANCELLED, POSTPONED, SCHEDULED, DEARER = (
    "cancelled",
    "postponed",
    "scheduled",
    "dearer",
)
KINDS = (CANCELLED, POSTPONED, SCHEDULED, DEARER)
BY_MINOR = 100
_IS_ON_ITS_WAY = text(
    "SELECT EXISTS (SELECT FROM delivery WHERE feed_id = :feed"
    " AND state IN ('received', 'checking', 'applying'))"
)


def happen(
    session: Session, sandbox: Sandbox, *, kind: str, performance_id: UUID
) -> dict[str, Any]:
    """Have a performance of the season change, as its supplier would tell it.

    It is on its way when this is answered: the workers apply it within moments.
    """
    every = queries.shows(session, sandbox.world)
    found = next((row for row in every if row.id == performance_id), None)
    if found is None:
        raise NotFoundError(performance_id=performance_id)
    show, day = _of_season(found)
    feed = session.scalars(
        select(Feed).where(Feed.world == sandbox.world, Feed.name == FEED)
    ).one()
    take_turns(session, f"sandbox/{sandbox.world}")
    if session.scalar(_IS_ON_ITS_WAY, {"feed": feed.id}):
        reason = "the event before is still on its way: come again in a moment"
        raise InvalidRequestError(field="kind", reason=reason)
    dearer = found.face_minor - season.FACE_MINOR[season.FLOOR]
    record = season.performance(
        *(show, day, sandbox.season_from, season.Money.beside(sandbox.currency)),
        found.version + 1,
        more_minor=dearer + BY_MINOR * (kind == DEARER),
        status=found.status if kind == DEARER else kind,
    )
    receive_records(session, feed, [record])
    outbox.put(session, FEED_RECEIVED, world=feed.world, feed_id=str(feed.id))
    return {"kind": kind, "performance_id": performance_id}


def _of_season(found: Any) -> tuple[season.Magic, int]:
    """Return the production and the day a performance is of, if it is the season's."""
    for show in season.SHOWS:
        for day in show.days:
            if found.performance == f"{show.ref}-{day}":
                return show, day
    reason = "is not of the sandbox's own season"
    raise InvalidRequestError(field="performance_id", reason=reason)
