"""Giving seats back: holds whose time is up, or that their agent lets go."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from allocation.services.tree import free_seats, give_back, lower_caps
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.sales import queries
from hub.sales.errors import SaleUnderWayError
from hub.sales.models import Hold, HoldLine
from hub.sales.rules import HoldState, refuse_if_changed, refuse_unless_held, sums
from settlement.services.credit import Move, move_credit

CHUNK = 500
_LET_GO = text(
    "UPDATE supplier_order SET next_at = clock_timestamp() WHERE hold_id = :hold"
    " AND state = 'locked'"
)
_END = text(
    "UPDATE hold AS h SET state = :state, version = version + 1, reason = :reason,"
    " ended_at = clock_timestamp() + w.clock_offset FROM world w"
    " WHERE w.name = h.world AND h.id = ANY(:ids)"
)
_RESERVED = text(
    "SELECT q.agent_contract_id AS contract_id, sum(l.owed_minor)::bigint AS owed"
    " FROM hold_line l JOIN frozen_quote q ON q.id = l.quote_id"
    " WHERE l.hold_id = ANY(:ids) GROUP BY 1"
)


_RESERVED_BY = text(
    "SELECT q.agent_contract_id AS contract_id, sum(l.owed_minor)::bigint AS owed"
    " FROM hold_line l JOIN frozen_quote q ON q.id = l.quote_id"
    " WHERE l.hold_id = :hold AND l.no = ANY(:numbers) GROUP BY 1"
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
    end_holds(session, due, HoldState.LAPSED)
    return len(due)


def release_hold(
    session: Session, who: Caller, hold_id: UUID, version: int | None = None
) -> Hold:
    """Let a hold go; letting go twice is no mistake, letting go an order is.

    HoldChangedError if it has another version than the one its agent knows.
    """
    hold = queries.get_hold(
        session, hold_id, world=who.world, agent_id=who.partner, lock=True
    )
    if hold.state in {HoldState.RELEASED, HoldState.LAPSED}:
        return hold
    if hold.is_frozen:
        raise SaleUnderWayError(hold_id=hold_id)
    refuse_unless_held(hold.state, is_past=False, hold_id=hold_id)
    refuse_if_changed(hold.version, version)
    is_past = hold.expires_at <= clock.now(session, who.world)
    end_holds(session, [hold_id], HoldState.LAPSED if is_past else HoldState.RELEASED)
    session.execute(_LET_GO, {"hold": hold_id})
    session.refresh(hold)
    return hold


def end_holds(
    session: Session,
    hold_ids: Sequence[UUID],
    state: HoldState,
    reason: str | None = None,
) -> None:
    """End holds that are locked and stand: seats, counters and credit go back."""
    if not hold_ids:
        return
    session.execute(_END, {"ids": list(hold_ids), "state": state, "reason": reason})
    _give_back(session, queries.hold_lines(session, hold_ids))
    rows = session.execute(_RESERVED, {"ids": list(hold_ids)})
    move_credit(session, {r.contract_id: Move(reserved=-r.owed) for r in rows})


def _give_back(session: Session, lines: Sequence[HoldLine]) -> None:
    """Give seats and counters of lines back, in the order of locks."""
    give_back(session, sums(paid for line in lines for paid in payers(line)))
    free_seats(
        session,
        [(line.performance_id, seat) for line in lines for seat in line.seat_ids],
    )
    counted = ((cap, n.quantity) for n in lines for cap in (*n.caps, *n.held_caps))
    lower_caps(session, sums(counted))


def drop_lines(session: Session, hold_id: UUID, numbers: Sequence[int]) -> None:
    """Take lines out of a hold that stands: what they held goes back, they are gone."""
    where = {"hold": hold_id, "numbers": list(numbers)}
    reserved = session.execute(_RESERVED_BY, where).all()
    lines = [
        line for line in queries.hold_lines(session, [hold_id]) if line.no in numbers
    ]
    _give_back(session, lines)
    for line in lines:
        session.delete(line)
    session.flush()
    move_credit(session, {r.contract_id: Move(reserved=-r.owed) for r in reserved})


def payers(line: HoldLine) -> list[tuple[UUID, int]]:
    """Return who paid for the seats of a line: (node, seats)."""
    if line.seat_nodes:
        return [(node, 1) for node in line.seat_nodes]
    return [(line.node_id, line.quantity)]
