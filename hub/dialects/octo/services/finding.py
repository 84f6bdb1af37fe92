"""What a booking is of: found, kept for a moment, and shown."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from hub.dialects.octo.errors import OctoError, invalid, unprocessable
from hub.dialects.octo.models import OctoBooking
from hub.dialects.octo.rules import AvailabilityId
from hub.dialects.octo.services.asking import Asking
from hub.dialects.octo.services.availability import (
    Wanted,
    availability,
    availability_id,
    day_of,
)
from hub.dialects.octo.services.products import encoded, one_product, part
from hub.dialects.octo.services.telling import Shown
from hub.dialects.shared import queries
from hub.dialects.shared.queries import Sale
from hub.dialects.shared.services.keeping import Kept
from hub.dialects.shared.services.looking import area_of
from hub.kernel import clock
from hub.kernel.db import transaction

KNOWN_S = 60.0
Look = Callable[[UUID], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Basket:
    """What is to be held: offers and how many of each, on a day of a performance."""

    sale: Sale
    day: date
    option: str
    units: Mapping[str, int]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of the hold, one for each unit."""
        offers = self.sale.areas[self.option]
        return [
            {"offer_id": offers[unit], "quantity": count}
            for unit, count in self.units.items()
        ]


@dataclass(frozen=True, slots=True)
class _Product:
    """A product as it is sent, whole and in its parts."""

    whole: msgspec.Raw
    options: Mapping[str, msgspec.Raw]
    units: Mapping[str, Mapping[str, msgspec.Raw]]


class Finder:
    """The catalogue as one process keeps it for OCTO."""

    def __init__(self, age_s: float) -> None:
        self._sales: Kept[Sale | None] = Kept(age_s)
        self._clocks: Kept[timedelta] = Kept(age_s)
        self._known: Kept[bool] = Kept(KNOWN_S)
        self._products: Kept[_Product] = Kept(age_s)
        self._shown: Kept[tuple[msgspec.Raw, Mapping[str, int]]] = Kept(age_s)

    def sale(self, asked: Asking, performance_id: UUID) -> Sale | None:
        """Return an announced performance, as it was moments ago."""
        world = asked.who.world

        def make() -> Sale | None:
            with transaction() as session:
                now = clock.now(session, world)
                found = queries.sales(session, [performance_id], world=world, now=now)
                return found[0] if found else None

        return self._sales.find((world, performance_id), make)

    def now(self, world: str) -> datetime:
        """Return a world's time, as far off this machine's as it was moments ago."""

        def make() -> timedelta:
            with transaction() as session:
                return clock.now(session, world) - _own_time()

        return _own_time() + self._clocks.find(world, make)

    def note_known(self, asked: Asking, uuid: UUID) -> None:
        """Remember for a minute that a booking has a uuid."""
        self._known.find((asked.who.partner, uuid), lambda: True)

    def is_known(self, asked: Asking, uuid: UUID) -> bool:
        """Say whether a booking was found under a uuid within a minute."""
        return self._known.has((asked.who.partner, uuid))

    def basket(self, asked: Asking, said: Mapping[str, Any]) -> Basket:
        """Return what a request wants held; refuses ids that are none, with the id."""
        wanted = availability_id(said.get("availabilityId"))
        sale = self.sale(asked, wanted.performance_id)
        if sale is None:
            raise invalid("availabilityId", str(wanted))
        if str(sale.product) != said["productId"]:
            raise invalid("productId", said["productId"])
        if said["optionId"] not in sale.areas:
            raise invalid("optionId", said["optionId"])
        day = day_of(sale, wanted, self.now(asked.who.world))
        units = Counter(item["unitId"] for item in said["unitItems"])
        if not units:
            raise unprocessable("A booking has at least one unit", code="no-units")
        for unit in units:
            if unit not in sale.areas[said["optionId"]]:
                self._sales.forget((asked.who.world, wanted.performance_id))
                raise invalid("unitId", unit)
        return Basket(sale, day, said["optionId"], units)

    def shown(
        self, asked: Asking, row: OctoBooking, look: Look, now: datetime
    ) -> Shown:
        """Return what is shown of what was booked."""
        said = row.said
        product = self._product(asked, said["productId"])
        wanted = availability_id(said["availabilityId"])
        key = (*asked.key, asked.who.partner, str(wanted), said["optionId"])

        def make() -> tuple[msgspec.Raw, Mapping[str, int]]:
            return self._availability(asked, wanted, said["optionId"], look)

        told, taxes = self._shown.find(key, make)
        sale = self.sale(asked, wanted.performance_id)
        last_at = now if sale is None else sale.starts_at
        if sale is not None and wanted.day is not None:
            last_at = sale.ends_at or sale.starts_at
        return Shown(
            product.whole,
            product.options.get(said["optionId"]),
            told,
            taxes,
            last_at,
            now,
            product.units.get(said["optionId"], {}),
        )

    def _availability(
        self, asked: Asking, wanted: AvailabilityId, option: str, look: Look
    ) -> tuple[msgspec.Raw, Mapping[str, int]]:
        sale = self.sale(asked, wanted.performance_id)
        area = area_of(look(wanted.performance_id), option)
        if sale is None or area is None or option not in sale.capacities:
            return msgspec.Raw(b"null"), {}
        told = availability(asked, sale, area, Wanted(option, {}), wanted.day)
        taxes = {offer["price_type"]: offer["tax_bp"] for offer in area["offers"]}
        return msgspec.Raw(encoded(told)), taxes

    def _product(self, asked: Asking, product_id: str) -> _Product:
        def make() -> _Product:
            with transaction() as session:
                now = clock.now(session, asked.who.world)
                try:
                    return _in_parts(one_product(session, asked, now, product_id))
                except OctoError:  # withdrawn since, or shown as another
                    return _Product(msgspec.Raw(b"null"), {}, {})

        return self._products.find((*asked.key, product_id), make)


def _own_time() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _in_parts(product: Mapping[str, Any]) -> _Product:
    return _Product(
        msgspec.Raw(encoded(product)),
        {one["id"]: msgspec.Raw(encoded(one)) for one in product["options"]},
        {
            one["id"]: {u["id"]: msgspec.Raw(encoded(u)) for u in one["units"]}
            for one in product["options"]
        },
    )


def option_of(
    session: Session, asked: Asking, now: datetime, said: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a product that has an option; refuses ids that are none."""
    product = one_product(session, asked, now, said["productId"])
    option = part(product["options"], said["optionId"])
    if option is None:
        raise invalid("optionId", said["optionId"])
    for unit in said.get("units") or ():
        if part(option["units"], unit["id"]) is None:
            raise invalid("unitId", unit["id"])
    return product
