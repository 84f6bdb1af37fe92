"""Slowness on purpose, of a few at a time: threads are for live callers, too."""

import threading
import time

AT_ONCE = 2
_turns = threading.BoundedSemaphore(AT_ONCE)


def dawdle(seconds: float) -> None:
    """Wait so long, unless others of this process are waiting so already."""
    if _turns.acquire(blocking=False):
        try:
            time.sleep(seconds)
        finally:
            _turns.release()
