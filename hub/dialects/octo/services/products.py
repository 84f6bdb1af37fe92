"""Products with their options and units, as an agent of a world may see them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.dialects.octo.errors import invalid
from hub.dialects.octo.rules import (
    CONTENT,
    PRICING,
    pricing,
    unit_type,
)
from hub.dialects.octo.services.asking import Asking
from hub.dialects.shared import queries
from hub.dialects.shared.rules import ProductId, language_of, words_in
from hub.kernel.money import exponent
from hub.sales.schemas.sale import TICKETS_MAX

AGE_MAX = 120
CONTACTS = {"none": [], "order": ["fullName"], "ticket": ["fullName"]}
UNIT_CONTACTS = {"none": [], "order": [], "ticket": ["fullName"]}
NO_TEXT: dict[str, Any] = {"shortDescription": None, "features": []}
NO_CONTENT: dict[str, Any] = {**NO_TEXT, "faqs": [], "media": [], "locations": []}


def products(
    session: Session, asked: Asking, now: datetime, only: ProductId | None = None
) -> list[dict[str, Any]]:
    """Return products: of what is to come, or one by its id, whatever it was."""
    rows = queries.units(session, world=asked.who.world, now=now, only=only)
    shown = queries.productions(session, [row.production_id for row in rows])
    venues = queries.venues(session, [row.venue_id for row in rows])
    return [
        _product(asked, key, list(group), (shown[key[0]], venues[key[1]]))
        for key, group in groupby(rows, _key)
    ]


def _key(row: Row[Any]) -> tuple[UUID, UUID, bool]:
    return row.production_id, row.venue_id, row.is_open_dated


def one_product(
    session: Session, asked: Asking, now: datetime, said: str
) -> dict[str, Any]:
    """Return one product; INVALID_PRODUCT_ID if there is none."""
    product = ProductId.read(said)
    found = [] if product is None else products(session, asked, now, product)
    if not found:
        raise invalid("productId", said)
    return found[0]


def _product(
    asked: Asking,
    key: tuple[UUID, UUID, bool],
    rows: Sequence[Row[Any]],
    about: tuple[Row[Any], Row[Any]],
) -> dict[str, Any]:
    production, venue = about
    title = words_in(production.title, asked.languages)
    place = words_in(venue.name, asked.languages)
    options = [
        _option(asked, area, list(group), is_first=n == 0)
        for n, (area, group) in enumerate(groupby(rows, lambda r: r.area))
    ]
    currencies = list(dict.fromkeys(row.currency for row in rows))
    found: dict[str, Any] = {
        "id": str(ProductId(*key)),
        "internalName": f"{title} - {place}",
        "reference": None,
        "locale": language_of(production.title, asked.languages),
        "timeZone": venue.zone,
        "allowFreesale": False,
        "instantConfirmation": True,
        "instantDelivery": True,
        "availabilityRequired": True,
        "availabilityType": "OPENING_HOURS" if key[2] else "START_TIME",
        "deliveryFormats": ["QRCODE", "CODE128"],
        "deliveryMethods": ["TICKET"],
        "redemptionMethod": "DIGITAL",
        "options": options,
    }
    if asked.has(PRICING):
        found |= {
            "defaultCurrency": currencies[0],
            "availableCurrencies": currencies,
            "pricingPer": "UNIT",
        }
    if asked.has(CONTENT):
        found |= _content(asked, production, venue, title)
    return found


def _content(
    asked: Asking, production: Row[Any], venue: Row[Any], title: str
) -> dict[str, Any]:
    place = words_in(venue.name, asked.languages)
    description = words_in(production.description or {}, asked.languages) or None
    return NO_CONTENT | {
        "title": title,
        "shortDescription": f"{place}, {venue.city}, {venue.country}",
        "description": description,
        "media": [_medium(image) for image in production.images or ()],
        "categoryLabels": [],
        "durationMinutesFrom": production.runtime_min or 0,
        "durationMinutesTo": None,
        "commentary": [],
    }


def _medium(image: Mapping[str, Any]) -> dict[str, Any]:
    src = str(image["url"])
    kind = "image/png" if src.endswith(".png") else "image/jpeg"
    rest = dict.fromkeys(("title", "caption", "copyright"))
    return {"src": src, "type": kind, "rel": "COVER", **rest}


def _option(
    asked: Asking, area: str, rows: Sequence[Row[Any]], *, is_first: bool
) -> dict[str, Any]:
    name = words_in(rows[0].name, asked.languages)
    names = max((row.names for row in rows), key=list(CONTACTS).index)
    found: dict[str, Any] = {
        "id": area,
        "default": is_first,
        "internalName": name,
        "reference": area,
        "availabilityLocalStartTimes": sorted({t for row in rows for t in row.times}),
        "cancellationCutoff": "Until it begins, as its cancellation quote says",
        "cancellationCutoffAmount": 0,
        "cancellationCutoffUnit": "minute",
        "requiredContactFields": CONTACTS[names],
        "restrictions": {"minUnits": None, "maxUnits": TICKETS_MAX},
        "units": [
            _unit(asked, kind, list(group))
            for kind, group in groupby(rows, lambda r: r.price_type)
        ],
    }
    if asked.has(CONTENT):
        found |= NO_CONTENT | {
            "title": name,
            "description": None,
            "categoryLabels": [],
            "durationMinutesFrom": 0,
            "durationMinutesTo": None,
            "commentary": [],
        }
    return found


def _unit(asked: Asking, kind: str, rows: Sequence[Row[Any]]) -> dict[str, Any]:
    name = kind.replace("-", " ").replace("_", " ").title()
    found: dict[str, Any] = {
        "id": kind,
        "internalName": name,
        "reference": kind,
        "type": unit_type(kind),
        "restrictions": {
            "minAge": 0,
            "maxAge": AGE_MAX,
            "idRequired": False,
            "minQuantity": min(row.tickets_min for row in rows),
            "maxQuantity": max(row.tickets_max for row in rows),
            "paxCount": 1,
            "accompaniedBy": [],
        },
        "requiredContactFields": UNIT_CONTACTS[rows[0].names],
    }
    if asked.has(PRICING):
        found["pricingFrom"] = [_from(row) for row in rows]
    if asked.has(CONTENT):
        found |= {"title": name, "shortDescription": name, "features": []}
    return found


def _from(row: Row[Any]) -> dict[str, Any]:
    """Return the lowest price to the public; what the agent owes is told by sale."""
    return pricing(
        row.from_minor,
        None,
        currency=row.currency,
        digits=exponent(row.currency),
        tax_bp=row.tax_bp,
    )


def part(items: Iterable[Mapping[str, Any]], wanted: str) -> Mapping[str, Any] | None:
    """Return the option or unit of an id."""
    return next((item for item in items if item["id"] == wanted), None)


def encoded(found: Any) -> bytes:
    """Return what is told as it is sent."""
    return msgspec.json.encode(found)
