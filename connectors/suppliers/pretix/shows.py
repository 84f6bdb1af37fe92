"""What is sold of an event of pretix, from which quotas, at which price. Pure.

An area is what is counted together: the seats of a product, or the products that are
sold from the same quotas. pretix checks neither that a seat is of its product nor that
a price is its own: so areas are made of that, and both are looked at here.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.suppliers.pretix.words import PretixSettings

Said = Mapping[str, Any]
Sellable = tuple[int, int | None]
Plan = tuple[str, frozenset[tuple[int, str]]]
NOT_FOR_ALL = (
    *("require_voucher", "hide_without_voucher", "require_approval"),
    *("require_membership", "require_bundling", "hidden_if_item_available"),
    "hidden_if_available",
)
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Show:
    """An event, or a date of a series (*date*), with what is sold of it.

    *net_rules*: tax rules whose prices are without the tax; *at*: when it was read, for
    some is sold for a time only. *walked*: what may be sold of it, once that is known.
    """

    event: Said
    date: Said | None
    items: Sequence[Said]
    quotas: Sequence[Said]
    net_rules: frozenset[int] = frozenset()
    at: datetime | None = None
    walked: list[tuple[Sellable, Said]] = field(default_factory=list, compare=False)

    @property
    def said(self) -> Said:
        """What tells its times, its prices and its seats."""
        return self.event if self.date is None else self.date

    @property
    def ref(self) -> str:
        """The reference of the performance."""
        slug = str(self.event["slug"])
        return slug if self.date is None else f"{slug}/{self.date['id']}"

    @property
    def room_ref(self) -> str:
        """The reference of the room: an event's own, with its seating plan."""
        plan, seated = self.said["seating_plan"], sorted(self.seated.items())
        if not seated:
            return f"{self.event['slug']}~"
        told = hashlib.blake2b(repr(seated).encode(), digest_size=3).hexdigest()
        return f"{self.event['slug']}~{plan}.{told}"  # dates may map a plan otherwise

    @property
    def counts(self) -> list[Any]:
        """What its quotas have left: another number means that a seat has changed."""
        return [(one["id"], one["available_number"]) for one in self.quotas]

    @property
    def is_counted(self) -> bool:
        """Whether all of its quotas count."""
        return all(number is not None for _, number in self.counts)

    @property
    def plan(self) -> Plan:
        """What the products of its seats depend on: the plan, and how it is mapped."""
        return self.room_ref, frozenset(self.seated.items())

    @property
    def seated(self) -> dict[int, str]:
        """The products of which seats are sold, with the names of their categories."""
        mapping = self.said["seat_category_mapping"] or {}
        return {int(item): str(name) for name, item in mapping.items()}


def is_sold_by_us(said: Said, settings: PretixSettings) -> bool:
    """Say whether something is sold through our channel."""
    if said.get("all_sales_channels", True):
        return True
    return settings.channel in said["limit_sales_channels"]


def sellables(show: Show, settings: PretixSettings) -> list[tuple[Sellable, Said]]:
    """Return what may be sold of a show to anybody, each with its item."""
    if not show.walked:
        show.walked.extend(_walk(show, settings))
    return show.walked


def is_sold(show: Show, settings: PretixSettings) -> bool:
    """Say whether anything is sold of a show: what is in no quota is not."""
    return any(quotas_of(show, one) for one, _ in sellables(show, settings))


def _walk(show: Show, settings: PretixSettings) -> Iterator[tuple[Sellable, Said]]:
    overridden = _overrides(show, "item_price_overrides", "item")
    others = _overrides(show, "variation_price_overrides", "variation")
    for item in show.items:
        is_for_all = not any(item.get(name) for name in NOT_FOR_ALL)
        if not (item["admission"] and is_for_all):
            continue
        if not _is_on(item, overridden.get(item["id"], {}), show.at, settings):
            continue
        if not item["variations"]:
            yield (item["id"], None), item
        for one in item["variations"]:
            is_shown = not one.get("hide_without_voucher")
            own = others.get(one["id"], {})
            if is_shown and _is_on(one, own, show.at, settings):
                yield (item["id"], one["id"]), item


def _is_on(
    said: Said, own: Said, at: datetime | None, settings: PretixSettings
) -> bool:
    """Say whether something is sold by us at a moment; *own* is what a date says."""
    if not said["active"] or own.get("disabled") or not is_sold_by_us(said, settings):
        return False
    for one in (said, own):
        begins, ends = one.get("available_from"), one.get("available_until")
        if at and begins and at < datetime.fromisoformat(begins):
            return False
        if at and ends and at > datetime.fromisoformat(ends):
            return False
    return True


def _overrides(show: Show, what: str, name: str) -> dict[int, Said]:
    return {one[name]: one for one in show.said.get(what) or ()}


def areas(
    show: Show, settings: PretixSettings
) -> dict[str, list[tuple[Sellable, Said]]]:
    """Return what is sold by area: seats of a product, or what shares its quotas."""
    found: dict[str, list[tuple[Sellable, Said]]] = {}
    refs = _refs(show)
    for sellable, item in sellables(show, settings):
        quotas = frozenset(one["id"] for one in quotas_of(show, sellable))
        if not quotas:
            continue  # what is in no quota is not sold
        is_seated = sellable[0] in show.seated
        ref = f"s{sellable[0]}" if is_seated else refs[quotas]
        found.setdefault(ref, []).append((sellable, item))
    return found


def _refs(show: Show) -> dict[frozenset[int], str]:
    """Return the references of areas by their quotas: of the first product there was.

    Of those that are not sold now, too: an early bird that ends moves nothing.
    """
    found: dict[frozenset[int], tuple[int, int]] = {}
    for item in show.items:
        for variation in [one["id"] for one in item["variations"]] or [None]:
            own = frozenset(q["id"] for q in quotas_of(show, (item["id"], variation)))
            at = (item["id"], variation or 0)
            found[own] = min(at, found.get(own, at))
    return {own: f"a{item}.{variation}" for own, (item, variation) in found.items()}


def quotas_of(show: Show, sellable: Sellable) -> list[Said]:
    """Return the quotas something is sold from: each must have one left."""
    item, variation = sellable
    return [
        one
        for one in show.quotas
        if item in one["items"]
        and (variation is None or variation in one["variations"])
    ]


def capacity(show: Show, sellable: Sellable, settings: PretixSettings) -> int:
    """Return how many there are in all; an unlimited quota has the agreed number."""
    sizes = [
        settings.capacity if one["size"] is None else int(one["size"])
        for one in quotas_of(show, sellable)
    ]
    return min(sizes)


def count(show: Show, sellable: Sellable) -> int | None:
    """Return how many the quotas have left; None where they are unlimited."""
    found = [
        0 if one["closed"] else one["available_number"]
        for one in quotas_of(show, sellable)
    ]
    numbers = [int(one) for one in found if one is not None]
    return max(0, min(numbers)) if numbers else None


def code_of(sellable: Sellable) -> str:
    """Return the code of an offer: the item, and its variation if it has one."""
    item, variation = sellable
    return str(item) if variation is None else f"{item}:{variation}"


def price(show: Show, item: Said, variation: Said | None) -> str:
    """Return what something costs at a show, tax included.

    Its own price of the date, or that of all dates.
    """
    if variation is None:
        own = _overrides(show, "item_price_overrides", "item").get(item["id"], {})
        told = own.get("price") or item["default_price"]
    else:
        others = _overrides(show, "variation_price_overrides", "variation")
        told = others.get(variation["id"], {}).get("price") or variation["price"]
    if item.get("tax_rule") not in show.net_rules:
        return str(told)
    gross = Decimal(str(told)) * (1 + Decimal(item["tax_rate"] or 0) / 100)
    return str(gross.quantize(CENT, ROUND_HALF_UP))
