"""The committer: batches, fairness, bounds, and one wish never fails another."""

import threading
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy.exc import OperationalError

from hub.kernel.committer import Committer, Limits, Steps, TryAgainError, _Ticket
from hub.kernel.errors import NotFoundError, OverloadedError


@dataclass(frozen=True)
class Wanted:
    owner: str
    number: int


@contextmanager
def no_transaction():
    yield None


def committer(steps, **more):
    return Committer(steps, open_transaction=no_transaction, **more)


class Recorder:
    """Steps that remember their batches and refuse odd numbers."""

    def __init__(self):
        self.batches, self.gate = [], threading.Event()
        self.gate.set()

    def steps(self):
        return Steps(lock=self.lock, decide=self.decide, write=lambda *_: None)

    def lock(self, _, wishes):
        self.gate.wait(10)
        if any(wish.number < 0 for wish in wishes):
            raise RuntimeError("broken")
        self.batches.append([(wish.owner, wish.number) for wish in wishes])

    def decide(self, _, wish):
        return NotFoundError(number=wish.number) if wish.number % 2 else wish.number


def all_at_once(subject, wishes):
    """Submit from a thread each; return the answers, or the errors, in order."""
    answers = [None] * len(wishes)

    def one(at):
        try:
            answers[at] = subject.submit(wishes[at])
        except Exception as error:  # noqa: BLE001
            answers[at] = error

    threads = [threading.Thread(target=one, args=(at,)) for at in range(len(wishes))]
    for thread in threads:
        thread.start()
    return threads, answers


def test_each_wish_gets_its_own_answer():
    recorder = Recorder()
    subject = committer(recorder.steps())
    assert subject.submit(Wanted("a", 2)) == 2
    with pytest.raises(NotFoundError):
        subject.submit(Wanted("a", 3))


def test_what_waits_is_taken_together_owners_in_turn():
    recorder = Recorder()
    recorder.gate.clear()
    subject = committer(recorder.steps(), limits=Limits(batch_max=4))
    first, _ = all_at_once(subject, [Wanted("x", 0)])
    while subject._queue._count:
        pass
    greedy, _ = all_at_once(subject, [Wanted("greedy", 2 * n) for n in range(6)])
    while subject._queue._count < 6:
        pass
    modest, _ = all_at_once(subject, [Wanted("modest", 0)])
    while subject._queue._count < 7:
        pass
    recorder.gate.set()
    for thread in [*first, *greedy, *modest]:
        thread.join(10)
    assert recorder.batches[0] == [("x", 0)]
    assert "modest" in [owner for owner, _ in recorder.batches[1][:2]]
    assert [len(batch) for batch in recorder.batches] == [1, 4, 3]


def test_a_broken_wish_does_not_fail_its_batch():
    recorder = Recorder()
    recorder.gate.clear()
    subject = committer(recorder.steps())
    threads, answers = all_at_once(
        subject, [Wanted("a", 2), Wanted("b", -1), Wanted("c", 4)]
    )
    recorder.gate.set()
    for thread in threads:
        thread.join(10)
    assert (answers[0], answers[2]) == (2, 4)
    assert isinstance(answers[1], RuntimeError)


def test_the_queue_is_bounded_and_waiting_too():
    recorder = Recorder()
    recorder.gate.clear()
    subject = committer(recorder.steps(), limits=Limits(queue_max=1, wait_s=0.2))
    busy, _ = all_at_once(subject, [Wanted("a", 2)])
    while subject._thread is None or subject._queue._count:
        pass
    waiting, answers = all_at_once(subject, [Wanted("a", 4)])
    while subject._queue._count < 1:
        pass
    with pytest.raises(OverloadedError) as full:
        subject.submit(Wanted("b", 2))
    assert full.value.facts == {"waiting": 1}
    for thread in waiting:
        thread.join(10)
    assert isinstance(answers[0], OverloadedError)
    recorder.gate.set()
    for thread in busy:
        thread.join(10)


def test_a_batch_that_lost_a_race_is_decided_again_a_few_times():
    tries = []

    def write(*_):
        tries.append(1)
        if len(tries) < 3:
            raise TryAgainError

    steps = Steps(lock=lambda *_: None, decide=lambda _, wish: wish.number, write=write)
    assert committer(steps).submit(Wanted("a", 7)) == 7
    assert len(tries) == 3
    tries.clear()
    hopeless = Steps(
        lock=lambda *_: None, decide=lambda *_: 1, write=lambda *_: _raise()
    )
    with pytest.raises(OverloadedError):
        committer(hopeless, is_batching=False).submit(Wanted("a", 7))


def _raise():
    raise TryAgainError


def test_it_runs_without_batches_too():
    subject = committer(Recorder().steps(), is_batching=False)
    assert subject.submit(Wanted("a", 2)) == 2
    assert subject._thread is None


class LockedError(Exception):
    sqlstate = "55P03"


class Blocked(Recorder):
    """Steps that find a row locked by somebody else."""

    def lock(self, _, wishes):
        self.batches.append(len(wishes))
        raise OperationalError("SELECT", None, LockedError())


def test_a_row_that_somebody_keeps_locked_fails_the_batch_once_and_not_each_by_itself():
    blocked = Blocked()
    subject = committer(blocked.steps())
    threads, answers = all_at_once(subject, [Wanted("a", no) for no in range(6)])
    for thread in threads:
        thread.join(10)
    assert {type(answer) for answer in answers} == {OverloadedError}
    assert sum(blocked.batches) == 6  # nobody was tried twice


def test_whom_nobody_waits_for_any_more_is_not_tried_again():
    recorder = Recorder()
    subject = committer(recorder.steps(), limits=Limits(wait_s=0.2))
    recorder.gate.clear()
    with pytest.raises(OverloadedError):
        subject.submit(Wanted("a", -1))
    recorder.gate.set()
    assert subject.submit(Wanted("b", 2)) == 2
    assert recorder.batches == [[("b", 2)]]


def test_under_load_a_batch_waits_for_those_just_answered():
    recorder = Recorder()
    subject = committer(recorder.steps(), limits=Limits(linger_s=1.0))
    queue = subject._queue
    for no in range(3):
        queue.put(_ticket(no))
    late = threading.Timer(0.05, lambda: [queue.put(_ticket(no)) for no in (3, 4)])
    late.start()
    assert len(queue.take(10, answered=2, linger_s=1.0)) == 5
    first = threading.Timer(0.05, lambda: [queue.put(_ticket(no)) for no in (6, 7)])
    first.start()  # the first to come back makes no batch of its own
    assert len(queue.take(10, answered=2, linger_s=1.0)) == 2
    queue.put(_ticket(5))
    assert len(queue.take(10, answered=9, linger_s=0.01)) == 1  # they do not come


def _ticket(no):
    return _Ticket(Wanted("a", no), Future())
