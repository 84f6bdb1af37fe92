"""Google's Events feed, as records. Source: Actions Center, event.feeddata.v1."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.suppliers.feed.events import place_of, records
from connectors.suppliers.feed.found import FilesSettings, Found, Json
from connectors.suppliers.settings import Place
from connectors.suppliers.text import ref_of


def read_google(said: Json, settings: FilesSettings) -> Found:
    """Read an EventFeed: ``{"data": [...]}``."""
    found, place = Found(), place_of(settings)
    for event in said["data"]:
        try:
            found.add(_of_google(event, settings, place))
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            found.skipped.append(f"{event.get('id')}: {error!r}")
    return found


def _of_google(event: Json, settings: FilesSettings, place: Place) -> list[Any]:
    starts_at = datetime.fromtimestamp(int(event["time_info"]["start_seconds"]), UTC)
    ends = event["time_info"].get("end_seconds")
    where = event.get("venue") or {}
    address = (where.get("location") or {}).get("address") or {}
    prices = [
        (one.get("title") or "standard", _amount(one["price"]), _currency(one["price"]))
        for one in event.get("tickets", ())
    ]
    return records(
        {
            "ref": ref_of(event["id"]),
            "name": event["title"],
            "description": event.get("description") or "",
            "genre": settings.genre,
            "starts_at": starts_at,
            "ends_at": datetime.fromtimestamp(int(ends), UTC) if ends else None,
            "status": "scheduled",
            "venue": where.get("name") or where.get("id") or "venue",
            "city": address.get("locality") or where.get("name") or "unknown",
            "country": address.get("country") or place.country,
            "capacity": settings.capacity,
            "prices": prices,
        },
        settings,
        place,
    )


def _amount(price: Json) -> Decimal:
    """Return a google.type.Money or a micro price as a decimal."""
    if "price_micros" in price:
        return Decimal(price["price_micros"]) / 1_000_000
    return Decimal(price.get("units") or 0) + Decimal(price.get("nanos") or 0).scaleb(
        -9
    )


def _currency(price: Json) -> str | None:
    said = price.get("currency_code") or price.get("currency")
    return said and str(said)
