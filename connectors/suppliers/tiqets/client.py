"""A Tiqets supplier: what the port asks, in its reservations and bookings."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
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
    TicketSold,
    Told,
)
from connectors.suppliers.quiet import Lapsing, Quiet
from connectors.suppliers.rest import Rest
from connectors.suppliers.rows import STUMBLES, digest
from connectors.suppliers.settings import Said
from connectors.suppliers.settings import read as read_settings
from connectors.suppliers.soap import Wire
from connectors.suppliers.tiqets import words
from connectors.suppliers.tiqets.words import TiqetsCredentials, TiqetsSettings


class TiqetsPort(Quiet, Lapsing):
    """A venue of the Tiqets supplier API. A reservation runs out, and cannot be let go.

    It tells of no booking either: what is not answered is for a person.
    """

    settings_type: ClassVar[type[TiqetsSettings]] = TiqetsSettings
    credentials_type: ClassVar[type[TiqetsCredentials]] = TiqetsCredentials
    capabilities: ClassVar[Capabilities] = Capabilities(
        sells=True,
        availability=Told.EXACT,
        separate_lock=True,
        release=False,
        cancel=True,
        by_venue=False,
    )

    def __init__(self, url: str, settings: Said, credentials: Said, wire: Wire) -> None:
        self._settings = read_settings(TiqetsSettings, settings)
        key = read_settings(TiqetsCredentials, credentials).api_key
        self._rest = Rest(url, wire, {"API-Key": key})

    def venues(self) -> Sequence[VenueRecord]:
        """Tell the venue, which is one at each address; it is not asked for that."""
        return [words.venue(self._settings)]

    def auditorium(
        self,
        venue: VenueRecord,  # noqa: ARG002 - there is one
        ref: str,
        performance: str,  # noqa: ARG002 - a product's slots are alike
    ) -> AuditoriumRecord:
        """Tell the room of a product; KeyError for one that there is not."""
        made = (words.room(one, self._settings) for one in self._products())
        return {room.ref: room for room in made}[ref]

    def _products(self) -> list[Any]:
        said = self._good("GET", "/v2/products")
        return [one for one in said if words.is_ours(one)]

    def schedule(
        self,
        venue: VenueRecord | None,  # noqa: ARG002 - there is one
        rooms: Rooms,  # noqa: ARG002 - it tells its own
        read: Read,
    ) -> Schedule:
        """Tell every slot of every product in the days ahead that wants no names."""
        settings = self._settings
        products = self._products()
        today = datetime.now(ZoneInfo(settings.place.zone)).date()  # noqa: TID251 - theirs
        last = today + timedelta(days=settings.days)
        skipped: list[str] = []
        found = self._found(products, today, last, skipped)
        told = digest([msgspec.json.encode(found, order="sorted")], settings)
        if told == read.digest and not skipped:
            return Schedule.same(told, len(found))
        performances: list[PerformanceRecord] = []
        left: dict[str, Available] = {}
        for product, slot, said in found:
            ref = f"{product['id']}{words.APART}{slot}"
            try:
                if words.is_sold_out(said):
                    left[ref] = words.left(said)
                elif words.is_priced(product, said, settings):
                    left[ref] = words.left(said)
                    made = words.performance(product, slot, said, settings)
                    performances.append(made)
            except STUMBLES as error:
                skipped.append(f"{product['id']} {slot}: {error!r}")
        return Schedule(
            [words.production(one, settings) for one in products],
            performances,
            is_complete=not skipped,
            available=left,
            digest=None if skipped else told,
            count=len(found),
            rooms=[words.room(one, settings) for one in products],
            skipped=skipped,
        )

    def _found(
        self, products: Sequence[Any], first: date, last: date, skipped: list[str]
    ) -> list[tuple[Any, str, Any]]:
        """Return (product, slot, what is said of it); note in *skipped* who refuses."""
        found: list[tuple[Any, str, Any]] = []
        for product in products:
            try:
                slots = self._slots(product["id"], first, last)
            except SaidNoError as error:  # the others are told all the same
                skipped.append(f"{product['id']}: {error}")
                continue
            found += [(product, slot, said) for slot, said in slots.items()]
        return found

    def _slots(self, product: str, first: Any, last: Any) -> Mapping[str, Any]:
        path = f"/v2/products/{quote(product, safe='')}/availability"
        said = self._good("GET", f"{path}?start={first}&end={last}")
        return said if isinstance(said, Mapping) else {}  # nothing is an empty list

    def availability(self, performance: str) -> Available:
        """Tell what is left of a slot."""
        product, slot = words.parts(performance)
        day = slot.partition("T")[0]
        found = self._slots(product, day, day).get(slot)
        if not found:
            raise SaidNoError("not-on-sale", "it is not told any more")
        return words.left(found)

    def lock(self, wanted: OrderWanted) -> Locked:
        """Reserve; the reservation's own key is told, and when it runs out."""
        product, slot = words.parts(wanted.performance)
        path = f"/v2/products/{quote(product, safe='')}/reservation"
        tickets = [
            {"variant_id": line.type_code, "quantity": line.quantity}
            for line in wanted.lines
        ]
        customer = msgspec.to_builtins(self._settings.customer)
        body = {"datetime": slot, "tickets": tickets, "customer": customer}
        said = self._good("POST", path, body)
        return Locked(
            theirs=str(said["reservation_id"]),
            until=words.until(said["expires_at"]),
            total_minor=words.total(wanted, said.get("unit_price")),
            quantity=wanted.quantity,
        )

    def release(self, wanted: OrderWanted) -> None:
        """Do nothing: a reservation runs out, and is not booked meanwhile."""

    def sell(self, wanted: OrderWanted) -> Sold:
        """Book what is reserved."""
        if wanted.theirs is None:
            raise SaidNoError("lock-expired", "its reservation was never told")
        reference = words.reference(wanted.key)
        body = {"reservation_id": wanted.theirs, "order_reference": reference}
        return words.sold(wanted, self._good("POST", "/v2/booking", body))

    def ask(self, wanted: OrderWanted) -> Answer:  # noqa: ARG002 - the port's
        """Raise NoAnswerError: it tells of no booking."""
        raise NoAnswerError("it cannot be asked for a booking")

    def cancel(self, wanted: OrderWanted, tickets: Sequence[TicketSold]) -> None:  # noqa: ARG002 - a booking is cancelled whole
        """Cancel a booking; one that is cancelled stays so."""
        prefix, _, known = (wanted.theirs or "").partition(words.BOOKING)
        if prefix or not known:  # it was settled by a person, who knows it
            raise SaidNoError("not-allowed", "its booking is not known here")
        booking = quote(known, safe="")
        reply = self._rest.call("DELETE", f"/v2/booking/{booking}")
        if reply.is_good:
            return
        code = reply.said.get("error_code") if isinstance(reply.said, dict) else None
        if code != words.ALREADY_CANCELLED:
            raise words.refused(reply)

    def _good(self, method: str, path: str, body: Any = None) -> Any:
        """Return what a good reply says; SaidNoError for a refusal."""
        reply = self._rest.call(method, path, body)
        if not reply.is_good:
            raise words.refused(reply)
        return reply.said
