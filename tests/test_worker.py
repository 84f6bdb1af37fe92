"""The elected process: each task in its turn, at once again while there is work."""

from hub.worker import Task, run_due


def test_a_task_that_finds_work_is_due_at_once_and_rests_when_it_does_not():
    left, idle = [3, 2, 0], []
    busy = Task("busy", 60.0, lambda: left.pop(0))
    resting = Task("resting", 60.0, lambda: idle.append(1))
    tasks = [busy, resting]
    assert [run_due(tasks) for _ in range(4)] == [True, True, False, False]
    assert left == []
    assert idle == [1]
