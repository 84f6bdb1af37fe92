"""Work on several things at a time, each in a transaction of its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Thing = TypeVar("Thing")
Done = TypeVar("Done")


def each_of(
    found: Sequence[Thing], work: Callable[[Thing], Done], *, at_once: int
) -> Iterator[Done]:
    """Yield what *work* makes of each thing, in order; what fails is raised at once.

    Stopped or failed, what has begun is finished, and nothing else is begun.
    """
    left = iter(enumerate(found))
    running: dict[Future[Done], int] = {}
    made: dict[int, Done] = {}
    told = 0
    with ThreadPoolExecutor(at_once) as pool:
        while True:
            for no, thing in islice(left, at_once - len(running)):
                running[pool.submit(work, thing)] = no
            if not running:
                return
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                made[running.pop(done)] = done.result()
            while told in made:
                yield made.pop(told)
                told += 1
