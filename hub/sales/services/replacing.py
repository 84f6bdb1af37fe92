"""New codes for tickets: what was lost opens no door any more."""

from uuid import UUID

from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.sales import queries
from hub.sales.errors import NotLiveError, TicketCancelledError, TicketUsedError
from hub.sales.models import FormerCode, Order
from hub.sales.queries.supplied import parts_of
from hub.sales.rules import new_code


def replace_code(
    session: Session, who: Caller, order_id: UUID, ticket_id: UUID, reason: str
) -> Order:
    """Give a ticket a new code; a shared code changes for all that share it.

    TicketUsedError, TicketCancelledError where there is nothing to replace.
    """
    order = queries.get_order(
        session, order_id, world=who.world, agent_id=who.partner, lock=True
    )
    tickets = queries.tickets(session, [order_id])
    found = next((ticket for ticket in tickets if ticket.id == ticket_id), None)
    if found is None:
        raise NotFoundError(ticket_id=ticket_id)
    if found.cancelled_at is not None:
        raise TicketCancelledError(ticket_id=ticket_id)
    sold = parts_of(session, [order.hold_id]).get(order.hold_id, ())
    if any(part.performance_id == found.performance_id for part in sold):
        raise NotLiveError(wanted="another code")  # the supplier's door knows its own
    same = [ticket for ticket in tickets if ticket.code == found.code]
    used = [ticket.id for ticket in same if ticket.used_at is not None]
    if used:
        raise TicketUsedError(ticket_ids=used)
    now, code = clock.now(session, who.world), new_code()
    session.add(
        FormerCode(code=found.code, order_id=order_id, ended_at=now, reason=reason)
    )
    for ticket in same:
        ticket.code = code
    order.version += 1
    session.flush()
    return order
