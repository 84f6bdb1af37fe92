"""Holds, orders and tickets as they are read and locked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from hub.kernel.errors import NotFoundError
from hub.sales.models import (
    Hold,
    HoldLine,
    Order,
    OrderLine,
    OrderPerson,
    Ticket,
)
from hub.sales.rules.people import Person

_DUE = (
    "SELECT h.id FROM hold h JOIN world w ON w.name = h.world"
    " WHERE h.state = 'held' AND NOT h.is_frozen"
    " AND h.expires_at <= clock_timestamp() + w.clock_offset"
    " AND (CAST(:performances AS uuid[]) IS NULL OR EXISTS (SELECT FROM hold_line l"
    " WHERE l.hold_id = h.id AND l.performance_id = ANY(:performances)))"
    " AND (CAST(:agent AS uuid) IS NULL OR h.agent_id = :agent)"
    " ORDER BY h.id LIMIT :most"
)
_LOCKED = {
    # Everything that is due: what a busy transaction has locked is left to it.
    False: text(f"{_DUE} FOR UPDATE OF h SKIP LOCKED"),
    # Somebody is about to be refused: wait for whoever is giving back just now.
    True: text(f"{_DUE} FOR UPDATE OF h"),
}


def get_hold(
    session: Session, hold_id: UUID, *, world: str, agent_id: UUID, lock: bool = False
) -> Hold:
    """Return an agent's hold, locked if wanted; NotFoundError for any other."""
    wanted = select(Hold).where(
        Hold.id == hold_id, Hold.world == world, Hold.agent_id == agent_id
    )
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFoundError(hold_id=hold_id)
    return found


def request_of(hold_id: UUID, world: str, supplier_id: UUID | None) -> Select[Any]:
    """Return the query of a request that waits, of a supplier's performance, locked."""
    own = text(
        "EXISTS (SELECT FROM hold_line l JOIN performance p ON p.id = l.performance_id"
        " WHERE l.hold_id = hold.id AND (CAST(:supplier AS uuid) IS NULL"
        " OR p.supplier_id = :supplier))"
    ).bindparams(supplier=supplier_id)
    wanted = select(Hold).where(
        Hold.id == hold_id, Hold.world == world, Hold.state == "requested", own
    )
    return wanted.with_for_update()


def hold_lines(session: Session, hold_ids: Sequence[UUID]) -> Sequence[HoldLine]:
    """Return the lines of holds."""
    wanted = select(HoldLine).where(HoldLine.hold_id.in_(hold_ids))
    return session.scalars(wanted.order_by(HoldLine.hold_id, HoldLine.no)).all()


def lock_due_holds(
    session: Session,
    *,
    performance_ids: Sequence[UUID] | None,
    agent_id: UUID | None,
    most: int,
) -> list[UUID]:
    """Lock holds whose time is up, of some performances, of an agent, or of all.

    Those of somebody are waited for; in a sweep of all, busy ones are skipped.
    """
    chosen = None if performance_ids is None else list(performance_ids)
    query = _LOCKED[chosen is not None or agent_id is not None]
    where = {"performances": chosen, "agent": agent_id, "most": most}
    return list(session.scalars(query, where))


def has_due_holds(
    session: Session,
    *,
    performance_ids: Sequence[UUID] | None = None,
    agent_id: UUID | None = None,
) -> bool:
    """Say whether the time of any hold there, or of an agent, is up; locks nothing."""
    chosen = None if performance_ids is None else list(performance_ids)
    where = {"performances": chosen, "agent": agent_id, "most": 1}
    return session.scalar(text(_DUE), where) is not None


def get_order(
    session: Session, order_id: UUID, *, world: str, agent_id: UUID, lock: bool = False
) -> Order:
    """Return an agent's order, locked if wanted; NotFoundError for any other."""
    wanted = select(Order).where(
        Order.id == order_id, Order.world == world, Order.agent_id == agent_id
    )
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise NotFoundError(order_id=order_id)
    return found


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders of an agent are meant; all that is said holds."""

    world: str
    agent_id: UUID
    reference: str | None = None
    reference_starts: str | None = None
    ticket_code: str | None = None
    performance_id: UUID | None = None
    state: str | None = None
    confirmed_from: datetime | None = None
    confirmed_until: datetime | None = None

    def conditions(self) -> Iterator[Any]:
        """Yield what is asked of an order."""
        yield Order.world == self.world
        yield Order.agent_id == self.agent_id
        if self.reference is not None:
            yield Order.reference == self.reference
        if self.reference_starts is not None:
            yield Order.reference.startswith(self.reference_starts, autoescape=True)
        if self.ticket_code is not None:
            coded = select(Ticket.order_id).where(Ticket.code == self.ticket_code)
            yield Order.id.in_(coded)
        if self.performance_id is not None:
            sold = select(OrderLine.order_id).where(
                OrderLine.performance_id == self.performance_id
            )
            yield Order.id.in_(sold)
        if self.state is not None:
            yield Order.state == self.state
        if self.confirmed_from is not None:
            yield Order.confirmed_at >= self.confirmed_from
        if self.confirmed_until is not None:
            yield Order.confirmed_at < self.confirmed_until


def list_orders(
    session: Session, wanted: OrderFilter, *, after: UUID | None, limit: int
) -> Sequence[Order]:
    """Return orders by id, one more than *limit*."""
    found = select(Order).where(*wanted.conditions())
    if after is not None:
        found = found.where(Order.id > after)
    return session.scalars(found.order_by(Order.id).limit(limit + 1)).all()


def order_lines(session: Session, order_ids: Sequence[UUID]) -> Sequence[OrderLine]:
    """Return the lines of orders."""
    wanted = select(OrderLine).where(OrderLine.order_id.in_(order_ids))
    return session.scalars(wanted.order_by(OrderLine.order_id, OrderLine.no)).all()


def tickets(session: Session, order_ids: Sequence[UUID]) -> Sequence[Ticket]:
    """Return the tickets of orders."""
    wanted = select(Ticket).where(Ticket.order_id.in_(order_ids))
    return session.scalars(wanted.order_by(Ticket.order_id, Ticket.id)).all()


def people(
    session: Session, order_ids: Sequence[UUID]
) -> dict[tuple[UUID, UUID | None], Person]:
    """Return the buyers of orders, and the holders of their tickets, by ticket."""
    wanted = select(OrderPerson).where(OrderPerson.order_id.in_(order_ids))
    return {
        (row.order_id, row.ticket_id): Person(
            row.name, row.id_type, row.id_number, row.email, row.phone
        )
        for row in session.scalars(wanted)
    }
