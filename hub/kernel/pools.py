"""Work on several things at a time, each in a transaction of its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")
Done = TypeVar("Done")


def each_of(
    found: Sequence[Thing], work: Callable[[Thing], Done], *, at_once: int
) -> Iterator[Done]:
    """Yield what *work* makes of each thing, in order; what fails is raised.

    Stopped or failed, what has begun is finished, and nothing else is begun.
    """
    with ThreadPoolExecutor(at_once) as pool:
        try:
            yield from pool.map(work, found)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
