"""Holds, orders and tickets as they are read and locked."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from hub.kernel.errors import NotFoundError
from hub.sales.models import Hold, HoldLine, Order, OrderLine, Ticket

_DUE = (
    "SELECT h.id FROM hold h JOIN world w ON w.name = h.world"
    " WHERE h.state = 'held' AND h.expires_at <= clock_timestamp() + w.clock_offset"
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


def list_orders(
    session: Session,
    *,
    world: str,
    agent_id: UUID,
    reference: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Order]:
    """Return an agent's orders by id, one more than *limit*."""
    wanted = select(Order).where(Order.world == world, Order.agent_id == agent_id)
    if reference is not None:
        wanted = wanted.where(Order.reference == reference)
    if after is not None:
        wanted = wanted.where(Order.id > after)
    return session.scalars(wanted.order_by(Order.id).limit(limit + 1)).all()


def order_lines(session: Session, order_ids: Sequence[UUID]) -> Sequence[OrderLine]:
    """Return the lines of orders."""
    wanted = select(OrderLine).where(OrderLine.order_id.in_(order_ids))
    return session.scalars(wanted.order_by(OrderLine.order_id, OrderLine.no)).all()


def tickets(session: Session, order_ids: Sequence[UUID]) -> Sequence[Ticket]:
    """Return the tickets of orders."""
    wanted = select(Ticket).where(Ticket.order_id.in_(order_ids))
    return session.scalars(wanted.order_by(Ticket.order_id, Ticket.id)).all()
