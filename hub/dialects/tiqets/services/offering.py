"""Products, and what may be had of one: a slot for each start, or for each day."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.dialects.shared import queries
from hub.dialects.shared.queries import Sale
from hub.dialects.shared.rules import ProductId, days, words_in
from hub.dialects.shared.services.keeping import Kept
from hub.dialects.shared.services.looking import own_span
from hub.dialects.tiqets.errors import TiqetsError, no_product
from hub.dialects.tiqets.rules import price, slot, slot_of, variant_id
from hub.kernel import clock
from hub.kernel.db import transaction
from hub.kernel.money import exponent
from hub.sales.schemas.sale import TICKETS_MAX

Look = Callable[[UUID], Mapping[str, Any] | None]
Span = tuple[date, date]
BOUNDLESS = 9_999


@dataclass(frozen=True, slots=True)
class Asked:
    """A product, in a world, at a moment of its clock."""

    product: ProductId
    zone: ZoneInfo
    world: str
    now: datetime

    @property
    def today(self) -> date:
        """Which day it is at the venue."""
        return self.now.astimezone(self.zone).date()


def catalogue(session: Session, world: str, now: datetime) -> list[dict[str, Any]]:
    """Return the products of what is to come."""
    rows = queries.units(session, world=world, now=now)
    shown = queries.productions(session, [row.production_id for row in rows])
    venues = queries.venues(session, [row.venue_id for row in rows])
    return [
        _product(key, (shown[key.production_id], venues[key.venue_id]))
        for key, _ in groupby(rows, _key)
    ]


def _key(row: Row[Any]) -> ProductId:
    return ProductId(row.production_id, row.venue_id, row.is_open_dated)


def _product(key: ProductId, about: tuple[Row[Any], Row[Any]]) -> dict[str, Any]:
    production, venue = about
    title, place = words_in(production.title, ()), words_in(venue.name, ())
    return {
        "id": str(key),
        "name": f"{title} - {place}",
        "description": words_in(production.description or {}, ()) or None,
        "use_timeslots": not key.is_open_dated,
        "is_refundable": True,
        "cutoff_time": 0,
        "max_tickets_per_order": TICKETS_MAX,
        "provides_pricing": True,
    }


def asked_of(session: Session, said: str, world: str, now: datetime) -> Asked:
    """Return a product that there is; Missing product for another."""
    product = ProductId.read(said)
    if product is None:
        raise no_product(said)
    rows = queries.units(session, world=world, now=now, only=product)
    if not rows:
        raise no_product(said)
    venue = queries.venues(session, [product.venue_id])[product.venue_id]
    return Asked(product, ZoneInfo(venue.zone), world, now)


def slots(
    session: Session, asked: Asked, span: Span, look: Look
) -> dict[str, dict[str, Any]]:
    """Return what may be had on some days, by slot; none of days that are over."""
    first = max(span[0], asked.today)
    found: dict[str, dict[str, Any]] = {}
    for sale in _sales(session, asked, (first, span[1])):
        variants = list(_variants(look(sale.id)))
        told: dict[str, Any] = {
            "available_tickets": _most(variants),
            "variants": [one for one in variants if one["available_tickets"] > 0],
        }
        for at in _starts(sale, asked, (first, span[1])):
            if told["available_tickets"] > 0 and not _is_over(sale, asked):
                found.setdefault(slot(at), told)  # the first, if two begin together
    return dict(sorted(found.items()))


def _sales(session: Session, asked: Asked, span: Span) -> Sequence[Sale]:
    """Return the performances of a product on some days, in the order they begin."""
    if span[1] < span[0]:
        return []
    return queries.sales_between(
        session, asked.product, None, span, world=asked.world, now=asked.now
    )


def _starts(sale: Sale, asked: Asked, span: Span) -> Iterator[datetime]:
    if not asked.product.is_open_dated:
        yield sale.starts_at.astimezone(asked.zone)
        return
    first, last = own_span(sale)
    for day in days(max(first, span[0]), min(last, span[1])):
        yield datetime.combine(day, time())


def _is_over(sale: Sale, asked: Asked) -> bool:
    return not asked.product.is_open_dated and sale.starts_at <= asked.now


def _variants(told: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield the price types of every area, with what is left of each."""
    for area in () if told is None else told["areas"]:
        is_open = area["nothing_because"] is None
        for offer in area["offers"]:
            left = offer["available"]
            yield {
                "id": variant_id(area["area"], offer["price_type"]),
                "name": f"{words_in(area['name'], ())}, {offer['price_type']}",
                "available_tickets": (BOUNDLESS if left is None else left) * is_open,
                "price": price(offer, exponent(offer["currency"])),
            }


def _most(variants: Sequence[Mapping[str, Any]]) -> int:
    """Return how many tickets may be had in all: of each area what it has."""
    areas: dict[str, int] = {}
    for one in variants:
        area = str(one["id"]).rpartition(":")[0]
        areas[area] = max(areas.get(area, 0), one["available_tickets"])
    return sum(areas.values())


class Slots:
    """Performances by product and slot, as one process keeps them for some seconds.

    To find offers by; whether they are sold is decided by the hub's core.
    """

    def __init__(self, age_s: float) -> None:
        self._kept: Kept[Sale] = Kept(age_s)

    def find(self, world: str, product: str, at: str) -> Sale:
        """Return the performance of a slot; refuses what is no product or no slot."""
        return self._kept.find((world, product, at), lambda: _found(world, product, at))


def _found(world: str, product: str, at: str) -> Sale:
    with transaction() as session:
        asked = asked_of(session, product, world, clock.now(session, world))
        return sale_at(session, asked, slot_of(at))


def sale_at(session: Session, asked: Asked, at: datetime) -> Sale:
    """Return the performance of a slot; refuses one that is past, or that is none."""
    day = at.date()
    if day < asked.today:
        raise TiqetsError(2009, "Cannot use the past date")
    for sale in _sales(session, asked, (day, day)):
        if any(slot(one) == slot(at) for one in _starts(sale, asked, (day, day))):
            return sale
    raise TiqetsError(2009, f"There is nothing at {slot(at)}")
