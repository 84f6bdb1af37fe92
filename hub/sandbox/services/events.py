"""What happens to a sandbox's performances because its partner wants it to."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.models import Feed
from connectors.services.deliveries import FEED_RECEIVED, receive_records
from hub.kernel import outbox
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
    show = next((one for one in season.SHOWS if one.ref == found.ref), None)
    if show is None:
        reason = "is its own supplier's: it takes place"
        raise InvalidRequestError(field="performance_id", reason=reason)
    changes: dict[str, Any] = {} if kind == DEARER else {"status": kind}
    record = season.performance(
        *(show, int(found.performance.rpartition("-")[2]), sandbox.season_from),
        season.Money.beside(sandbox.currency),
        found.version + 1,
        more_minor=BY_MINOR * found.version if kind == DEARER else 0,
        **changes,
    )
    wanted = select(Feed).where(Feed.world == sandbox.world, Feed.name == FEED)
    feed = session.scalars(wanted).one()
    receive_records(session, feed, [record])
    outbox.put(session, FEED_RECEIVED, world=feed.world, feed_id=str(feed.id))
    return {"kind": kind, "performance_id": performance_id}
