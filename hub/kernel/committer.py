"""Group commit: one thread takes what is waiting and decides it in one transaction.

The kernel knows nothing of what is decided: *lock*, *decide* and *write* are passed in.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sqlalchemy.exc import OperationalError

from hub.kernel.errors import HubError, OverloadedError

Answer = TypeVar("Answer")
Batch = TypeVar("Batch")


class TryAgainError(Exception):
    """Another transaction was faster: the batch is rolled back and decided again."""


class Wish(Protocol):
    """What a caller wants; wishes of one owner take turns with those of others."""

    @property
    def owner(self) -> Hashable: ...


W = TypeVar("W", bound=Wish)
Handle = TypeVar("Handle")


@dataclass(frozen=True, slots=True)
class Steps(Generic[Handle, W, Batch, Answer]):
    """How a batch is carried out inside one transaction, by whatever handle it has.

    ``lock`` reads and locks everything the wishes touch, ``decide`` answers one wish
    (a refusal is an answer: a HubError), ``write`` stores what was decided.
    """

    lock: Callable[[Handle, Sequence[W]], Batch]
    decide: Callable[[Batch, W], Answer | HubError]
    write: Callable[[Handle, Batch], None]

    def run(self, session: Handle, wishes: Sequence[W]) -> list[Answer | HubError]:
        """Lock, decide each in turn, write; the caller commits."""
        batch = self.lock(session, wishes)
        answers = [self.decide(batch, wish) for wish in wishes]
        self.write(session, batch)
        return answers


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a committer: wishes waiting, wishes a batch, seconds of waiting.

    *linger_s*: how long a batch waits at most, under load, for callers that were
    answered just now to come back: two half batches cost nearly twice a whole one. It
    never waits longer than the batch before took.
    """

    queue_max: int = 2_000
    batch_max: int = 128
    wait_s: float = 10.0
    linger_s: float = 0.02
    tries: int = 4


@dataclass(slots=True)
class _Ticket(Generic[W, Answer]):
    wish: W
    answer: "Future[Answer]"
    is_given_up: bool = False


class FairQueue(Generic[W, Answer]):
    """Waiting wishes, handed out one owner after the other, each in arrival order."""

    def __init__(self, queue_max: int) -> None:
        self._queue_max = queue_max
        self._waiting: OrderedDict[Hashable, deque[_Ticket[W, Answer]]] = OrderedDict()
        self._count = 0
        self._wanted = 1
        self._changed = threading.Condition()

    def put(self, ticket: _Ticket[W, Answer]) -> None:
        with self._changed:
            if self._count >= self._queue_max:
                raise OverloadedError(waiting=self._count)
            self._waiting.setdefault(ticket.wish.owner, deque()).append(ticket)
            self._count += 1
            if self._count >= self._wanted:
                self._changed.notify()

    def take(
        self, most: int, *, answered: int = 0, linger_s: float = 0.0
    ) -> list[_Ticket[W, Answer]]:
        """Wait for work, then return up to *most* tickets, owners in turn.

        Wait a little for as many as were just *answered*, so that the first of them
        to come back does not make a batch of its own; one alone is never kept.
        """
        with self._changed:
            self._wanted = min(most, self._count + answered)
            if self._wanted > 1:
                self._changed.wait_for(self._is_enough, linger_s)
            self._wanted = 1
            while not self._count:
                self._changed.wait()
            taken: list[_Ticket[W, Answer]] = []
            while self._waiting and len(taken) < most:
                owner, tickets = self._waiting.popitem(last=False)
                taken.append(tickets.popleft())
                if tickets:
                    self._waiting[owner] = tickets
            self._count -= len(taken)
            return taken

    def _is_enough(self) -> bool:
        return self._count >= self._wanted


class Committer(Generic[Handle, W, Batch, Answer]):
    """Carries out wishes in batches; one thread per process, started at first use."""

    def __init__(
        self,
        steps: Steps[Handle, W, Batch, Answer],
        *,
        open_transaction: Callable[[], AbstractContextManager[Handle]],
        limits: Limits = Limits(),
        is_batching: bool = True,
    ) -> None:
        self._steps = steps
        self._limits = limits
        self._is_batching = is_batching
        self._transaction = open_transaction
        self._queue: FairQueue[W, Answer] = FairQueue(limits.queue_max)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, wish: W) -> Answer:
        """Have *wish* decided and committed; raise its refusal.

        OverloadedError when the queue is full or the answer does not come in time;
        the outcome is then unknown, and the same idempotency key finds it out.
        """
        if not self._is_batching:
            return _answer_of(self._carry_out([wish])[0])
        ticket: _Ticket[W, Answer] = _Ticket(wish, Future())
        self._queue.put(ticket)
        self._start()
        try:
            return ticket.answer.result(self._limits.wait_s)
        except FutureTimeoutError:
            ticket.is_given_up = True
            ticket.answer.cancel()
            raise OverloadedError(waited_s=self._limits.wait_s) from None

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._serve, name="committer", daemon=True
                )
                self._thread.start()

    def _serve(self) -> None:
        answered, took_s = 0, 0.0
        while True:
            taken = self._queue.take(
                self._limits.batch_max,
                answered=answered,
                linger_s=min(self._limits.linger_s, took_s),
            )
            answered, began = len(taken), time.monotonic()
            tickets = [t for t in taken if t.answer.set_running_or_notify_cancel()]
            if tickets:
                self._answer(tickets)
            took_s = time.monotonic() - began

    def _answer(self, tickets: list[_Ticket[W, Answer]]) -> None:
        tickets = [ticket for ticket in tickets if not ticket.is_given_up]
        if not tickets:
            return
        try:
            answers = self._carry_out([ticket.wish for ticket in tickets])
        except Exception as error:  # noqa: BLE001 - a broken wish must not stop the rest
            if is_kept_waiting(error):  # nobody's wish is broken: all may come back
                for ticket in tickets:
                    ticket.answer.set_exception(
                        OverloadedError(reason="somebody keeps a row locked")
                    )
                return
            if len(tickets) == 1:
                tickets[0].answer.set_exception(error)
                return
            for ticket in tickets:
                self._answer([ticket])
            return
        for ticket, answer in zip(tickets, answers, strict=True):
            if isinstance(answer, HubError):
                ticket.answer.set_exception(answer)
            else:
                ticket.answer.set_result(answer)

    def _carry_out(self, wishes: list[W]) -> list[Answer | HubError]:
        for attempt in range(1, self._limits.tries + 1):
            try:
                with self._transaction() as session:
                    return self._steps.run(session, wishes)
            except (OperationalError, TryAgainError) as error:
                if attempt == self._limits.tries or not is_retryable(error):
                    if isinstance(error, TryAgainError):
                        raise OverloadedError(tries=attempt) from None
                    raise
                time.sleep(0.005 * attempt)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises


def is_retryable(error: OperationalError | TryAgainError) -> bool:
    """Say whether another try may do: deadlock, serialisation, or lost seats."""
    if isinstance(error, TryAgainError):
        return True
    return getattr(error.orig, "sqlstate", None) in {"40P01", "40001"}


def is_kept_waiting(error: Exception) -> bool:
    """Say whether somebody else holds a row for longer than a batch waits.

    Each wish by itself would wait as long again, one after the other.
    """
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state in {"55P03", "57014"}


def _answer_of(answer: Answer | HubError) -> Answer:
    if isinstance(answer, HubError):
        raise answer
    return answer
