"""Sales that need a person: listed, and settled by what it has found out."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.ports import Sold, TicketSold
from hub.kernel import clock
from hub.kernel.errors import InvalidRequestError, NotFoundError
from hub.sales.models import SupplierOrder
from hub.sales.queries import supplied as queries
from hub.sales.rules.supplied import PartState
from hub.sales.services.supplied.returned import conclude_cancelling


def list_cases(
    session: Session, *, world: str, after: UUID | None, limit: int
) -> Sequence[SupplierOrder]:
    """Return what needs a person, oldest first, one more than *limit*."""
    wanted = select(SupplierOrder).where(
        SupplierOrder.world == world, SupplierOrder.case_since.is_not(None)
    )
    if after is not None:
        wanted = wanted.where(SupplierOrder.id > after)
    return session.scalars(wanted.order_by(SupplierOrder.id).limit(limit + 1)).all()


def told(part: SupplierOrder) -> dict[str, Any]:
    """Return a case as it is told: what was asked, under which key, what came back."""
    order = queries.order_wanted(part) if part.wanted else None
    return {
        "id": part.id,
        "key": part.id.hex,
        "theirs": part.theirs,
        "source_id": part.source_id,
        "agent_id": part.agent_id,
        "hold_id": part.hold_id,
        "performance_id": part.performance_id,
        "state": part.state,
        "reason": part.reason,
        "said": part.said,
        "tickets": 0 if order is None else order.quantity,
        "seats": [
            {"row": seat.row, "number": seat.number}
            for line in (order.lines if order else ())
            for seat in line.seats
        ],
        "attempts": part.attempts,
        "sent_at": part.sent_at,
        "case_since": part.case_since,
    }


def decide(
    session: Session,
    case_id: UUID,
    *,
    world: str,
    is_sold: bool,
    codes: Sequence[str],
) -> SupplierOrder:
    """Settle a case by what a person was told by the supplier; a worker goes on.

    InvalidRequestError where what was sold has no codes, or not one for each ticket.
    """
    part = session.get(SupplierOrder, case_id, with_for_update=True)
    if part is None or part.world != world or part.case_since is None:
        raise NotFoundError(case_id=case_id)
    now = clock.real(session)
    part.fence += 1
    if part.cancelling is not None:
        conclude_cancelling(session, part, is_taken_back=not is_sold)
        session.flush()
        return part
    if is_sold:
        _sold(part, codes)
        if queries.sale_of(session, part.hold_id) is None:
            part.state = PartState.UNDOING  # it was only to be locked: it goes back
    else:
        part.state, part.sold = PartState.ENDED, None
        part.reason = part.reason or "no-answer"
    part.case_since, part.next_at = None, now
    session.flush()
    return part


def _sold(part: SupplierOrder, codes: Sequence[str]) -> None:
    order = queries.order_wanted(part)
    is_shared = len(codes) == 1 and order.quantity > 1
    is_each = len(set(codes)) == len(codes) == order.quantity
    if not is_shared and not is_each:
        reason = f"one code, or another for each of {order.quantity} tickets"
        raise InvalidRequestError(field="codes", reason=reason)
    seats: list[str | None] = [*order.seat_codes()]
    seats += [None] * (order.quantity - len(seats))
    every = list(codes) * order.quantity if is_shared else list(codes)
    tickets = tuple(
        TicketSold(code, seat) for code, seat in zip(every, seats, strict=True)
    )
    sold = Sold(part.theirs or part.id.hex, tickets, is_shared)
    part.sold, part.state, part.reason = (
        msgspec.to_builtins(sold),
        PartState.SOLD,
        None,
    )
