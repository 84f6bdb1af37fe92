"""Sending tickets: methods, shipments with their fee, and their way."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.catalogue import queries as catalogue
from hub.kernel import clock
from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.kernel.ids import new_id
from hub.sales import queries as sales
from hub.sales.models import Order, Ticket
from hub.tickets.errors import (
    DispatchedError,
    MethodTakenError,
    NotDeliveredThereError,
    NothingToShowError,
    ShipmentAskedError,
    TooLateToDeliverError,
)
from hub.tickets.models import DeliveryMethod, Shipment
from partners.models import Contract
from settlement.errors import NotBilledError
from settlement.rules.events import Bill
from settlement.services.movements import bill_price, record

_CHANGED = text("UPDATE sale_order SET version = version + 1 WHERE id = :id")


def add_method(session: Session, who: Caller, **said: Any) -> dict[str, Any]:
    """Add a method of delivery; MethodTakenError if there is one of its reference."""
    method = DeliveryMethod(id=new_id(), world=who.world, is_offered=True, **said)
    try:
        with session.begin_nested():
            session.add(method)
    except IntegrityError as error:
        raise MethodTakenError(ref=said["ref"]) from error
    return _told(method, [])


def set_offered(
    session: Session, who: Caller, ref: str, *, is_offered: bool
) -> dict[str, Any]:
    """Offer a method again, or no more."""
    method = _method(session, who, ref)
    method.is_offered = is_offered
    return _told(method, [])


def _method(session: Session, who: Caller, ref: str) -> DeliveryMethod:
    wanted = select(DeliveryMethod).where(
        DeliveryMethod.world == who.world, DeliveryMethod.ref == ref
    )
    found = session.scalar(wanted)
    if found is None:
        raise NotFoundError(method=ref)
    return found


def methods_for(session: Session, who: Caller) -> list[dict[str, Any]]:
    """Return the methods of a world; for an agent those its terms price, with fees."""
    wanted = select(DeliveryMethod).where(DeliveryMethod.world == who.world)
    methods = session.scalars(wanted.order_by(DeliveryMethod.ref)).all()
    if who.partner_id is None:
        return [_told(method, []) for method in methods]
    own = select(Contract).where(Contract.partner_id == who.partner)
    contracts = session.scalars(own.order_by(Contract.currency)).all()
    found = []
    for method in methods:
        fees = [fee for c in contracts if (fee := _fee(session, c, method.ref))]
        if fees and method.is_offered:
            found.append(_told(method, fees))
    return found


def _fee(session: Session, contract: Contract, ref: str) -> dict[str, Any] | None:
    now = clock.now(session, contract.world)
    try:
        minor = bill_price(session, contract, Bill(name=ref), now)
    except NotBilledError:
        return None
    return {"currency": contract.currency, "fee_minor": minor}


def _told(method: DeliveryMethod, fees: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "ref": method.ref,
        "kind": method.kind,
        "name": method.name,
        "countries": method.countries,
        "ends_before_h": method.ends_before_h,
        "is_offered": method.is_offered,
        "fees": list(fees),
    }


def ask_for_delivery(
    session: Session, who: Caller, order_id: UUID, ref: str, address: Mapping[str, Any]
) -> Shipment:
    """Have an order's tickets sent; asked again the same way: to another address.

    The fee is booked as the agent's terms price it. NotDeliveredThereError,
    TooLateToDeliverError, NothingToShowError, ShipmentAskedError, DispatchedError.
    """
    order = sales.get_order(
        session, order_id, world=who.world, agent_id=who.partner, lock=True
    )
    method = _method(session, who, ref)
    asked = session.scalar(select(Shipment).where(Shipment.order_id == order_id))
    if asked is not None:
        if asked.method_id != method.id:
            raise ShipmentAskedError(order_id=order_id)
        if asked.dispatched_at is not None:
            raise DispatchedError(dispatched_at=asked.dispatched_at.isoformat())
        _refuse_country(method, address)
        asked.address = dict(address)
        return asked
    return _new_shipment(session, who, order, method, address)


def _new_shipment(
    session: Session,
    who: Caller,
    order: Order,
    method: DeliveryMethod,
    address: Mapping[str, Any],
) -> Shipment:
    _refuse_country(method, address)
    if not method.is_offered:
        raise NotDeliveredThereError(method=method.ref)
    tickets = [t for t in sales.tickets(session, [order.id]) if t.cancelled_at is None]
    if not tickets:
        raise NothingToShowError(order_id=order.id)
    now = clock.now(session, who.world)
    _refuse_late(session, method, tickets, now)
    currency = sales.order_lines(session, [order.id])[0].currency
    entry = _bill(session, who, order.id, method, currency)
    shipment = Shipment(
        id=new_id(),
        world=who.world,
        order_id=order.id,
        method_id=method.id,
        address=dict(address),
        entry_id=entry["id"],
        fee_minor=entry["detail"]["charge"]["gross_minor"],
        currency=currency,
        asked_at=now,
    )
    session.add(shipment)
    session.flush()
    return shipment


def _bill(
    session: Session, who: Caller, order_id: UUID, method: DeliveryMethod, currency: str
) -> dict[str, Any]:
    """Book the fee as the agent's terms price it; else NotDeliveredThereError."""
    own = select(Contract).where(
        Contract.partner_id == who.partner, Contract.currency == currency
    )
    contract = session.scalars(own).one()
    reference = f"delivery/{order_id}"
    try:
        return record(
            session, who, contract, event=Bill(name=method.ref), reference=reference
        )
    except NotBilledError as error:
        raise NotDeliveredThereError(method=method.ref) from error


def _refuse_country(method: DeliveryMethod, address: Mapping[str, Any]) -> None:
    if method.countries and address["country"] not in method.countries:
        raise NotDeliveredThereError(
            method=method.ref, country=address["country"], countries=method.countries
        )


def _refuse_late(
    session: Session, method: DeliveryMethod, tickets: Sequence[Ticket], now: Any
) -> None:
    windows = catalogue.windows(session, {ticket.performance_id for ticket in tickets})
    for window in windows.values():
        until = window.last_at - timedelta(hours=method.ends_before_h)
        if now >= until:
            raise TooLateToDeliverError(method=method.ref, ended_at=until.isoformat())


def dispatch(
    session: Session, who: Caller, shipment_id: UUID, carrier: str, tracking: str | None
) -> Shipment:
    """Note that a shipment is on its way; DispatchedError if it was before.

    NothingToShowError if every ticket of its order is cancelled by now.
    """
    wanted = select(Shipment).where(
        Shipment.id == shipment_id, Shipment.world == who.world
    )
    shipment = session.scalar(wanted)
    if shipment is None:
        raise NotFoundError(shipment_id=shipment_id)
    session.execute(_CHANGED, {"id": shipment.order_id})  # locks the order first
    session.refresh(shipment, with_for_update=True)
    if shipment.dispatched_at is not None:
        raise DispatchedError(dispatched_at=shipment.dispatched_at.isoformat())
    tickets = sales.tickets(session, [shipment.order_id])
    if all(ticket.cancelled_at is not None for ticket in tickets):
        raise NothingToShowError(order_id=shipment.order_id)
    now = clock.now(session, who.world)
    shipment.carrier, shipment.tracking = carrier, tracking
    shipment.dispatched_at = now
    session.flush()
    return shipment
