"""The outbox: what commits is sent, until its job says done, whatever the queue loses."""

import uuid
from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import text

from hub.kernel import db, jobs, outbox
from hub.kernel.db import transaction

SUBSCRIBERS = {"thing.happened": "tests.kernel.test_outbox.job"}
LEASE = timedelta(seconds=60)


def job(message_id, **_):
    with transaction() as session:
        outbox.mark_done(session, uuid.UUID(message_id))


def put(topic="thing.happened"):
    with transaction() as session:
        return outbox.put(session, topic, world="live", what="x")


def claim(most=10):
    with transaction() as session:
        found = outbox.claim(session, topics=[*SUBSCRIBERS], lease=LEASE, most=most)
    return [message.id for message in found]


def expire_leases():
    with transaction() as session:
        session.execute(
            text("UPDATE outbox_message SET leased_until = now() - interval '1 s'")
        )


@pytest.fixture
def queue(server, engine):
    connection = Redis.from_url(server[1])
    queue = Queue(jobs.QUEUE, connection=connection, serializer="json")
    queue.empty()
    yield queue
    queue.empty()
    connection.close()


def test_what_rolls_back_is_never_sent(engine):
    with db.SessionFactory() as session:
        outbox.put(session, "thing.happened", world="live")
        session.rollback()
    assert claim() == []


def test_messages_are_leased_oldest_first_and_to_one_relay_only(engine):
    ids = [put() for _ in range(5)]
    with transaction() as first, transaction() as second:
        mine = outbox.claim(first, topics=[*SUBSCRIBERS], lease=LEASE, most=3)
        theirs = outbox.claim(second, topics=[*SUBSCRIBERS], lease=LEASE, most=9)
    assert [m.id for m in mine] == ids[:3]
    assert [m.id for m in theirs] == ids[3:]
    assert claim() == []


def test_a_message_is_offered_again_until_its_job_is_done(engine):
    message_id = put()
    assert claim() == [message_id]
    expire_leases()
    assert claim() == [message_id]
    expire_leases()
    job(str(message_id))
    assert claim() == []
    with transaction() as session:
        assert outbox.is_done(session, message_id)


def test_topics_nobody_subscribes_to_are_not_sent(engine):
    put("nobody.cares")
    assert claim() == []


def test_the_relay_enqueues_and_a_flush_loses_nothing(queue):
    message_id = put()
    assert jobs.relay(queue.connection, SUBSCRIBERS) == 1
    found = queue.jobs
    assert [found_job.kwargs for found_job in found] == [
        {"message_id": str(message_id), "what": "x"}
    ]
    queue.connection.flushdb()
    assert jobs.relay(queue.connection, SUBSCRIBERS) == 0
    expire_leases()
    assert jobs.relay(queue.connection, SUBSCRIBERS) == 1
    assert len(queue.jobs) == 1


def test_without_a_queue_nothing_is_claimed(engine):
    message_id = put()
    away = jobs.queue_connection("redis://127.0.0.1:9/0")
    assert jobs.relay(away, SUBSCRIBERS) == 0
    away.close()
    assert claim() == [message_id]
