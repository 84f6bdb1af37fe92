"""OCTO as a supplier: what the port asks, in its bookings."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec

from connectors.errors import NoAnswerError, SaidNoError
from connectors.feed.records import AuditoriumRecord, PerformanceRecord, VenueRecord
from connectors.ports import (
    Answer,
    Available,
    Capabilities,
    Locked,
    OrderWanted,
    Read,
    Rooms,
    Schedule,
    Sold,
    Standing,
    TicketSold,
    Told,
)
from connectors.suppliers.octo import schedule, words
from connectors.suppliers.octo.words import OctoCredentials, OctoSettings
from connectors.suppliers.quiet import Quiet
from connectors.suppliers.rest import Reply, Rest
from connectors.suppliers.rows import STUMBLES, digest
from connectors.suppliers.settings import Said
from connectors.suppliers.settings import read as read_settings
from connectors.suppliers.soap import Wire

WITH = "octo/pricing, octo/content"
OVER = {Standing.NOTHING, Standing.CANCELLED}


class OctoPort(Quiet):
    """An OCTO supplier. A booking has our key as its uuid, and is asked for by it."""

    settings_type: ClassVar[type[OctoSettings]] = OctoSettings
    credentials_type: ClassVar[type[OctoCredentials]] = OctoCredentials
    capabilities: ClassVar[Capabilities] = Capabilities(
        sells=True,
        availability=Told.EXACT,
        separate_lock=True,
        extend=True,
        own_order_key=True,
        ask_by_key=True,
        cancel=True,
        by_venue=False,
    )

    def __init__(self, url: str, settings: Said, credentials: Said, wire: Wire) -> None:
        self._settings = read_settings(OctoSettings, settings)
        bearer = read_settings(OctoCredentials, credentials).bearer
        headers = {
            "Authorization": f"Bearer {bearer}",
            "Octo-Capabilities": WITH,
            "Accept-Language": self._settings.place.language,
        }
        self._rest = Rest(url, wire, headers)
        self._venue: VenueRecord | None = None  # as last told

    def venues(self) -> Sequence[VenueRecord]:
        """Tell the supplier, as the one venue there is."""
        said = self._good("GET", "/supplier/")
        self._venue = schedule.venue(said, self._settings)
        return [self._venue]

    def auditorium(
        self,
        venue: VenueRecord,  # noqa: ARG002 - the port's
        ref: str,
        performance: str,  # noqa: ARG002 - the port's
    ) -> AuditoriumRecord:
        """Tell the room of an option; KeyError for one that there is not."""
        rooms = {one.ref: one for one in self._read(Read()).rooms}
        return rooms[ref]

    def schedule(
        self,
        venue: VenueRecord | None,  # noqa: ARG002 - there is one
        rooms: Rooms,  # noqa: ARG002 - it tells its own
        read: Read,
    ) -> Schedule:
        """Tell every availability of every option in the days ahead."""
        return self._read(read)

    def _read(self, read: Read) -> Schedule:
        settings = self._settings
        venue = self._venue or self.venues()[0]
        products = self._good("GET", "/products/")
        found = [
            (product, option, self._days(product, option))
            for product in products
            for option in product["options"]
        ]
        told = digest([msgspec.json.encode(found, order="sorted")], settings, venue)
        count = sum(len(days) for _, _, days in found)
        if told == read.digest:
            return Schedule.same(told, count)
        skipped: list[str] = []
        performances: list[PerformanceRecord] = []
        left: dict[str, Available] = {}
        for product, option, days in found:
            for one in days:
                try:
                    made = schedule.performance(product, option, one, settings)
                    left[made.ref] = schedule.left(one)
                    performances.append(made)
                except STUMBLES as error:
                    skipped.append(f"{product['id']} {one.get('id')}: {error!r}")
        return Schedule(
            [schedule.production(one, settings) for one in products],
            performances,
            is_complete=not skipped,
            available=left,
            digest=None if skipped else told,
            count=count,
            rooms=[
                schedule.room(
                    *(venue.ref, product, option),
                    *(schedule.biggest(days, settings), settings.place.language),
                )
                for product, option, days in found
            ],
            skipped=skipped,
        )

    def _days(self, product: Any, option: Any) -> list[Any]:
        zone = ZoneInfo(product.get("timeZone") or self._settings.place.zone)
        today = datetime.now(zone).date()  # noqa: TID251 - what is asked for begins today
        last = today + timedelta(days=self._settings.days)
        body = {
            "productId": product["id"],
            "optionId": option["id"],
            "localDateStart": today.isoformat(),
            "localDateEnd": last.isoformat(),
        }
        found: list[Any] = self._good("POST", "/availability/", body)
        return found

    def availability(self, performance: str) -> Available:
        """Tell what is left of an availability."""
        product, option, availability = words.parts(performance)
        body = {
            "productId": product,
            "optionId": option,
            "availabilityIds": [availability],
        }
        found = self._good("POST", "/availability/", body)
        if not found:
            raise SaidNoError("not-on-sale", "it is not told any more")
        return schedule.left(found[0])

    def lock(self, wanted: OrderWanted) -> Locked:
        """Reserve: a booking of our uuid that is on hold."""
        product, option, availability = words.parts(wanted.performance)
        body = {
            "uuid": words.key_of(wanted),
            "productId": product,
            "optionId": option,
            "availabilityId": availability,
            "expirationMinutes": ceil(wanted.ttl_s / 60),
            "unitItems": list(words.units(wanted)),
        }
        booking = self._good("POST", "/bookings/", body)
        if words.answer(booking).standing is not Standing.LOCKED:
            raise NoAnswerError(f"reserved, but {booking['status']}")
        return Locked(
            theirs=str(booking["id"]),
            until=words.moment(booking["utcExpiresAt"]),
            total_minor=words.total(booking),
            quantity=len(booking["unitItems"]),
        )

    def extend(self, wanted: OrderWanted) -> datetime | None:
        """Hold a booking for longer."""
        body = {"expirationMinutes": ceil(wanted.ttl_s / 60)}
        reply = self._booking(wanted, "POST", "/extend", body)
        if not reply.is_good:
            raise self._why_not(wanted, reply)
        return words.moment(reply.said["utcExpiresAt"])

    def release(self, wanted: OrderWanted) -> None:
        """Cancel a booking that is on hold; one that is over, or unknown, is gone."""
        reply = self._booking(wanted, "POST", "/cancel", {"reason": "released"})
        if not reply.is_good and self.ask(wanted).standing not in OVER:
            raise words.refused(reply)

    def sell(self, wanted: OrderWanted) -> Sold:
        """Confirm a booking."""
        body = {"resellerReference": wanted.key, "contact": {}}
        reply = self._booking(wanted, "POST", "/confirm", body)
        if not reply.is_good:
            raise self._why_not(wanted, reply)
        found = words.answer(reply.said)
        if found.sold is None:
            raise NoAnswerError(f"confirmed, but {reply.said['status']}")
        return found.sold

    def ask(self, wanted: OrderWanted) -> Answer:
        """Tell how the booking of our uuid stands."""
        reply = self._booking(wanted, "GET", "")
        if words.is_unknown(reply):
            return Answer(Standing.NOTHING)
        if not reply.is_good:
            raise NoAnswerError(f"{reply.status} when asked")
        return words.answer(reply.said)

    def cancel(
        self,
        wanted: OrderWanted,
        tickets: Sequence[TicketSold],  # noqa: ARG002 - a booking is cancelled whole
    ) -> None:
        """Cancel a booking that is sold; one that is cancelled already is."""
        reply = self._booking(wanted, "POST", "/cancel", {"reason": "cancelled"})
        if reply.is_good or self.ask(wanted).standing is Standing.CANCELLED:
            return
        raise SaidNoError("past-cancellation", words.refused(reply).said)

    def _why_not(self, wanted: OrderWanted, reply: Reply) -> SaidNoError:
        """Return why a hold is no more: OCTO has one code for it all, so it is asked.

        NoAnswerError if it stands as if nothing had been refused.
        """
        standing = self.ask(wanted).standing
        if standing is Standing.NOTHING:
            return SaidNoError("lock-expired", words.refused(reply).said)
        if standing is Standing.LOCKED:
            return words.refused(reply)
        raise NoAnswerError(f"refused, but it is {standing}")

    def _booking(
        self, wanted: OrderWanted, method: str, what: str, body: Any = None
    ) -> Reply:
        uuid = quote(words.key_of(wanted), safe="")
        return self._rest.call(method, f"/bookings/{uuid}{what}", body)

    def _good(self, method: str, path: str, body: Any = None) -> Any:
        """Return what a good reply says; SaidNoError for a refusal."""
        reply = self._rest.call(method, path, body)
        if not reply.is_good:
            raise words.refused(reply)
        return reply.said
