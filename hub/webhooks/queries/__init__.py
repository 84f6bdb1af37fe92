"""What is read of webhooks. Nothing here writes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.webhooks.models import WebhookDelivery, WebhookEndpoint
from hub.webhooks.rules import REMOVED

# Times of delivery are real time, whatever a sandbox's clock says: who receives it
# lives in it, too.
_BUSY = text(
    "SELECT e.id, e.lease FROM webhook_endpoint e"
    " JOIN change_feed f ON f.world = e.world"
    " WHERE e.state = 'active' AND e.leased_until <= clock_timestamp()"
    " AND e.next_at <= clock_timestamp() AND (e.position < f.last"
    " OR EXISTS (SELECT FROM (SELECT DISTINCT ON (entity_id) next_at"
    "  FROM webhook_delivery d WHERE d.endpoint_id = e.id AND d.state = 'waiting'"
    "  ORDER BY entity_id, position) first WHERE first.next_at <= clock_timestamp())"
    " OR EXISTS (SELECT FROM webhook_replay r WHERE r.endpoint_id = e.id"
    "  AND r.done_at IS NULL)) ORDER BY e.next_at LIMIT :most"
)


def endpoints_with_work(session: Session, *, most: int) -> Sequence[Row[Any]]:
    """Return endpoints with something to send now, and how often each was leased."""
    return session.execute(_BUSY, {"most": most}).all()


def get_endpoint(
    session: Session, who: Caller, endpoint_id: UUID, *, lock: bool = False
) -> WebhookEndpoint:
    """Return an agent's endpoint; NotFoundError for any other."""
    wanted = select(WebhookEndpoint).where(
        WebhookEndpoint.id == endpoint_id,
        WebhookEndpoint.world == who.world,
        WebhookEndpoint.agent_id == who.partner,
        WebhookEndpoint.state != REMOVED,
    )
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFoundError(endpoint_id=endpoint_id)
    return found


def endpoints_of(session: Session, who: Caller) -> Sequence[WebhookEndpoint]:
    """Return an agent's endpoints."""
    wanted = select(WebhookEndpoint).where(
        WebhookEndpoint.world == who.world,
        WebhookEndpoint.agent_id == who.partner,
        WebhookEndpoint.state != REMOVED,
    )
    return session.scalars(wanted.order_by(WebhookEndpoint.id)).all()


def deliveries(
    session: Session,
    endpoint_id: UUID,
    *,
    state: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[WebhookDelivery]:
    """Return what was sent to an endpoint, oldest first, one more than *limit*."""
    wanted = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if state is not None:
        wanted = wanted.where(WebhookDelivery.state == state)
    if after is not None:
        wanted = wanted.where(WebhookDelivery.id > after)
    return session.scalars(wanted.order_by(WebhookDelivery.id).limit(limit + 1)).all()
