"""What may be sold when: an availability a performance, or a day of it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hub.dialects.octo.errors import invalid, unprocessable
from hub.dialects.octo.rules import (
    PRICING,
    AvailabilityId,
    added,
    local,
    on_day,
    pricing,
    status_of,
    utc,
)
from hub.dialects.octo.services.asking import Asking
from hub.dialects.shared.queries import Sale
from hub.dialects.shared.rules import days
from hub.dialects.shared.services.looking import area_of, own_span
from hub.kernel.money import exponent

Look = Callable[[UUID], Mapping[str, Any] | None]
"""What an agent may take of a performance now; None if it may not know of it."""
SELLING = ("AVAILABLE", "FREESALE", "LIMITED")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: an option, and how many of each unit."""

    area: str
    units: Mapping[str, int]
    currency: str | None = None


def availabilities(
    asked: Asking,
    sales: Sequence[Sale],
    wanted: Wanted,
    look: Look,
    span: tuple[date, date] | None = None,
) -> list[dict[str, Any]]:
    """Return the availabilities of an option, those of open-dated ones by the day."""
    found: list[dict[str, Any]] = []
    for sale in sales:
        if wanted.area not in sale.areas:
            continue
        area = area_of(look(sale.id), wanted.area)
        if area is None:
            continue
        found += [
            availability(asked, sale, area, wanted, day) for day in _days(sale, span)
        ]
    return found


def _days(sale: Sale, span: tuple[date, date] | None) -> Sequence[date | None]:
    """Return the days of an open-dated performance in a span; else no day."""
    if not sale.product.is_open_dated:
        return [None]
    first, last = own_span(sale)
    if span is not None:
        first, last = max(first, span[0]), min(last, span[1])
    return list(days(first, last))


def availability(
    asked: Asking,
    sale: Sale,
    area: Mapping[str, Any],
    wanted: Wanted,
    day: date | None,
) -> dict[str, Any]:
    """Return one availability: when, how many, and at what prices."""
    vacancies = area["available"]
    is_on_sale = bool(area["offers"]) and area["nothing_because"] is None
    capacity = sale.capacities[wanted.area]
    status = status_of(vacancies, capacity, is_on_sale=is_on_sale)
    is_enough = _has(area, wanted.units)
    found: dict[str, Any] = {
        "id": str(AvailabilityId(sale.id, day)),
        **times(sale, day),
        "available": status in SELLING and is_enough,
        "status": status,
        "vacancies": None if status == "FREESALE" else vacancies,
        "capacity": None,
        "maxUnits": max((o["tickets_max"] for o in area["offers"]), default=0),
    }
    if asked.has(PRICING):
        found |= _priced(area["offers"], wanted)
    return found


def times(sale: Sale, day: date | None) -> dict[str, Any]:
    """Return when an availability is, on the clocks of its venue, and its cut-off."""
    zone = ZoneInfo(sale.zone)
    opens, ends = sale.starts_at.astimezone(zone), sale.ends_at or sale.starts_at
    closes = ends.astimezone(zone)
    cut_off = sale.cut_off_at or (sale.starts_at if day is None else ends)
    if day is None:
        return {
            "localDateTimeStart": local(opens, sale.zone),
            "localDateTimeEnd": local(closes, sale.zone),
            "utcCutoffAt": utc(cut_off),
            "allDay": False,
            "openingHours": [],
        }
    hours = {"from": opens.strftime("%H:%M"), "to": closes.strftime("%H:%M")}
    return {
        "localDateTimeStart": on_day(day, opens.time(), sale.zone),
        "localDateTimeEnd": on_day(day, closes.time(), sale.zone),
        "utcCutoffAt": utc(cut_off),
        "allDay": True,
        "openingHours": [hours],
    }


def _has(area: Mapping[str, Any], units: Mapping[str, int]) -> bool:
    """Say whether so many of each unit may be had, together too."""
    free = {offer["price_type"]: offer["available"] for offer in area["offers"]}
    total = area["available"]
    if total is not None and sum(units.values()) > total:
        return False
    return all(
        unit in free and (free[unit] is None or free[unit] >= count)
        for unit, count in units.items()
    )


def price_of(offer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the price of a ticket at an offer."""
    return pricing(
        offer["price_minor"],
        offer["net_minor"],
        currency=offer["currency"],
        digits=exponent(offer["currency"]),
        tax_bp=offer["tax_bp"],
    )


def _priced(offers: Sequence[Mapping[str, Any]], wanted: Wanted) -> dict[str, Any]:
    every = {offer["price_type"]: price_of(offer) for offer in offers}
    refuse_currency(wanted.currency, [p["currency"] for p in every.values()])
    found: dict[str, Any] = {
        "unitPricing": [{"unitId": unit} | price for unit, price in every.items()]
    }
    if wanted.units and wanted.units.keys() <= every.keys():
        basket = [
            every[unit] for unit, count in wanted.units.items() for _ in range(count)
        ]
        found["pricing"] = added(basket)
    return found


def refuse_currency(wanted: str | None, known: Collection[str]) -> None:
    """Refuse another currency than the sale is in."""
    if wanted is not None and known and wanted not in known:
        raise unprocessable(f"It is not sold in {wanted}", code="mixed-currencies")


def calendar(
    rows: Sequence[Mapping[str, Any]], span: tuple[date, date]
) -> list[dict[str, Any]]:
    """Return every day of a span with what is to be had on it, the best of the day."""
    by_day: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_day.setdefault(row["localDateTimeStart"][:10], []).append(row)
    return [_day(day, by_day.get(day.isoformat(), [])) for day in days(*span)]


def _day(day: date, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    ranks = ("AVAILABLE", "FREESALE", "LIMITED", "SOLD_OUT", "CLOSED")
    status = min((row["status"] for row in rows), key=ranks.index, default="CLOSED")
    selling = [row for row in rows if row["status"] in SELLING]
    is_free = any(row["status"] == "FREESALE" for row in selling)
    found: dict[str, Any] = {
        "localDate": day.isoformat(),
        "available": any(row["available"] for row in rows),
        "status": "FREESALE" if is_free and status == "AVAILABLE" else status,
        "vacancies": None
        if is_free
        else max((row["vacancies"] for row in selling), default=0),
        "capacity": None,
        "openingHours": rows[0]["openingHours"] if rows else [],
    }
    priced = [row for row in rows if "unitPricing" in row]
    if priced:
        found["unitPricingFrom"] = _lowest(priced)
        totals = [row["pricing"] for row in priced if "pricing" in row]
        if totals:
            found["pricingFrom"] = min(totals, key=lambda price: price["retail"])
    return found


def _lowest(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the lowest price of each unit on a day."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        for price in row["unitPricing"]:
            known = found.get(price["unitId"])
            if known is None or price["retail"] < known["retail"]:
                found[price["unitId"]] = price
    return list(found.values())


def availability_id(said: str | None) -> AvailabilityId:
    """Read an availability's id; INVALID_AVAILABILITY_ID if it is none."""
    found = None if said is None else AvailabilityId.read(said)
    if found is None:
        raise invalid("availabilityId", said or "")
    return found


def day_of(sale: Sale, wanted: AvailabilityId, now: datetime) -> date:
    """Return the day of an availability; refuses one the performance is not open on."""
    first, last = own_span(sale)
    if (wanted.day is None) == sale.product.is_open_dated:
        raise invalid("availabilityId", str(wanted))
    if wanted.day is None:
        return first
    today = now.astimezone(ZoneInfo(sale.zone)).date()
    if not max(first, today) <= wanted.day <= last:
        raise invalid("availabilityId", str(wanted))
    return wanted.day
