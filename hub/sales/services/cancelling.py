"""Cancelling tickets of orders: what it would give back, and doing it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.kernel.metrics import ORDERS
from hub.sales import queries
from hub.sales.errors import CancellationDifferenceError, OrderChangedError
from hub.sales.models import Order, OrderLine, Ticket
from hub.sales.queries.returning import admissions
from hub.sales.rules.returning import (
    AGENT,
    VENUE,
    Admission,
    must_also,
    refuse_unless_returnable,
)
from hub.sales.services.returned import of_line, summed
from hub.sales.services.undoing import Undone, undo
from settlement.services.credit import Move, move_credit


@dataclass(frozen=True, slots=True)
class Giving:
    """An order of which some tickets are given up, as it stands now."""

    order: Order
    lines: Sequence[OrderLine]
    tickets: Sequence[Ticket]
    admissions: Sequence[Admission]
    chosen: frozenset[UUID]
    now: datetime

    def undone(self, why: str) -> Undone:
        """Return what is to be undone: all that the venue owes as the venue's."""
        due = {seen.id for seen in self.admissions if seen.is_due}
        picked = [ticket for ticket in self.tickets if ticket.id in self.chosen]
        whys = {t.id: VENUE if t.id in due else why for t in picked}
        return Undone(self.order, self.lines, picked, whys)


def giving(
    session: Session,
    who: Caller,
    order_id: UUID,
    ticket_ids: Collection[UUID] | None,
    *,
    lock: bool = False,
) -> Giving:
    """Return an agent's order with the tickets it would give up: all left, or those.

    NotFoundError for a ticket that is not the order's.
    """
    order = queries.get_order(
        session, order_id, world=who.world, agent_id=who.partner, lock=lock
    )
    return giving_of(session, order, ticket_ids)


def giving_of(
    session: Session, order: Order, ticket_ids: Collection[UUID] | None
) -> Giving:
    """Return an order with the tickets it would give up: all left, or those."""
    order_id = order.id
    tickets = queries.tickets(session, [order_id])
    now = clock.now(session, order.world)
    seen = admissions(session, order, tickets, now)
    known = {ticket.id for ticket in tickets}
    for wanted in ticket_ids or ():
        if wanted not in known:
            raise NotFoundError(ticket_id=wanted)
    left = [one.id for one in seen if one.is_left]
    chosen = frozenset(left if ticket_ids is None else ticket_ids)
    lines = queries.order_lines(session, [order_id])
    return Giving(order, lines, tickets, seen, chosen, now)


def cancel_tickets(
    session: Session,
    who: Caller,
    order_id: UUID,
    ticket_ids: Collection[UUID] | None,
    *,
    order_version: int | None = None,
    net_minor: int | None = None,
) -> Order:
    """Cancel tickets of an order, or all that are left; money and seats go back.

    AlreadyCancelledError, TicketUsedError, PastCancellationError, MustAlsoCancelError
    say why not, OrderChangedError that it is not the version its agent knows,
    CancellationDifferenceError that it does not come to what it was shown.
    """
    wanted = {
        "ticket_ids": ticket_ids,
        "order_version": order_version,
        "net_minor": net_minor,
    }
    found = checked(session, who, order_id, wanted)
    take_back(session, found, found.chosen, AGENT)
    return found.order


def checked(
    session: Session, who: Caller, order_id: UUID, wanted: Mapping[str, Any]
) -> Giving:
    """Return an order, locked, with tickets that may be cancelled as they are wanted.

    Raises what ``cancel_tickets`` does.
    """
    found = giving(session, who, order_id, wanted.get("ticket_ids"), lock=True)
    refuse_if_changed(found.order, wanted.get("order_version"))
    refuse_unless_returnable(found.admissions, found.chosen, found.now)
    net_minor = wanted.get("net_minor")
    if net_minor is not None:
        said = quoted(found)
        if said["net_minor"] != net_minor:
            raise CancellationDifferenceError(
                net_minor=said["net_minor"], known_minor=net_minor
            )
    return found


def take_back(
    session: Session, found: Giving, ticket_ids: Collection[UUID], why: str
) -> None:
    """Undo some of the tickets an order gives up; money and seats go back."""
    some = replace(found, chosen=frozenset(ticket_ids))
    owed = undo(session, [some.undone(why)], found.now)
    move_credit(session, {i: Move(exposure=minor) for i, minor in owed.items()})
    ORDERS.labels("cancelled").inc()


def refuse_if_changed(order: Order, known: int | None) -> None:
    """Raise OrderChangedError if an order's agent knows another version of it."""
    if known is not None and known != order.version:
        raise OrderChangedError(version=order.version, known=known)


def quoted(found: Giving) -> dict[str, Any]:
    """Return what giving up tickets would return, and what stands against it."""
    chosen = [one for one in found.admissions if one.id in found.chosen]
    reasons = {one.id: one.refusal(found.now) for one in chosen}
    can = [one for one in chosen if reasons[one.id] is None]
    also = must_also(found.admissions, found.chosen)
    is_free = all(one.is_due for one in can)
    until = None if is_free else min(one.last_at for one in can if not one.is_due)
    return {
        "order_id": str(found.order.id),
        "order_version": found.order.version,
        "is_possible": bool(chosen) and len(can) == len(chosen) and not also,
        "is_free": bool(can) and is_free,
        "until": until and until.isoformat(),
        "tickets": [
            {
                "id": str(one.id),
                "can_be_cancelled": reasons[one.id] is None,
                "reason": reasons[one.id],
            }
            for one in chosen
        ],
        "must_also_cancel": [str(ticket_id) for ticket_id in also],
        "currency": found.lines[0].currency,
        **_returned(found, {one.id: one.is_due for one in can}),
    }


def _returned(found: Giving, due: dict[UUID, bool]) -> dict[str, int]:
    """Add up what comes back for tickets that can go; *due*: at the venue's cost."""
    total: Counter[str] = Counter()
    for line in found.lines:
        own = [t for t in found.tickets if t.line_no == line.no and t.id in due]
        if own:
            span = (line.cancelled, line.cancelled + len(own))
            total.update(of_line(found.order, line, span, is_due=due[own[0].id]))
    return summed(total)
