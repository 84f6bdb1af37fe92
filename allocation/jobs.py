"""Jobs of allocation; each may run twice and does its work once."""

from uuid import UUID

from allocation.services.sharing import share_out_supplier
from hub.kernel import outbox
from hub.kernel.db import transaction


def share_out(message_id: str, supplier_id: str) -> None:
    """Share out what a feed or a plan has changed, in chunks of trees."""
    while True:
        with transaction() as session:
            if outbox.is_done(session, UUID(message_id)):
                return
            if share_out_supplier(session, UUID(supplier_id)) == 0:
                outbox.mark_done(session, UUID(message_id))
                return
