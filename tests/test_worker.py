"""The elected process: each task in its turn, at once again while there is work."""

import pytest
import structlog
from sqlalchemy import text

from hub import worker
from hub.kernel import log, metrics
from hub.kernel.db import transaction
from hub.worker import Task, run_due
from tests.hubs import performance

NAMES = [
    *("relay", "lapse", "mend", "seal", "fold", "release"),
    *("stages", "void", "recalls", "requests", "rebalance", "plans"),
    *("count waiting", "prune keys", "prune quotes", "partitions"),
    *("number changes", "announce", "prune changes"),
    *("disruptions", "refunds", "webhooks"),
    "watch over-commitment",
]


def test_a_task_that_finds_work_is_due_at_once_and_rests_when_it_does_not():
    left, idle = [3, 2, 0], []
    busy = Task("busy", 60.0, lambda: left.pop(0))
    resting = Task("resting", 60.0, lambda: idle.append(1))
    tasks = [busy, resting]
    assert [run_due(tasks) for _ in range(4)] == [True, True, False, False]
    assert left == []
    assert idle == [1]


def test_a_task_that_fails_is_told_and_stops_no_other():
    def fail():
        raise RuntimeError

    done = []
    counter = metrics.PERIODIC_FAILED.labels("broken")
    before = counter._value.get()
    tasks = [Task("broken", 60.0, fail), Task("whole", 60.0, lambda: done.append(1))]
    with structlog.testing.capture_logs() as told:
        assert not run_due(tasks)
    assert done == [1]
    assert counter._value.get() == before + 1
    (line,) = told
    assert (line["log_level"], line["task"]) == ("error", "broken")


def test_over_commitment_is_watched(hub):
    sold = hub.on_sale(floor=40)
    offer_id = hub.offer_id("ann", sold["id"])
    for _ in range(3):
        hub.confirm("ann", hub.hold("ann", [(offer_id, 10)]))
    watch, gauge = worker.Watch(), metrics.OVERCOMMITTED
    watch.look()
    assert gauge._value.get() == 0
    hub.deliver([performance(version=2, floor=20)])
    log.configure("warning")
    with structlog.testing.capture_logs() as told:
        watch.look()
        watch.look()
    assert gauge._value.get() == 1
    (line,) = told  # once, however often it looks
    assert line["performance_id"] == sold["id"]
    assert line["over_by"] == 10


@pytest.mark.parametrize("name", NAMES)
def test_every_task_runs_as_the_application(hub, name):
    hub.confirm("ann", hub.hold("ann", [(hub.offer_id("ann", hub.on_sale()["id"]), 1)]))
    tasks = {task.name: task for task in worker.periodic_tasks(hub.settings)}
    assert sorted(tasks) == sorted(NAMES)
    tasks[name].work()


def test_old_keys_are_pruned_at_once_again_while_there_are_more(hub, monkeypatch):
    monkeypatch.setattr(worker, "KEYS_CHUNK", 1)
    hub.hold("ann", [(hub.offer_id("ann", hub.on_sale()["id"]), 1)])
    with transaction() as session:
        session.execute(text("UPDATE idempotency_key SET created_at = '2020-01-01'"))
    assert worker._prune_keys() == 1
    assert worker._prune_keys() == 0
