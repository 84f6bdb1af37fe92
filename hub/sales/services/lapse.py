"""Giving seats back: holds whose time is up, or that their agent lets go."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.services.tree import free_seats, give_back
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.sales import queries
from hub.sales.models import Hold
from hub.sales.rules import HoldState, refuse_unless_held, sums
from settlement.services.credit import Move, move_credit

CHUNK = 500
_END = text(
    "UPDATE hold SET state = :state, version = version + 1 WHERE id = ANY(:ids)"
)
_RESERVED = text(
    "SELECT (quote->'agent'->>'contract_id')::uuid AS contract_id,"
    " sum(owed_minor)::bigint AS owed FROM hold_line WHERE hold_id = ANY(:ids)"
    " GROUP BY 1"
)


def lapse_due(
    session: Session,
    *,
    performance_ids: Sequence[UUID] | None = None,
    agent_id: UUID | None = None,
) -> int:
    """End holds whose time is up, give seats and credit back; return how many.

    Of some performances, of an agent, or all.
    """
    due = queries.lock_due_holds(
        session, performance_ids=performance_ids, agent_id=agent_id, most=CHUNK
    )
    _end(session, due, HoldState.LAPSED)
    return len(due)


def release_hold(session: Session, who: Caller, hold_id: UUID) -> Hold:
    """Let a hold go; letting go twice is no mistake, letting go an order is."""
    hold = queries.get_hold(
        session, hold_id, world=who.world, agent_id=who.partner, lock=True
    )
    if hold.state in {HoldState.RELEASED, HoldState.LAPSED}:
        return hold
    refuse_unless_held(hold.state, is_past=False, hold_id=hold_id)
    is_past = hold.expires_at <= clock.now(session, who.world)
    _end(session, [hold_id], HoldState.LAPSED if is_past else HoldState.RELEASED)
    session.refresh(hold)
    return hold


def _end(session: Session, hold_ids: Sequence[UUID], state: HoldState) -> None:
    if not hold_ids:
        return
    session.execute(_END, {"ids": list(hold_ids), "state": state})
    lines = queries.hold_lines(session, hold_ids)
    give_back(session, sums((line.node_id, line.quantity) for line in lines))
    free_seats(
        session,
        [(line.performance_id, seat) for line in lines for seat in line.seat_ids],
    )
    rows = session.execute(_RESERVED, {"ids": list(hold_ids)})
    move_credit(session, {r.contract_id: Move(reserved=-r.owed) for r in rows})
