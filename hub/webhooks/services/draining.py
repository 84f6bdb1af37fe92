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
from hub.kernel.db import rows
from hub.kernel.ids import new_id
from hub.webhooks.models import WebhookEndpoint, WebhookReplay
from hub.webhooks.rules import (
    ACTIVE,
    DELIVERED,
    FAILED,
    GONE,
    PAUSE_AFTER,
    PAUSED,
    WAITING,
    Message,
    Outcome,
    is_given_up,
    pause_after,
)

BATCH = 250
LEASE = timedelta(seconds=60)
BEHIND = timedelta(days=1)
_NOW = text("SELECT clock_timestamp()")
# Of each thing the oldest: the others wait for it.
_DUE = text(
    "SELECT * FROM (SELECT DISTINCT ON (entity_id) id, position, kind, entity_id,"
    " version, what, made_at, is_replay, attempts, next_at FROM webhook_delivery"
    " WHERE endpoint_id = :endpoint AND state = 'waiting'"
    " ORDER BY entity_id, position) first WHERE next_at <= :now"
    " ORDER BY position LIMIT :most"
)
_HELD_UP = text(
    "SELECT DISTINCT entity_id FROM webhook_delivery WHERE endpoint_id = :endpoint"
    " AND state = 'waiting'"
)
_ADD = text(
    "INSERT INTO webhook_delivery (id, world, endpoint_id, position, entity_id, kind,"
    " what, version, made_at, is_replay, state, attempts, next_at, status, error,"
    " took_ms, tried_at) SELECT id, :world, :endpoint, position, entity_id, kind, what,"
    " version, made_at, is_replay, state, attempts, next_at, status, error, took_ms,"
    " tried_at FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid,"
    " position bigint, entity_id uuid, kind text, what text, version bigint,"
    " made_at timestamptz, is_replay boolean, state text, attempts int,"
    " next_at timestamptz, status int, error text, took_ms int, tried_at timestamptz)"
)
_CHANGE = text(
    "UPDATE webhook_delivery AS d SET state = r.state, attempts = r.attempts,"
    " next_at = r.next_at, status = r.status, error = r.error, took_ms = r.took_ms,"
    " tried_at = r.tried_at FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid,"
    " state text, attempts int, next_at timestamptz, status int, error text,"
    " took_ms int, tried_at timestamptz) WHERE d.id = r.id"
)

_LET_GO = text(
    "UPDATE webhook_delivery SET next_at = :now WHERE endpoint_id = :endpoint"
    " AND entity_id = ANY(:ids) AND state = 'waiting' AND attempts = 0"
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
    now: datetime = session.execute(_NOW).scalar_one()
    if endpoint is None or endpoint.state != ACTIVE:
        return None
    if max(endpoint.leased_until, endpoint.next_at) > now:
        return None
    endpoint.leased_until = now + LEASE
    endpoint.lease += 1
    most = 1 if endpoint.failures else BATCH  # one tries whether it works again
    where = {"endpoint": endpoint_id, "now": now, "most": most}
    messages = [_waiting(row) for row in session.execute(_DUE, where)]
    waiting = set(session.scalars(_HELD_UP, {"endpoint": endpoint_id}))
    found, position, is_more = _new(session, endpoint, most - len(messages))
    replay, again, replay_position = _again(
        session, endpoint, most - len(messages) - len(found)
    )
    fresh = [*found, *again]
    return Batch(
        endpoint=endpoint,
        lease=endpoint.lease,
        messages=[*messages, *(m for m in fresh if m.entity_id not in waiting)],
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
    """Return changes after the endpoint's position that it wants, and how far that is.

    What is not kept any more, for it was paused too long, is passed over.
    """
    if most <= 0:
        return [], endpoint.position, True
    after = endpoint.position
    try:
        found = _read(session, endpoint, after, most)
    except ChangesGoneError as error:
        oldest = error.facts["oldest"]
        assert isinstance(oldest, int)  # noqa: S101 - the error's own fact
        found = _read(session, endpoint, oldest, most)
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
    found = _read(session, endpoint, replay.position, most)
    inside = [row for row in found.items if row.position <= replay.until_position]
    again = _wanted(endpoint, inside, is_replay=True)
    return replay, again, min(found.next, replay.until_position)


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


def settle(session: Session, batch: Batch, outcomes: Sequence[Outcome]) -> bool:
    """Store what became of a batch; say whether there is more to send at once.

    False, and nothing is stored, if somebody else has the endpoint by now.
    """
    wanted = select(WebhookEndpoint).where(WebhookEndpoint.id == batch.endpoint.id)
    endpoint = session.scalars(
        wanted.with_for_update().execution_options(populate_existing=True)
    ).one()
    if endpoint.lease != batch.lease:
        return False
    now: datetime = session.execute(_NOW).scalar_one()
    endpoint.leased_until = now
    results = list(zip(batch.messages, outcomes, strict=True))
    said = [_row(message, outcome, now) for message, outcome in results]
    said += [_row(message, Outcome(), now) for message in batch.held_up]
    _hold_up(said, {message.entity_id for message in batch.held_up}, now)
    where = {"world": endpoint.world, "endpoint": endpoint.id}
    new = [row for row in said if row.pop("is_new")]
    old = [row for row in said if row not in new]
    if new:
        session.execute(_ADD, where | {"rows": rows(new)})
    if old:
        session.execute(_CHANGE, {"rows": rows(old)})
    done = {row["entity_id"] for row in old if row["state"] != WAITING}
    session.execute(_LET_GO, {"endpoint": endpoint.id, "now": now, "ids": list(done)})
    endpoint.position = max(endpoint.position, batch.position)
    if batch.replay is not None:
        _go_on(session, batch, now)
    _judge(endpoint, [outcome for _, outcome in results if outcome.is_sent], now)
    return batch.is_more and endpoint.state == ACTIVE and not endpoint.failures


def _hold_up(said: list[dict[str, Any]], behind: set[UUID], now: datetime) -> None:
    """Let what follows a message that failed wait until that is done, or for a day."""
    tried = [row for row in said if row["state"] == WAITING and row["tried_at"] == now]
    behind = behind | {row["entity_id"] for row in tried}
    for row in said:
        is_next = row["state"] == WAITING and row["tried_at"] is None
        if is_next and row["entity_id"] in behind:
            row["next_at"] = now + BEHIND


def _go_on(session: Session, batch: Batch, now: datetime) -> None:
    assert batch.replay is not None  # noqa: S101 - asked by the caller
    replay = session.get_one(WebhookReplay, batch.replay.id)
    replay.position = batch.replay_position
    if replay.position >= replay.until_position:
        replay.done_at = now


def _row(message: Message, outcome: Outcome, now: datetime) -> dict[str, Any]:
    attempts = message.attempts + outcome.is_sent
    state, next_at = WAITING, now
    if outcome.is_delivered:
        state = DELIVERED
    elif outcome.is_sent and is_given_up(attempts):
        state = FAILED
    elif outcome.is_sent:
        next_at = now + pause_after(attempts, outcome.retry_after_s)
    return {
        "is_new": message.delivery_id is None,
        "id": message.delivery_id or new_id(),
        "position": message.position,
        "entity_id": message.entity_id,
        "kind": message.kind,
        "what": message.what,
        "version": message.version,
        "made_at": message.made_at,
        "is_replay": message.is_replay,
        "state": state,
        "attempts": attempts,
        "next_at": next_at,
        "status": outcome.status,
        "error": outcome.error,
        "took_ms": outcome.took_ms,
        "tried_at": now if outcome.is_sent else None,
    }


def _judge(endpoint: WebhookEndpoint, sent: Sequence[Outcome], now: datetime) -> None:
    """Let an endpoint that takes nothing rest, and pause one that has for a day.

    One that says it is gone is paused at once.
    """
    if not sent:
        return
    if any(outcome.is_delivered for outcome in sent):
        endpoint.failures, endpoint.failing_since = 0, None
        return
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    after_s = max(outcome.retry_after_s or 0 for outcome in sent)
    endpoint.next_at = now + pause_after(endpoint.failures, after_s)
    is_gone = any(outcome.status == GONE for outcome in sent)
    if is_gone or now - endpoint.failing_since >= PAUSE_AFTER:
        endpoint.state = PAUSED
        since = endpoint.failing_since.isoformat(timespec="seconds")
        endpoint.paused_because = (
            "it answered 410 Gone"
            if is_gone
            else f"nothing was delivered since {since}"
        )
        endpoint.version += 1
