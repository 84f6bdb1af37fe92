"""Giving back what suppliers have sold: they are asked first, then it is undone here.

The intent claims the request's key; a supplier that does not answer is asked after by
a worker. Giving back is a wish for a state, under the order's own key: it may be said
twice, and is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.errors import NoAnswerError, SaidNoError
from connectors.models import Source
from connectors.ports import (
    Capabilities,
    OrderWanted,
    Port,
    Sold,
    Standing,
    TicketSold,
)
from connectors.services.guarding import Suppliers
from hub.catalogue.models import Performance
from hub.kernel import clock, idempotency
from hub.kernel.callers import Caller
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Claim, Key, Reply
from hub.sales import queries as sales
from hub.sales.errors import (
    MustAlsoCancelError,
    SaleUnderWayError,
    SupplierUnavailableError,
)
from hub.sales.models import Order, SupplierOrder, Ticket
from hub.sales.queries import supplied as queries
from hub.sales.rules.returning import AGENT
from hub.sales.rules.supplied import CASE_AFTER_S, PartState, backoff_s
from hub.sales.services.cancelling import Giving, checked, giving_of, take_back
from hub.sales.services.supplied.asking import Outcome, ask
from hub.sales.services.supplied.holding import grace_s
from hub.sales.services.supplied.refusing import forget_key, refusal
from hub.sales.services.supplied.telling import order_view

CREATED, ACCEPTED = 201, 202
_LIVE = text(
    "SELECT EXISTS (SELECT FROM sale_order o JOIN supplier_order p"
    " ON p.hold_id = o.hold_id WHERE o.id = :order AND o.world = :world"
    " AND o.agent_id = :agent)"
)


def has_live(session: Session, who: Caller, order_id: UUID) -> bool:
    """Say whether a supplier has sold any of an agent's order."""
    where = {"order": order_id, "world": who.world, "agent": who.partner}
    return bool(session.scalar(_LIVE, where))


def cancel_live(
    suppliers: Suppliers,
    who: Caller,
    claim: Claim,
    order_id: UUID,
    wanted: dict[str, Any],
) -> Reply:
    """Cancel tickets, asking their suppliers: 201 with the order, 202 while not known.

    What the hub itself has sold of them is cancelled at once. SupplierRefusedError if
    nothing was.
    """
    able = _able(suppliers, order_id)
    begun = Begun()
    with transaction() as session:

        def intend() -> tuple[int, bytes]:
            found = checked(session, who, order_id, wanted)
            _intend(session, able, claim, found, begun)
            return ACCEPTED, msgspec.json.encode({"id": str(order_id)})

        earlier = idempotency.once(session, claim, intend)
    error: HubError | None = None
    for part_id in begun.parts:
        error = go_on_cancelling(suppliers, part_id, fence=None) or error
    with transaction() as session:
        body = order_view(session, who, order_id)
        is_waiting = bool(body["cancelling"])
        undone = {t["id"] for t in body["tickets"] if t["state"] == "cancelled"}
        is_nothing = not is_waiting and not undone & begun.tickets
        if error is not None and is_nothing:
            forget_key(session, claim)
    if error is not None and is_nothing:
        raise error
    status = ACCEPTED if is_waiting else CREATED
    return Reply(status, body, is_replay=earlier is not None)


@dataclass(slots=True)
class Begun:
    """What a request has begun: the parts it asks about, and its tickets."""

    parts: list[UUID] = field(default_factory=list)
    tickets: set[str] = field(default_factory=set)


def _able(suppliers: Suppliers, order_id: UUID) -> dict[UUID, Capabilities]:
    """Return what the suppliers of an order can do; before its transaction."""
    with transaction() as session:
        order = session.get(Order, order_id)
        parts = [] if order is None else queries.parts(session, order.hold_id)
        sources = {part.source_id for part in parts}
    return {source_id: suppliers.capabilities(source_id) for source_id in sources}


def _intend(
    session: Session,
    able: Mapping[UUID, Capabilities],
    claim: Claim,
    found: Giving,
    begun: Begun,
) -> None:
    """Write down what suppliers are to take back; cancel at once what they need not."""
    parts = {
        part.performance_id: part
        for part in queries.parts(session, found.order.hold_id, lock=True)
    }
    chosen: dict[UUID, list[Ticket]] = {}
    for ticket in found.tickets:
        if ticket.id in found.chosen:
            chosen.setdefault(ticket.performance_id, []).append(ticket)
    now = clock.real(session)
    own: list[UUID] = []
    for performance_id, tickets in chosen.items():
        part = parts.get(performance_id)
        begun.tickets |= {str(ticket.id) for ticket in tickets}
        if part is not None and part.state == PartState.CANCELLING:
            raise SaleUnderWayError(performance_id=performance_id)
        if part is None or _is_cancelled(session, performance_id):
            own += [ticket.id for ticket in tickets]  # nobody need be asked
            continue
        _refuse_part_of(able[part.source_id], part, found, tickets)
        begun.parts.append(part.id)
        source = session.get_one(Source, part.source_id)
        key = claim.key
        part.state, part.sent_at, part.attempts = PartState.CANCELLING, now, 0
        part.next_at = now + timedelta(seconds=grace_s(source))
        part.cancelling = {
            "tickets": [str(ticket.id) for ticket in tickets],
            "world": key.world,
            "owner": str(key.owner_id),
            "key": key.key,
        }
    if own:
        take_back(session, found, own, AGENT)
    session.flush()


def _is_cancelled(session: Session, performance_id: UUID) -> bool:
    """Say whether the supplier itself has cancelled a performance."""
    return session.get_one(Performance, performance_id).status == "cancelled"


def _refuse_part_of(
    able: Capabilities,
    part: SupplierOrder,
    found: Giving,
    tickets: Collection[Ticket],
) -> None:
    """Refuse what a supplier cannot do: cancel at all, or in part."""
    if not able.cancel:
        outcome: Outcome[None] = Outcome(
            reason="not-allowed", said="it takes nothing back"
        )
        raise refusal(queries.order_wanted(part), outcome, part.performance_id)
    left = [
        ticket
        for ticket in found.tickets
        if ticket.performance_id == part.performance_id and ticket.cancelled_at is None
    ]
    if not able.partial_cancel and len(left) > len(tickets):
        also = {ticket.id for ticket in left} - {ticket.id for ticket in tickets}
        raise MustAlsoCancelError(ticket_ids=sorted(also))


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
