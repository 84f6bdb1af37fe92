"""What suppliers take back: they are asked, and what they say is done here, too.

A worker asks first whether it has been done already, then says it again: giving back
is a wish for a state, under the order's own key.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from connectors.errors import NoAnswerError, SaidNoError
from connectors.ports import OrderWanted, Port, Sold, Standing, TicketSold
from connectors.services.guarding import Suppliers
from hub.kernel import clock
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Claim, Key
from hub.sales import queries as sales
from hub.sales.errors import SupplierUnavailableError
from hub.sales.models import Order, SupplierOrder, Ticket
from hub.sales.queries import supplied as queries
from hub.sales.rules.returning import AGENT
from hub.sales.rules.supplied import CASE_AFTER_S, PartState, backoff_s
from hub.sales.services.cancelling import giving_of, take_back
from hub.sales.services.supplied.asking import Outcome, ask
from hub.sales.services.supplied.refusing import forget_key, refusal


def go_on_cancelling(
    suppliers: Suppliers, part_id: UUID, *, fence: int | None, pace: float = 1.0
) -> HubError | None:
    """Ask a supplier to take tickets back; return its refusal, if it refuses.

    With a *fence* of a worker: it is asked first whether it has done so already.
    """
    with transaction() as session:
        part = session.get_one(SupplierOrder, part_id)
        if part.state != PartState.CANCELLING or part.cancelling is None:
            return None
        tickets = _of_part(session, part)
        order, source_id = queries.order_wanted(part), part.source_id
        is_again, fence = fence is not None, part.fence if fence is None else fence

    def cancel(port: Any) -> None:
        if is_again and port.capabilities.ask_by_key and _is_done(port, order):
            return
        port.cancel(order, tickets)

    outcome = ask(suppliers, source_id, "cancel", cancel)
    if is_again and not outcome.is_reached:  # but it may have been reached before
        outcome = replace(outcome, is_unknown=True)
    with transaction() as session:
        return _noted(session, part_id, outcome, fence=fence, pace=pace)


def _is_done(port: Port, order: OrderWanted) -> bool:
    """Say whether a supplier has taken an order back; NoAnswerError if it won't say."""
    try:
        return port.ask(order).standing is Standing.CANCELLED
    except SaidNoError as error:
        raise NoAnswerError(str(error)) from error


def _of_part(session: Session, part: SupplierOrder) -> list[TicketSold]:
    """Return the tickets that are to be taken back, by their codes and seats there."""
    assert part.cancelling is not None  # noqa: S101 - it is being cancelled
    ids = {UUID(one) for one in part.cancelling["tickets"]}
    sold = msgspec.convert(part.sold, Sold)
    codes = {one.id: one for one in session.scalars(_tickets(ids))}
    wanted = [codes[one].code for one in sorted(ids)]
    if sold.is_shared:
        return list(sold.tickets[: len(wanted)])
    by_code = {ticket.code: ticket for ticket in sold.tickets}
    return [by_code.get(code, TicketSold(code)) for code in wanted]


def _tickets(ids: Collection[UUID]) -> Any:
    return select(Ticket).where(Ticket.id.in_(ids))


def _noted(
    session: Session, part_id: UUID, outcome: Outcome[None], *, fence: int, pace: float
) -> HubError | None:
    hold_id = session.get_one(SupplierOrder, part_id).hold_id
    session.scalars(select(Order).where(Order.hold_id == hold_id).with_for_update())
    part = session.get_one(
        SupplierOrder, part_id, with_for_update=True, populate_existing=True
    )
    if part.state != PartState.CANCELLING or part.fence != fence:
        return None
    now = clock.real(session)
    part.said = outcome.said
    if outcome.is_unknown:
        part.next_at = now + timedelta(seconds=backoff_s(part.attempts, pace))
        since = part.sent_at or now
        if now - since > timedelta(seconds=CASE_AFTER_S):
            part.case_since = part.case_since or now
        return None
    conclude_cancelling(session, part, is_taken_back=outcome.reason is None)
    if outcome.reason is None:
        return None
    if not outcome.is_reached:
        return SupplierUnavailableError(performance_id=part.performance_id)
    return refusal(queries.order_wanted(part), outcome, part.performance_id)


def conclude_cancelling(
    session: Session, part: SupplierOrder, *, is_taken_back: bool
) -> None:
    """Conclude a cancellation that is answered: undo it here, or leave it sold."""
    assert part.cancelling is not None  # noqa: S101 - it is being cancelled
    said = part.cancelling
    part.cancelling, part.next_at, part.case_since = None, None, None
    part.state = PartState.SOLD
    if is_taken_back:
        _undo(session, part, {UUID(one) for one in said["tickets"]})
    else:  # a repeat may ask again
        key = Key(said["world"], UUID(said["owner"]), said["key"])
        forget_key(session, Claim(key, b""))


def _undo(session: Session, part: SupplierOrder, ids: Collection[UUID]) -> None:
    """Undo here what a supplier has taken back; all of it gone, the part is ended.

    What was used meanwhile stays, and is for a person: its money went back there.
    """
    wanted = select(Order).where(Order.hold_id == part.hold_id).with_for_update()
    order = session.scalars(wanted).one()
    own = [
        ticket
        for ticket in sales.tickets(session, [order.id])
        if ticket.performance_id == part.performance_id
    ]
    left = [t for t in own if t.cancelled_at is None]
    chosen = {t.id for t in left if t.id in ids and t.used_at is None}
    if any(t.id in ids and t.used_at is not None for t in left):
        part.case_since, part.said = clock.real(session), "used, and taken back there"
    if chosen:
        take_back(session, giving_of(session, order, chosen), chosen, AGENT)
    if {t.id for t in left} == chosen:
        part.state = PartState.ENDED
