"""Placing a hold: have it decided, and give back what has lapsed before refusing."""

import time
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from allocation.errors import (
    AllotmentExhaustedError,
    CapReachedError,
    ProtectedError,
    SeatsTakenError,
    SingleSeatError,
)
from hub.kernel.committer import Committer, W
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Reply
from hub.kernel.metrics import HOLDS
from hub.sales import queries
from hub.sales.errors import PerformanceBusyError
from hub.sales.services.committing import SaleCommitter
from hub.sales.services.halls import halls
from hub.sales.services.lapse import CHUNK, lapse_due
from hub.sales.services.wishes import HoldWish
from settlement.errors import CreditExhaustedError

BUSY_WAIT_S = 5.0
BUSY_PAUSE_S = 0.02
Batch = TypeVar("Batch")
T = TypeVar("T")


def place_hold(committer: SaleCommitter, wish: HoldWish) -> Reply:
    """Have a wish decided; before refusing it, give back what has lapsed and retry."""
    try:
        reply = _place(committer, wish)
    except HubError as refusal:
        HOLDS.labels(refusal.code).inc()
        raise
    HOLDS.labels("replayed" if reply.is_replay else "placed").inc()
    return reply


def _place(committer: SaleCommitter, wish: HoldWish) -> Reply:
    """Submit a wish, and again once each after making room and freeing credit."""
    is_room_made = is_credit_freed = is_limit_freed = False
    while True:
        try:
            return submit(committer, wish)
        except (
            AllotmentExhaustedError,
            SeatsTakenError,
            SingleSeatError,
            ProtectedError,
        ):
            if is_room_made:
                raise
            _make_room(wish)
            is_room_made = True
        except CapReachedError:
            if is_limit_freed or not _lapse_all(wish):
                raise
            is_limit_freed = True
        except CreditExhaustedError:
            if is_credit_freed or not _lapse(agent_id=wish.agent_id):
                raise
            is_credit_freed = True


def submit(committer: Committer[Any, W, Batch, Reply], wish: W) -> Reply:
    """Submit a wish, again while its performance is being changed."""
    return patiently(lambda: committer.submit(wish))


def patiently(work: Callable[[], T]) -> T:
    """Do something again while what it needs is somebody else's, for some seconds."""
    deadline = time.monotonic() + BUSY_WAIT_S
    while True:
        try:
            return work()
        except PerformanceBusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(BUSY_PAUSE_S)


def _make_room(wish: HoldWish) -> None:
    """Give back lapsed holds on a wish's performances, and look at all seats afresh.

    Waits for a twin that is giving them back at this moment; what one has given back
    since the refusal the wish then finds.
    """
    _lapse(performance_ids=sorted(wish.performance_ids))
    if any(line.basket.seat_map for line in wish.lines):
        halls.forget(wish.performance_ids)


def _lapse_all(wish: HoldWish) -> bool:
    """Give back what has lapsed of the performances, of the agent, and of all others.

    A counter may be of all performances of a production, or of all agents.
    """
    is_any = _lapse(performance_ids=sorted(wish.performance_ids))
    is_any |= _lapse(agent_id=wish.agent_id)
    return _lapse() or is_any


def _lapse(
    *, performance_ids: list[UUID] | None = None, agent_id: UUID | None = None
) -> bool:
    """Give back the lapsed holds of performances or an agent; say if there were any."""
    whose: dict[str, Any] = {"performance_ids": performance_ids, "agent_id": agent_id}
    with transaction() as session:
        if not queries.has_due_holds(session, **whose):
            return False
    lapsed = CHUNK
    while lapsed == CHUNK:
        with transaction() as session:
            lapsed = lapse_due(session, **whose)
    return True
