"""How a booking is told: from its hold, or from the order that came of it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.dialects.octo.models import OctoBooking
from hub.dialects.octo.rules import (
    CANCELLED,
    CONFIRMED,
    HELD_AS,
    ON_HOLD,
    PRICING,
    REDEEMED,
    added,
    pricing,
    refund_of,
    shared,
    utc,
)
from hub.dialects.octo.services.asking import Asking
from hub.kernel.money import exponent

CONTACT = (
    *("fullName", "firstName", "lastName", "emailAddress", "phoneNumber"),
    *("postalCode", "country", "notes"),
)
VALID, USED = "valid", "used"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a booking stands: its state, moments, lines and tickets."""

    status: str
    lines: Sequence[Mapping[str, Any]]
    expires_at: datetime | None = None
    confirmed_at: datetime | None = None
    changed_at: datetime | None = None
    tickets: Sequence[Mapping[str, Any]] = ()
    refunds: Sequence[Mapping[str, Any]] = ()
    reason: str | None = None

    @property
    def is_cancelled(self) -> bool:
        return self.status == CANCELLED


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of what was booked, and until when it may be given back."""

    product: Any
    option: Any
    availability: Any
    tax_bp: Mapping[str, int]
    last_at: datetime
    now: datetime
    units: Mapping[str, Any] = field(default_factory=dict)


def standing_of_hold(
    hold: Mapping[str, Any], ended_at: datetime | None = None
) -> Standing:
    """Return how a booking stands whose hold is told so."""
    status = HELD_AS[hold["state"]]
    return Standing(
        status,
        hold["lines"],
        expires_at=datetime.fromisoformat(hold["expires_at"]),
        changed_at=ended_at,
    )


def standing_of_order(order: Mapping[str, Any]) -> Standing:
    """Return how a booking stands whose order, or sale under way, is told so."""
    if order["confirmed_at"] is None:
        status = HELD_AS[order["state"]]
        return Standing(status, order["lines"], reason=order["reason"])
    tickets, refunds = order["tickets"], order["refunds"]
    status = CANCELLED if order["state"] == "cancelled" else CONFIRMED
    left = [ticket for ticket in tickets if ticket["cancelled_at"] is None]
    if left and all(ticket["used_at"] for ticket in left):
        status = REDEEMED
    confirmed_at = datetime.fromisoformat(order["confirmed_at"])
    moments = [one for t in tickets for one in (t["used_at"], t["cancelled_at"]) if one]
    return Standing(
        status,
        order["lines"],
        confirmed_at=confirmed_at,
        changed_at=max(map(datetime.fromisoformat, moments), default=confirmed_at),
        tickets=tickets,
        refunds=refunds,
    )


def booking(
    asked: Asking, row: OctoBooking, standing: Standing, shown: Shown
) -> dict[str, Any]:
    """Return a booking with every status and moment where the standard has it."""
    items = list(_items(asked, row, standing, shown))
    found = {
        "id": str(row.hold_id),
        "uuid": str(row.uuid),
        "testMode": asked.is_test,
        "resellerReference": row.reseller_reference,
        "supplierReference": str(row.hold_id),
        **_moments(row, standing, items),
        **_booked(row, shown),
        "cancellable": _is_cancellable(standing, shown),
        "cancellation": _cancellation(row, standing) if standing.is_cancelled else None,
        "contact": contact(row.said.get("contact")),
        "notes": row.said.get("notes"),
        "deliveryMethods": ["TICKET"],
        "voucher": None,
        "unitItems": items,
    }
    if row.cart_id is not None:
        found["orderId"] = str(row.cart_id)
    if asked.has(PRICING):
        kept = [item for item in items if item["status"] != CANCELLED]
        found["pricing"] = added([item["pricing"] for item in kept or items])
    return found


def _booked(row: OctoBooking, shown: Shown) -> dict[str, Any]:
    """Return what was booked."""
    return {
        "productId": row.said["productId"],
        "product": shown.product,
        "optionId": row.said["optionId"],
        "option": shown.option,
        "freesale": False,
        "availabilityId": row.said["availabilityId"],
        "availability": shown.availability,
    }


def _moments(
    row: OctoBooking, standing: Standing, items: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the status, and the moments that belong to it; the others are null."""
    status = standing.status
    redeemed = [item["utcRedeemedAt"] for item in items if item["utcRedeemedAt"]]
    changed_at = max(row.changed_at, standing.changed_at or row.changed_at)
    return {
        "status": status,
        "utcCreatedAt": utc(row.created_at),
        "utcUpdatedAt": utc(changed_at),
        "utcExpiresAt": _moment(standing.expires_at if status == ON_HOLD else None),
        "utcRedeemedAt": max(redeemed) if status == REDEEMED else None,
        "utcConfirmedAt": _moment(standing.confirmed_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else utc(at)


def _is_cancellable(standing: Standing, shown: Shown) -> bool:
    if standing.status == ON_HOLD:
        return True
    is_left = any(ticket["state"] == VALID for ticket in standing.tickets)
    return is_left and shown.now < shown.last_at


def _cancellation(row: OctoBooking, standing: Standing) -> dict[str, Any]:
    """Return what cancelling brought back; of a hold nothing had been paid."""
    if standing.confirmed_at is None:
        refund, at = "FULL", standing.changed_at or row.changed_at
    else:
        paid = sum(line["net_minor"] for line in standing.lines)
        refund = refund_of(paid, sum(back["net_minor"] for back in standing.refunds))
        at = standing.changed_at or standing.confirmed_at
    reason = row.said.get("reason")
    return {"refund": refund, "reason": reason, "utcCancelledAt": utc(at)}


def contact(said: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a contact with every field, null where nothing was said."""
    said = said or {}
    found: dict[str, Any] = {name: said.get(name) for name in CONTACT}
    first, last = found["firstName"], found["lastName"]
    if found["fullName"] is None and (first or last):
        found["fullName"] = " ".join(name for name in (first, last) if name)
    return found | {"locales": said.get("locales") or []}


def _items(
    asked: Asking, row: OctoBooking, standing: Standing, shown: Shown
) -> Iterator[dict[str, Any]]:
    """Yield the unit items, each with its ticket and its share of its line's price."""
    lines = {line["price_type"]: line for line in standing.lines}
    tickets: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for one in sorted(standing.tickets, key=lambda t: str(t["id"])):
        tickets[one["line_no"]].append(one)
    prices = {
        unit: iter(_prices(line, shown.tax_bp.get(unit, 0)))
        for unit, line in lines.items()
    }
    seats = {unit: iter(line["seats"]) for unit, line in lines.items()}
    for said in row.said["unitItems"]:
        unit = said["unitId"]
        own = tickets[lines[unit]["no"]]
        ticket: Mapping[str, Any] | None = own.pop(0) if own else None
        seat = ticket["seat"] if ticket else next(seats[unit], None)
        found = {
            "uuid": said["uuid"],
            "resellerReference": said.get("resellerReference"),
            "supplierReference": ticket and str(ticket["id"]),
            "unitId": unit,
            "unit": shown.units.get(unit),
            "status": _status(ticket, standing.status),
            "utcRedeemedAt": _used_at(ticket),
            "contact": contact(said.get("contact")),
            "ticket": _ticket(ticket),
            "seat": seat and {"row": seat["row"], "number": seat["number"]},
        }
        if asked.has(PRICING):
            found["pricing"] = next(prices[unit])
        yield found


def _prices(line: Mapping[str, Any], tax_bp: int) -> Iterator[dict[str, Any]]:
    count, currency = line["quantity"], line["currency"]
    retail = shared(line["price_minor"], count)
    net = shared(line["net_minor"], count)
    for one, owed in zip(retail, net, strict=True):
        digits = exponent(currency)
        yield pricing(one, owed, currency=currency, digits=digits, tax_bp=tax_bp)


def _status(ticket: Mapping[str, Any] | None, status: str) -> str:
    if ticket is None:
        return status
    return {VALID: CONFIRMED, USED: REDEEMED}.get(ticket["state"], CANCELLED)


def _used_at(ticket: Mapping[str, Any] | None) -> str | None:
    used = None if ticket is None else ticket["used_at"]
    return None if used is None else utc(datetime.fromisoformat(used))


def _ticket(ticket: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what lets in; what is cancelled lets nobody in."""
    if ticket is None or ticket["code"] is None:
        return None
    return {
        "redemptionMethod": "DIGITAL",
        "utcRedeemedAt": _used_at(ticket),
        "deliveryOptions": [
            {"deliveryFormat": form, "deliveryValue": ticket["code"]}
            for form in ("QRCODE", "CODE128")
        ],
    }
