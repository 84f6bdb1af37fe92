"""Draining an endpoint: what is due is leased, sent elsewhere, and then settled.

Between the two no transaction is open. What was sent and not settled, since its
process died, is sent again under the same id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hub.catalogue.errors import ChangesGoneError
from hub.catalogue.queries.changes import changes
from hub.kernel import clock
from hub.webhooks.models import WebhookEndpoint, WebhookReplay
from hub.webhooks.rules import (
    ACTIVE,
    Message,
)
from hub.webhooks.services.dialects import dialect_of

BATCH = 250
LEASE = timedelta(seconds=60)
NOW = text("SELECT clock_timestamp()")
# Of each thing the oldest: the others wait for it.
_DUE = text(
    "SELECT * FROM (SELECT DISTINCT ON (entity_id) id, position, kind, entity_id,"
    " version, what, made_at, is_replay, attempts, next_at FROM webhook_delivery"
    " WHERE endpoint_id = :endpoint AND state = 'waiting'"
    " ORDER BY entity_id, position) first WHERE next_at <= :now"
    " ORDER BY attempts, position LIMIT :most"
)
_HELD_UP = text(
    "SELECT DISTINCT entity_id FROM webhook_delivery WHERE endpoint_id = :endpoint"
    " AND state = 'waiting'"
)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be sent to an endpoint now, and how far it is read then.

    *held_up*: new messages that wait behind an older one of the same thing.
    """

    endpoint: WebhookEndpoint
    lease: int
    messages: Sequence[Message]
    held_up: Sequence[Message]
    position: int
    replay: WebhookReplay | None
    replay_position: int
    is_more: bool


def take(session: Session, endpoint_id: UUID) -> Batch | None:
    """Lease an endpoint and return what is due; None if it is not, or is somebody's."""
    wanted = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
    endpoint = session.scalar(wanted.with_for_update(skip_locked=True))
    now: datetime = session.execute(NOW).scalar_one()
    if endpoint is None or endpoint.state != ACTIVE:
        return None
    if max(endpoint.leased_until, endpoint.next_at) > now:
        return None
    endpoint.leased_until = now + LEASE
    endpoint.lease += 1
    # Of one that takes nothing one that waits and one that is new try whether it does.
    most, due = (2, 1) if endpoint.failures else (BATCH, BATCH)
    where = {"endpoint": endpoint_id, "now": now, "most": due}
    messages = [_waiting(row) for row in session.execute(_DUE, where)]
    waiting = set(session.scalars(_HELD_UP, {"endpoint": endpoint_id}))
    found, position, is_more = _new(session, endpoint, most - len(messages))
    replay, again, replay_position = _again(
        session, endpoint, most - len(messages) - len(found)
    )
    dialect = dialect_of(endpoint)
    fresh = dialect.choose(session, endpoint, [*found, *again])
    now_due = [*messages, *(m for m in fresh if m.entity_id not in waiting)]
    said = dialect.say(session, endpoint, now_due)
    endpoint.leased_until = session.execute(NOW).scalar_one() + LEASE
    return Batch(
        endpoint=endpoint,
        lease=endpoint.lease,
        messages=said,
        held_up=[m for m in fresh if m.entity_id in waiting],
        position=position,
        replay=replay,
        replay_position=replay_position,
        is_more=is_more or bool(messages) or replay is not None,
    )


def _waiting(row: Any) -> Message:
    return Message(
        *(row.position, row.kind, row.entity_id, row.version, row.what, row.made_at),
        *(row.is_replay, row.id, row.attempts),
    )


def _new(
    session: Session, endpoint: WebhookEndpoint, most: int
) -> tuple[list[Message], int, bool]:
    """Return changes after the endpoint's position that it wants, and how far."""
    if most <= 0:
        return [], endpoint.position, True
    found = _kept(session, endpoint, endpoint.position, most)
    return _wanted(endpoint, found.items), found.next, found.next < found.latest


def _again(
    session: Session, endpoint: WebhookEndpoint, most: int
) -> tuple[WebhookReplay | None, list[Message], int]:
    """Return what is to be sent once more, and how far that is."""
    wanted = select(WebhookReplay).where(
        WebhookReplay.endpoint_id == endpoint.id, WebhookReplay.done_at.is_(None)
    )
    replay = session.scalar(wanted)
    if replay is None or most <= 0:
        return replay, [], replay.position if replay else 0
    found = _kept(session, endpoint, replay.position, most)
    inside = [row for row in found.items if row.position <= replay.until_position]
    again = _wanted(endpoint, inside, is_replay=True)
    return replay, again, min(found.next, replay.until_position)


def _kept(session: Session, endpoint: WebhookEndpoint, after: int, most: int) -> Any:
    """Return changes after a position; what is not kept any more is passed over."""
    try:
        return _read(session, endpoint, after, most)
    except ChangesGoneError as error:
        oldest = error.facts["oldest"]
        assert isinstance(oldest, int)  # noqa: S101 - the error's own fact
        return _read(session, endpoint, oldest, most)


def _read(session: Session, endpoint: WebhookEndpoint, after: int, most: int) -> Any:
    return changes(
        session,
        world=endpoint.world,
        agent_id=endpoint.agent_id,
        now=clock.now(session, endpoint.world),
        after=after,
        most=most,
    )


def _wanted(
    endpoint: WebhookEndpoint, found: Iterable[Any], *, is_replay: bool = False
) -> list[Message]:
    return [
        Message(
            *(row.position, row.kind, row.id, row.version, row.what, row.made_at),
            is_replay,
        )
        for row in found
        if not endpoint.topics or row.kind in endpoint.topics
    ]
