"""Making of a sale what its suppliers have said: an order, in part, or nothing.

A part that is sold is a fact: its order is made whatever has closed since. If it cannot
be made all the same (somebody took the name meanwhile), what was sold is given back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from connectors.ports import Sold, TicketSold
from hub.kernel import clock
from hub.kernel.db import rows, transaction
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Claim, Key
from hub.sales.errors import (
    PerformanceBusyError,
    SupplierRefusedError,
    SupplierUnavailableError,
)
from hub.sales.models import Hold, SuppliedSale, SupplierOrder
from hub.sales.queries import supplied as queries
from hub.sales.rules import HoldState
from hub.sales.rules.people import Person
from hub.sales.rules.supplied import PartState, SaleState, decided, sold_by_line
from hub.sales.services.committing import confirm_within
from hub.sales.services.lapse import drop_lines, end_holds
from hub.sales.services.ordering import OUTCOME, ConfirmWish
from hub.sales.services.placing import patiently

SoldLines = dict[int, tuple[Sequence[TicketSold], bool]]
_ANSWER = text(
    "UPDATE idempotency_key SET status = :status, reply = CAST(:reply AS jsonb)"
    " WHERE world = :world AND owner_id = :owner AND key = :key"
)
_FORGET = text(
    "DELETE FROM idempotency_key WHERE world = :world AND owner_id = :owner"
    " AND key = :key"
)
_NOT_SOLD = text(
    "UPDATE sale_order SET not_sold = CAST(:said AS jsonb) WHERE id = :order"
)


_PLACE = text(
    "UPDATE ticket t SET placement = w.placement FROM"
    " json_to_recordset(CAST(:rows AS json)) AS w(id uuid, placement text)"
    " WHERE t.id = w.id"
)


def settle(hold_id: UUID) -> HubError | None:
    """Conclude a sale if all of it is known; return why nothing was sold, if so.

    None as well while something is not known. Twice is no mistake.
    """

    def work() -> HubError | None:
        with transaction() as session:
            return _settle(session, hold_id)

    try:
        return patiently(work)
    except PerformanceBusyError:
        return None  # whoever comes by next makes its order
    except HubError as error:
        with transaction() as session:
            _give_back(session, hold_id, error)
        return None


def _settle(session: Session, hold_id: UUID) -> HubError | None:
    hold = session.get_one(Hold, hold_id, with_for_update=True)
    sale = queries.sale_of(session, hold_id, lock=True)
    parts = queries.parts(session, hold_id, lock=True)
    if sale is None or sale.state in {SaleState.CONFIRMED, SaleState.REJECTED}:
        _put_away(parts)
        return None
    states = {part.state for part in parts}
    match decided(states):
        case SaleState.CONFIRMED:
            _confirm(session, hold, sale, parts)
        case SaleState.REJECTED:
            return _reject(session, hold, sale, parts)
        case _ if states == {PartState.LOCKED}:
            return _stand_again(session, hold, sale, parts)
        case _:
            _let_go(parts, clock.real(session))
            if states & {PartState.UNKNOWN, PartState.UNDOING, PartState.LOCKED}:
                sale.state = SaleState.UNKNOWN
    return None


def _put_away(parts: Sequence[SupplierOrder]) -> None:
    """Have nobody go on with parts whose sale is concluded."""
    for part in parts:
        if part.state in {PartState.SOLD, PartState.ENDED}:
            part.next_at = None


def _stand_again(
    session: Session, hold: Hold, sale: SuppliedSale, parts: Sequence[SupplierOrder]
) -> HubError:
    """Let a hold stand as before: no supplier could be asked, so nothing was done."""
    hold.is_frozen = False
    for part in parts:
        part.next_at = part.lock_until
    session.execute(_FORGET, _key(sale))
    session.delete(sale)
    return SupplierUnavailableError(hold_id=hold.id)


def _let_go(parts: Sequence[SupplierOrder], now: datetime) -> None:
    """Let go what could not be asked for beside others that were."""
    for part in parts:
        if part.state == PartState.LOCKED:
            part.state, part.next_at = PartState.UNDOING, now
            part.reason = "not-reached"


def _confirm(
    session: Session, hold: Hold, sale: SuppliedSale, parts: Sequence[SupplierOrder]
) -> None:
    hold.is_frozen = False
    lost = [part for part in parts if part.state == PartState.ENDED]
    not_sold = _drop(session, lost)
    sale.state = SaleState.CONFIRMED
    sold = [part for part in parts if part.state == PartState.SOLD]
    _put_away(parts)
    session.flush()
    told = _told(sold)
    reply = confirm_within(session, _wish(sale, told))
    _place(session, reply.body, told)
    if not_sold:
        said = msgspec.json.encode(not_sold).decode()
        session.execute(_NOT_SOLD, {"order": sale.order_id, "said": said})
        reply.body["not_sold"] = not_sold
    body = msgspec.json.encode(reply.body).decode()
    session.execute(_ANSWER, _key(sale) | {"status": reply.status, "reply": body})
    sale.wish = {}


def _told(sold: Sequence[SupplierOrder]) -> SoldLines:
    """Return what suppliers have sold of each line, and whether its code is shared."""
    told: SoldLines = {}
    for part in sold:
        found = msgspec.convert(part.sold, Sold)
        for no, own in sold_by_line(queries.order_wanted(part), found).items():
            told[no] = (own, found.is_shared)
    return told


def _place(session: Session, body: dict[str, Any], told: SoldLines) -> None:
    """Put on tickets where to sit, where suppliers have said so; in the reply, too."""
    rest = {no: iter(own) for no, (own, _) in told.items()}
    for ticket in body["tickets"]:
        one = next(rest.get(ticket["line_no"], iter(())), None)
        ticket["placement"] = None if one is None else one.placement
    said = [
        {"id": ticket["id"], "placement": ticket["placement"]}
        for ticket in body["tickets"]
        if ticket["placement"] is not None
    ]
    if said:
        session.execute(_PLACE, {"rows": rows(said)})


def _drop(session: Session, lost: Sequence[SupplierOrder]) -> list[dict[str, Any]]:
    """Give back the lines of parts that were not sold; return how they are told."""
    found = []
    for part in lost:
        order = queries.order_wanted(part)
        drop_lines(session, part.hold_id, [line.no for line in order.lines])
        found += [
            {
                "no": line.no,
                "performance_id": str(part.performance_id),
                "area": line.area,
                "price_type": line.price_type,
                "quantity": line.quantity,
                "reason": part.reason or "other",
            }
            for line in order.lines
        ]
    return found


def _wish(sale: SuppliedSale, told: SoldLines) -> ConfirmWish:
    said, buyer = sale.wish, sale.wish["buyer"]
    key = Key(sale.world, UUID(said["owner"]), f"{said['key']}/sale")
    return ConfirmWish(
        Claim(key, bytes.fromhex(said["digest"])),
        sale.world,
        sale.agent_id,
        sale.hold_id,
        sale.reference,
        buyer=None if buyer is None else Person(**buyer),
        holders=tuple(Person(**person) for person in said["holders"]),
        resale={int(no): minor for no, minor in said["resale"].items()},
        stage=OUTCOME,
        order_id=sale.order_id,
        codes={
            no: ([ticket.code for ticket in own], is_shared)
            for no, (own, is_shared) in told.items()
        },
    )


def _reject(
    session: Session, hold: Hold, sale: SuppliedSale, parts: Sequence[SupplierOrder]
) -> HubError:
    reason = next((part.reason for part in parts if part.reason), "other")
    hold.is_frozen = False
    _put_away(parts)
    session.flush()
    if hold.state == HoldState.HELD:
        said = f"the supplier: {reason}"
        end_holds(session, [hold.id], HoldState.REJECTED, said)
    session.execute(_FORGET, _key(sale))
    sale.state, sale.reason, sale.wish = SaleState.REJECTED, reason, {}
    return SupplierRefusedError(
        performance_id=parts[0].performance_id, reason=reason, hold_id=hold.id
    )


def _give_back(session: Session, hold_id: UUID, error: HubError) -> None:
    """Have what was sold given back: the hub cannot make an order of it."""
    now = clock.real(session)
    session.get_one(Hold, hold_id, with_for_update=True)
    sale = queries.sale_of(session, hold_id, lock=True)
    if sale is None or sale.state in {SaleState.CONFIRMED, SaleState.REJECTED}:
        return
    sale.state, sale.reason = SaleState.UNKNOWN, error.code
    for part in queries.parts(session, hold_id, lock=True):
        if part.state == PartState.SOLD:
            part.state, part.next_at = PartState.UNDOING, now
            part.reason = error.code


def _key(sale: SuppliedSale) -> dict[str, Any]:
    return {
        "world": sale.world,
        "owner": UUID(sale.wish["owner"]),
        "key": sale.wish["key"],
    }
