"""What is sold of an event of pretix, from which quotas, at which price. Pure.

An area is what is counted together: the seats of a product, or the products that are
sold from the same quotas. pretix checks neither that a seat is of its product nor that
a price is its own: so areas are made of that, and both are looked at here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.suppliers.pretix.words import PretixSettings

Said = Mapping[str, Any]
Sellable = tuple[int, int | None]
Plan = tuple[str, frozenset[tuple[int, str]]]


@dataclass(frozen=True, slots=True)
class Show:
    """An event, or a date of a series (*date*), with what is sold of it."""

    event: Said
    date: Said | None
    items: Sequence[Said]
    quotas: Sequence[Said]

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
        plan = self.said["seating_plan"]
        return f"{self.event['slug']}~{plan or ''}"

    @property
    def counts(self) -> list[Any]:
        """What its quotas have left: another number means that a seat has changed."""
        return [(one["id"], one["available_number"]) for one in self.quotas]

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
    if said["all_sales_channels"]:
        return True
    return settings.channel in said["limit_sales_channels"]


def sellables(show: Show, settings: PretixSettings) -> Iterator[tuple[Sellable, Said]]:
    """Yield what may be sold of a show to anybody, and its item."""
    overridden = _overrides(show, "item_price_overrides", "item")
    others = _overrides(show, "variation_price_overrides", "variation")
    for item in show.items:
        is_for_all = not (item["require_voucher"] or item["hide_without_voucher"])
        is_on = item["active"] and item["admission"] and is_for_all
        if not is_on or not is_sold_by_us(item, settings):
            continue
        if overridden.get(item["id"], {}).get("disabled"):
            continue
        if not item["variations"]:
            yield (item["id"], None), item
        for one in item["variations"]:
            is_off = others.get(one["id"], {}).get("disabled")
            if one["active"] and not is_off:
                yield (item["id"], one["id"]), item


def _overrides(show: Show, what: str, name: str) -> dict[int, Said]:
    return {one[name]: one for one in show.said.get(what) or ()}


def areas(
    show: Show, settings: PretixSettings
) -> dict[str, list[tuple[Sellable, Said]]]:
    """Return what is sold by area: seats of a product, or what shares its quotas."""
    found: dict[str, list[tuple[Sellable, Said]]] = {}
    refs: dict[frozenset[int], str] = {}
    for sellable, item in sellables(show, settings):
        quotas = frozenset(one["id"] for one in quotas_of(show, sellable))
        if not quotas:
            continue  # what is in no quota is not sold
        if sellable[0] in show.seated:
            ref = f"s{sellable[0]}"
        else:
            ref = refs.setdefault(quotas, f"a{sellable[0]}.{sellable[1] or 0}")
        found.setdefault(ref, []).append((sellable, item))
    return found


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
    """Return what something costs at a show: its own price of the date, or in all."""
    if variation is None:
        own = _overrides(show, "item_price_overrides", "item").get(item["id"], {})
        return str(own.get("price") or item["default_price"])
    others = _overrides(show, "variation_price_overrides", "variation")
    own = others.get(variation["id"], {})
    return str(own.get("price") or variation["price"])
