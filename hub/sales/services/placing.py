"""Placing a hold: have it decided, and give back what has lapsed before refusing."""

import time
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from allocation import queries as allocation
from allocation.errors import AllotmentExhaustedError, SeatsTakenError
from allocation.rules.tree import available
from hub.kernel.committer import Committer, W
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Reply
from hub.kernel.metrics import HOLDS
from hub.sales import queries
from hub.sales.errors import PerformanceBusyError
from hub.sales.services.holds import HoldCommitter
from hub.sales.services.lapse import CHUNK, lapse_due
from hub.sales.services.wishes import HoldWish
from settlement.errors import CreditExhaustedError

BUSY_WAIT_S = 5.0
BUSY_PAUSE_S = 0.02
Batch = TypeVar("Batch")


def place_hold(committer: HoldCommitter, wish: HoldWish) -> Reply:
    """Have a wish decided; before refusing it, give back what has lapsed and retry."""
    try:
        reply = _place(committer, wish)
    except HubError as refusal:
        HOLDS.labels(refusal.code).inc()
        raise
    HOLDS.labels("replayed" if reply.is_replay else "placed").inc()
    return reply


def _place(committer: HoldCommitter, wish: HoldWish) -> Reply:
    """Submit a wish, and again once each after making room and freeing credit."""
    is_room_made = is_credit_freed = False
    while True:
        try:
            return submit(committer, wish)
        except (AllotmentExhaustedError, SeatsTakenError):
            if is_room_made or not _make_room(wish):
                raise
            is_room_made = True
        except CreditExhaustedError:
            if is_credit_freed or not _lapse(agent_id=wish.agent_id):
                raise
            is_credit_freed = True


def submit(committer: Committer[W, Batch, Reply], wish: W) -> Reply:
    """Submit a wish, again while its performance is being changed."""
    deadline = time.monotonic() + BUSY_WAIT_S
    while True:
        try:
            return committer.submit(wish)
        except PerformanceBusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(BUSY_PAUSE_S)


def _make_room(wish: HoldWish) -> bool:
    """Give back lapsed holds on a wish's performances; return whether it may fit now.

    Waits for a twin that is giving them back at this moment, and sees what one has
    given back since the refusal.
    """
    if _lapse(performance_ids=sorted(wish.performance_ids)):
        return True
    with transaction() as session:
        return _has_room(session, wish)


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


def _has_room(session: Session, wish: HoldWish) -> bool:
    paths = allocation.agent_paths(session, wish.performance_ids, wish.agent_id)
    for line in wish.lines:
        free = available(paths.get(line.offer.root_id, ()))
        if free is not None and free < line.quantity:
            return False
    taken = allocation.taken_seats(session, wish.performance_ids)
    return not any(
        seat in taken[line.offer.performance_id]
        for line in wish.lines
        for seat in line.seats
    )
