"""Giving back what suppliers have sold: they are asked first, then it is undone here.

The intent claims the request's key; a supplier that does not answer is asked after by
a worker.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.models import Source
from connectors.ports import (
    Capabilities,
)
from connectors.services.guarding import Suppliers
from hub.catalogue.models import Performance
from hub.kernel import clock, idempotency
from hub.kernel.callers import Caller
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Claim, Key, Reply
from hub.sales.errors import (
    MustAlsoCancelError,
    SaleUnderWayError,
)
from hub.sales.models import Order, SupplierOrder, Ticket
from hub.sales.queries import supplied as queries
from hub.sales.rules.returning import AGENT
from hub.sales.rules.supplied import PartState
from hub.sales.services.cancelling import Giving, checked, take_back
from hub.sales.services.supplied.asking import Outcome
from hub.sales.services.supplied.holding import grace_s
from hub.sales.services.supplied.refusing import forget_key, refusal
from hub.sales.services.supplied.returned import go_on_cancelling
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
        part.state, part.sent_at, part.attempts = PartState.CANCELLING, now, 0
        part.next_at = now + timedelta(seconds=grace_s(source))
        part.cancelling = _wish(tickets, claim.key)
    if own:
        take_back(session, found, own, AGENT)
    session.flush()


def _wish(tickets: Collection[Ticket], key: Key) -> dict[str, Any]:
    """Return what a part is to remember of its cancellation: its tickets, whose key."""
    return {
        "tickets": [str(ticket.id) for ticket in tickets],
        "world": key.world,
        "owner": str(key.owner_id),
        "key": key.key,
    }


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
