"""Jobs of connectors; each may run twice and does its work once."""

from uuid import UUID

from connectors.services.steps import step
from hub.kernel import outbox
from hub.kernel.db import transaction


def work_feed_off(message_id: str, feed_id: str) -> None:
    """Apply what has been delivered to a feed, oldest first, in chunks."""
    while True:
        with transaction() as session:
            if outbox.is_done(session, UUID(message_id)):
                return
            if not step(session, UUID(feed_id)):
                outbox.mark_done(session, UUID(message_id))
                return
