"""Jobs of webhooks: an endpoint is drained by one job at a time."""

import time
from dataclasses import dataclass
from uuid import UUID

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError
from sqlalchemy.exc import SQLAlchemyError

from hub.kernel.db import transaction
from hub.kernel.jobs import JOB_TIMEOUT_S
from hub.kernel.metrics import WEBHOOKS
from hub.webhooks.queries import endpoints_with_work
from hub.webhooks.services.dialects import dialect_of
from hub.webhooks.services.draining import take
from hub.webhooks.services.endpoints import secrets_of
from hub.webhooks.services.sending import Sender, Target
from hub.webhooks.services.settling import note_unsaid, settle

QUEUE = "webhooks"
"""A queue of its own: whoever is slow to take webhooks keeps no other job waiting."""
ENDPOINTS_MOST = 200
TURN_S = 30.0
STALE_S = 60

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Means:
    """What jobs of this process send with; set when it starts."""

    secret: str
    allows_private: bool
    sender: Sender


_means: list[Means] = []


def prepare(secret: str, *, allows_private: bool) -> None:
    """Set what this process signs with, and whether it may send to private networks."""
    while _means:
        _means.pop().sender.close()
    _means.append(Means(secret, allows_private, Sender()))


def deliver(endpoint_id: str) -> None:
    """Send an endpoint what it is due, batch after batch, for a turn."""
    until = time.monotonic() + TURN_S
    while time.monotonic() < until and drain(UUID(endpoint_id)):
        pass


def drain(endpoint_id: UUID) -> bool:
    """Send one batch; say whether there is more to send at once."""
    means = _means[0]
    try:
        with transaction() as session:
            batch = take(session, endpoint_id)
            if batch is None:
                return False
            secrets = secrets_of(session, batch.endpoint, means.secret)
            more = dialect_of(batch.endpoint).headers(batch.endpoint)
            target = Target(batch.endpoint.url, secrets, means.allows_private, more)
    except SQLAlchemyError:
        raise  # of the database, not of what is to be said
    except Exception:
        log.exception("webhooks cannot be said", endpoint_id=str(endpoint_id))
        with transaction() as session:
            note_unsaid(session, endpoint_id)
        return False
    outcomes = means.sender.send(target, batch.messages) if batch.messages else []
    with transaction() as session:
        settled = settle(session, batch, outcomes)
    for outcome in outcomes:
        if outcome.is_sent:
            what = "delivered" if outcome.is_delivered else "failed"
            WEBHOOKS.labels(what).inc()
    if settled.paused_because is not None:
        told = {"endpoint_id": str(endpoint_id), "because": settled.paused_because}
        log.warning("webhook endpoint paused", **told)
    return settled.is_more


def enqueue_due(connection: Redis) -> None:
    """Give endpoints that have something to send to the queue.

    Nothing depends on the queue keeping them: who is not drained is found again.
    """
    with transaction() as session:
        found = endpoints_with_work(session, most=ENDPOINTS_MOST)
    queue = Queue(QUEUE, connection=connection, serializer="json")
    for endpoint in found:
        turn = int(time.time()) // STALE_S
        try:
            queue.enqueue(
                "hub.webhooks.jobs.deliver",
                kwargs={"endpoint_id": str(endpoint.id)},
                job_id=f"{endpoint.id}-{endpoint.lease}-{turn}",
                unique=True,
                job_timeout=JOB_TIMEOUT_S,
                result_ttl=STALE_S,
                failure_ttl=86_400,
            )
        except DuplicateJobError:
            continue
        except RedisError as error:
            log.warning("queue unavailable", error=str(error))
            return
