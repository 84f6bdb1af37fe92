"""Settling a batch that was sent: what became of it, and of its endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

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
from hub.webhooks.services.dialects import dialect_of
from hub.webhooks.services.draining import NOW, Batch

BEHIND = timedelta(days=1)
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
class Settled:
    """Whether there is more to send at once, and why it is paused if it is now."""

    is_more: bool
    paused_because: str | None = None


def settle(session: Session, batch: Batch, outcomes: Sequence[Outcome]) -> Settled:
    """Store what became of a batch.

    Nothing is stored, and there is no more, if somebody else has the endpoint by now.
    """
    wanted = select(WebhookEndpoint).where(WebhookEndpoint.id == batch.endpoint.id)
    endpoint = session.scalars(
        wanted.with_for_update().execution_options(populate_existing=True)
    ).one()
    if endpoint.lease != batch.lease:
        return Settled(is_more=False)
    now: datetime = session.execute(NOW).scalar_one()
    endpoint.leased_until = now
    results = list(zip(batch.messages, outcomes, strict=True))
    once = endpoint.is_tried_once
    said = [_row(message, outcome, now, once=once) for message, outcome in results]
    said += [_row(message, Outcome(), now) for message in batch.held_up]
    arrived = [message for message, outcome in results if outcome.is_delivered]
    dialect_of(endpoint).note_told(session, endpoint, arrived)
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
    sent = [one for _, one in results if one.is_sent and not one.is_void]
    _judge(endpoint, sent, now)
    if endpoint.state != ACTIVE:
        return Settled(is_more=False, paused_because=endpoint.paused_because)
    return Settled(is_more=batch.is_more and not endpoint.failures)


def note_unsaid(session: Session, endpoint_id: UUID) -> None:
    """Let an endpoint rest for which nothing could be said: somebody has to look."""
    endpoint = session.get_one(WebhookEndpoint, endpoint_id, with_for_update=True)
    now: datetime = session.execute(NOW).scalar_one()
    _judge(endpoint, [Outcome(error="it could not be said")], now)


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


def _row(
    message: Message, outcome: Outcome, now: datetime, *, once: bool = False
) -> dict[str, Any]:
    attempts = message.attempts + outcome.is_sent
    state, next_at = WAITING, now
    if outcome.is_delivered:
        state = DELIVERED
    elif outcome.is_void or (outcome.is_sent and (once or is_given_up(attempts))):
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
