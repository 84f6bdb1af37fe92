"""The fence of a closing: every transaction that was open has ended."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import text
from sqlalchemy.orm import Session

from settlement.errors import ClosingWaitsError

FENCE_TIMEOUT_S = 30.0
FENCE_POLL_S = 0.05
_MARK = text("SELECT pg_current_xact_id()::text")
_OLDEST = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")


def fence(
    transaction: Callable[[], AbstractContextManager[Session]],
    *,
    timeout_s: float = FENCE_TIMEOUT_S,
) -> int:
    """Wait until every transaction open at the call has ended; return the watermark.

    The watermark is a transaction id of our own: all that were open then are below
    it. ClosingWaitsError when one of them stays open past the time-out.
    """
    with transaction() as session:
        mark = int(session.scalars(_MARK).one())
    deadline = time.monotonic() + timeout_s
    while True:
        with transaction() as session:
            oldest = int(session.scalars(_OLDEST).one())
        if oldest > mark:
            return mark
        if time.monotonic() > deadline:
            raise ClosingWaitsError(waited_s=timeout_s, oldest=oldest, mark=mark)
        time.sleep(FENCE_POLL_S)
