"""The elected process: each task in its turn, at once again while there is work."""

import pytest
from sqlalchemy import text

from hub import worker
from hub.kernel.db import transaction
from hub.worker import Task, run_due

NAMES = [
    *("relay", "lapse", "mend", "seal", "fold", "release"),
    *("stages", "void", "recalls", "requests", "rebalance"),
    *("count waiting", "prune keys", "prune quotes", "partitions"),
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
