"""Endpoints of agents: made, changed, paused and resumed, their secrets rotated."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.db import take_turns
from hub.kernel.errors import InvalidRequestError
from hub.kernel.ids import new_id
from hub.webhooks.errors import (
    ReplayRunningError,
    RotationRunningError,
    TooManyEndpointsError,
)
from hub.webhooks.models import WebhookEndpoint, WebhookReplay
from hub.webhooks.queries import endpoints_of, get_endpoint
from hub.webhooks.rules import ACTIVE, PAUSED, REMOVED, refuse_address, secret_of

ENDPOINTS_MAX = 10
BY_AGENT = "paused by its agent"
_LATEST = text("SELECT last, pruned_until FROM change_feed WHERE world = :world")
_NOW = text("SELECT clock_timestamp()")


def add_endpoint(
    session: Session,
    who: Caller,
    *,
    url: str,
    topics: Sequence[str],
    allows_private: bool,
    after: int | None = None,
    **told: Any,
) -> WebhookEndpoint:
    """Add an endpoint; it is sent what changes from now on, or after a position.

    *told*: ``dialect``, ``wants`` and ``is_tried_once``, if not in the hub's words.
    """
    refuse_address(url, allows_private=allows_private)
    take_turns(session, f"endpoints/{who.partner}")
    if len(endpoints_of(session, who)) >= ENDPOINTS_MAX:
        raise TooManyEndpointsError(most=ENDPOINTS_MAX)
    position = _position(session, who, after)
    now: datetime = session.execute(_NOW).scalar_one()
    endpoint = WebhookEndpoint(
        id=new_id(),
        world=who.world,
        agent_id=who.partner,
        url=url,
        topics=list(topics),
        state=ACTIVE,
        version=1,
        position=position,
        generation=1,
        failures=0,
        lease=0,
        next_at=now,
        leased_until=now,
        **{"wants": {}} | told,
    )
    session.add(endpoint)
    session.flush()
    return endpoint


def _position(session: Session, who: Caller, after: int | None) -> int:
    """Return from where an endpoint is told: from now on, or after what is kept."""
    feed = session.execute(_LATEST, {"world": who.world}).one()
    if after is not None and not feed.pruned_until <= after <= feed.last:
        reason = f"changes from {feed.pruned_until} to {feed.last} are kept"
        raise InvalidRequestError(field="after", reason=reason)
    last: int = feed.last
    return last if after is None else after


def change_endpoint(
    session: Session,
    who: Caller,
    endpoint_id: UUID,
    *,
    allows_private: bool,
    url: str | None = None,
    topics: Sequence[str] | None = None,
    state: str | None = None,
) -> WebhookEndpoint:
    """Change an endpoint; one that is made active again goes on where it stopped."""
    endpoint = get_endpoint(session, who, endpoint_id, lock=True)
    if endpoint.dialect is not None and not (url is None and topics is None):
        field = "topics" if url is None else "url"
        reason = f"it is told in the words of {endpoint.dialect}: make another there"
        raise InvalidRequestError(field=field, reason=reason)
    if url is not None:
        refuse_address(url, allows_private=allows_private)
        endpoint.url = url
    if topics is not None:
        endpoint.topics = list(topics)
    if state is not None and state != endpoint.state:
        endpoint.state = state
        endpoint.paused_because = BY_AGENT if state == PAUSED else None
    if endpoint.state == ACTIVE:
        endpoint.failures, endpoint.failing_since = 0, None
        endpoint.next_at = session.execute(_NOW).scalar_one()
    endpoint.version += 1
    session.flush()
    return endpoint


def secrets_of(
    session: Session, endpoint: WebhookEndpoint, hub_secret: str
) -> list[str]:
    """Return the secrets that are valid now, the newest first."""
    found = [secret_of(endpoint.id, endpoint.generation, hub_secret)]
    until, now = endpoint.previous_until, session.execute(_NOW).scalar_one()
    if until is not None and now < until:
        found.append(secret_of(endpoint.id, endpoint.generation - 1, hub_secret))
    return found


def remove_endpoint(session: Session, who: Caller, endpoint_id: UUID) -> None:
    """Remove an endpoint: nothing is sent there any more."""
    endpoint = get_endpoint(session, who, endpoint_id, lock=True)
    endpoint.state = REMOVED
    endpoint.version += 1


def rotate_secret(
    session: Session, who: Caller, endpoint_id: UUID, *, overlap_h: int
) -> WebhookEndpoint:
    """Give an endpoint another secret; what is sent meanwhile is signed with both.

    RotationRunningError while that is so: whoever repeats itself rotates once.
    """
    endpoint = get_endpoint(session, who, endpoint_id, lock=True)
    now: datetime = session.execute(_NOW).scalar_one()
    if endpoint.previous_until is not None and now < endpoint.previous_until:
        raise RotationRunningError(previous_until=endpoint.previous_until.isoformat())
    endpoint.generation += 1
    endpoint.previous_until = now + timedelta(hours=overlap_h)
    endpoint.version += 1
    session.flush()
    return endpoint


def replay(
    session: Session, who: Caller, endpoint_id: UUID, *, after: int, until: int | None
) -> WebhookReplay:
    """Have a range of changes sent once more: after a position, up to another.

    ReplayRunningError while another is under way; a range that is not kept, or that
    has not been sent at all yet, is refused.
    """
    endpoint = get_endpoint(session, who, endpoint_id, lock=True)
    running = select(WebhookReplay).where(
        WebhookReplay.endpoint_id == endpoint_id, WebhookReplay.done_at.is_(None)
    )
    if session.scalar(running) is not None:
        raise ReplayRunningError(endpoint_id=endpoint_id)
    feed = session.execute(_LATEST, {"world": who.world}).one()
    last = min(endpoint.position, until or endpoint.position)
    if not feed.pruned_until <= after <= last:
        reason = f"between {feed.pruned_until} and {endpoint.position}"
        raise InvalidRequestError(field="after", reason=reason)
    made = WebhookReplay(
        id=new_id(),
        world=who.world,
        endpoint_id=endpoint_id,
        position=after,
        until_position=last,
        made_at=clock.now(session, who.world),
    )
    session.add(made)
    session.flush()
    return made
