"""OCTO's words for the hub's facts: ids, statuses, times, prices. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

PRICING, CONTENT, CART = "octo/pricing", "octo/content", "octo/cart"
WEBHOOKS = "octo/webhooks"
CAPABILITIES = (PRICING, CONTENT, WEBHOOKS, CART)
UNIT_TYPES = frozenset(
    ("ADULT", "YOUTH", "CHILD", "INFANT", "FAMILY", "SENIOR", "STUDENT", "MILITARY")
)
ON_HOLD, PENDING, CONFIRMED = "ON_HOLD", "PENDING", "CONFIRMED"
EXPIRED, CANCELLED = "EXPIRED", "CANCELLED"
REDEEMED, REJECTED = "REDEEMED", "REJECTED"
HELD_AS = {
    "held": ON_HOLD,
    "requested": PENDING,
    "locking": PENDING,
    "confirming": PENDING,
    "unknown": PENDING,
    "lapsed": EXPIRED,
    "released": CANCELLED,
    "voided": CANCELLED,
    "rejected": REJECTED,
}
"""How a hold, or the sale of one, is told."""
BP = 10_000


@dataclass(frozen=True, slots=True)
class AvailabilityId:
    """A performance; of what may be visited on any day, one of its days."""

    performance_id: UUID
    day: date | None = None

    def __str__(self) -> str:
        day = "" if self.day is None else f"@{self.day.isoformat()}"
        return f"{self.performance_id}{day}"

    @classmethod
    def read(cls, said: str) -> Self | None:
        """Read an id; None if it is none of ours."""
        performance, _, day = said.partition("@")
        try:
            found = cls(UUID(performance), date.fromisoformat(day) if day else None)
        except ValueError:
            return None
        return found if str(found) == said else None


def unit_type(price_type: str) -> str:
    """Return OCTO's kind of a price type; what it has no word for is OTHER."""
    found = price_type.upper()
    return found if found in UNIT_TYPES else "OTHER"


def utc(at: datetime) -> str:
    """Return a time as OCTO writes it in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local(at: datetime, zone: str) -> str:
    """Return a time on the clocks of a venue, with its offset."""
    return at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")


def on_day(day: date, hour: time, zone: str) -> str:
    """Return an hour of a day on the clocks of a venue, with its offset."""
    at = datetime.combine(day, hour, ZoneInfo(zone))
    return at.isoformat(timespec="seconds")


def tax_in(minor: int, tax_bp: int) -> int:
    """Return the tax that an amount includes, rounded half up."""
    return (2 * minor * tax_bp + BP + tax_bp) // (2 * (BP + tax_bp))


def pricing(
    retail: int, net: int | None, *, currency: str, digits: int, tax_bp: int
) -> dict[str, Any]:
    """Return a price: what the public pays, and what the agent owes for it."""
    tax = tax_in(retail, tax_bp)
    taxes = {
        "name": "VAT",
        "original": tax,
        "retail": tax,
        "net": None if net is None else tax_in(net, tax_bp),
    }
    return {
        "original": retail,
        "retail": retail,
        "net": net,
        "currency": currency,
        "currencyPrecision": digits,
        "includedTaxes": [taxes] if tax_bp else [],
    }


def added(prices: Collection[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what prices of one currency come to; taxes by their name."""
    first = next(iter(prices))
    taxes: dict[str, dict[str, Any]] = {}
    for price in prices:
        for tax in price["includedTaxes"]:
            sums = taxes.setdefault(tax["name"], {"name": tax["name"]})
            _add(sums, tax, ("original", "retail", "net"))
    found: dict[str, Any] = {}
    for price in prices:
        _add(found, price, ("original", "retail", "net"))
    return {
        **found,
        "currency": first["currency"],
        "currencyPrecision": first["currencyPrecision"],
        "includedTaxes": list(taxes.values()),
    }


def _add(sums: dict[str, Any], more: Mapping[str, Any], names: Collection[str]) -> None:
    for name in names:
        is_first = name not in sums
        before, one = sums.get(name), more[name]
        whole = one if is_first else None
        if before is not None and one is not None:
            whole = before + one
        sums[name] = whole


def shared(minor: int, count: int) -> list[int]:
    """Share an amount among so many tickets: equally, the rest to the first."""
    each, rest = divmod(minor, count)
    return [each + (n < rest) for n in range(count)]


def status_of(vacancies: int | None, capacity: int, *, is_on_sale: bool) -> str:
    """Return how an availability is told; *vacancies* None: nothing bounds it."""
    if not is_on_sale:
        return "CLOSED"
    if vacancies is None:
        return "FREESALE"
    if vacancies == 0:
        return "SOLD_OUT"
    return "LIMITED" if 2 * vacancies < capacity else "AVAILABLE"


def refund_of(paid_minor: int, back_minor: int) -> str:
    """Say whether what was paid has come back: FULL, PARTIAL, NONE."""
    if back_minor >= paid_minor:
        return "FULL"
    return "PARTIAL" if back_minor > 0 else "NONE"
