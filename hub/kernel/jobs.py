"""The queue: what is put there may be lost at any moment; the database remembers."""

from collections.abc import Mapping
from datetime import timedelta

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.exceptions import DuplicateJobError

from hub.kernel import outbox
from hub.kernel.db import transaction
from hub.kernel.metrics import OUTBOX_SENT

QUEUE = "hub"
LEASE = timedelta(seconds=60)
JOB_TIMEOUT_S = 3_600
BATCH = 100
SOCKET_TIMEOUT_S = 0.5

log = structlog.get_logger(__name__)


def queue_connection(url: str) -> Redis:
    """Connect to Redis or Valkey with short waits and no retries of its own."""
    return Redis.from_url(
        url,
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def relay(connection: Redis, subscribers: Mapping[str, str]) -> int:
    """Give messages that are due to the queue; return how many.

    *subscribers* maps a topic to the dotted name of its job, which is called with the
    message's id and payload. A message is offered again when its lease runs out until
    its job has marked it done, so nothing depends on the queue keeping it. When the
    queue is away, nothing is claimed.
    """
    try:
        connection.ping()
    except RedisError as error:
        log.warning("queue unavailable", error=str(error))
        return 0
    with transaction() as session:
        messages = outbox.claim(
            session, topics=list(subscribers), lease=LEASE, most=BATCH
        )
    queue = Queue(QUEUE, connection=connection, serializer="json")
    for message in messages:
        _enqueue(queue, subscribers[message.topic], message)
    return len(messages)


def _enqueue(queue: Queue, job: str, message: outbox.Claimed) -> None:
    try:
        queue.enqueue(
            job,
            kwargs={"message_id": str(message.id), **message.payload},
            job_id=f"{message.id}-{message.attempts}",
            unique=True,
            job_timeout=JOB_TIMEOUT_S,
            result_ttl=60,
            failure_ttl=86_400,
        )
        OUTBOX_SENT.labels(message.topic).inc()
    except (RedisError, DuplicateJobError) as error:
        log.warning("not enqueued", message_id=str(message.id), error=str(error))
