"""pretix as a supplier: what the port asks, in its carts and orders."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from connectors.errors import NoAnswerError, SaidNoError
from connectors.feed.records import AuditoriumRecord, VenueRecord
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
from connectors.suppliers.amounts import minor_of
from connectors.suppliers.pretix import words
from connectors.suppliers.pretix.calls import Calls
from connectors.suppliers.pretix.reading import Reader
from connectors.suppliers.pretix.words import PretixCredentials, PretixSettings
from connectors.suppliers.quiet import Lapsing, Quiet
from connectors.suppliers.rest import Reply, Rest
from connectors.suppliers.settings import Said
from connectors.suppliers.settings import read as read_settings
from connectors.suppliers.soap import Wire

LOCK, SALE = "lock", "sale"
CREATED = 201


class PretixPort(Quiet, Lapsing):
    """A pretix organizer. A cart of ours is a lock, its order has a code of ours.

    Whatever is written has a key that pretix answers once: so what is on its way still
    is stopped by writing nothing under its key.
    """

    settings_type: ClassVar[type[PretixSettings]] = PretixSettings
    credentials_type: ClassVar[type[PretixCredentials]] = PretixCredentials
    capabilities: ClassVar[Capabilities] = Capabilities(
        sells=True,
        availability=Told.EXACT,
        seat_choice=True,
        separate_lock=True,
        own_order_key=True,
        ask_by_key=True,
        cancel=True,
        partial_cancel=True,
        price_override=True,
    )

    def __init__(self, url: str, settings: Said, credentials: Said, wire: Wire) -> None:
        self._settings = read_settings(PretixSettings, settings)
        token = read_settings(PretixCredentials, credentials).token
        rest = Rest(
            url, wire, {"Authorization": f"Token {token}", "Accept-Language": "en"}
        )
        self._calls = Calls(rest, self._settings.organizer)
        own = self._settings
        slow = Calls(rest, own.organizer, own.calls_per_minute)
        self._reader, self._looker = Reader(slow, own), Reader(self._calls, own)

    def venues(self) -> Sequence[VenueRecord]:
        """List the places of the events that are live and sold by us."""
        return self._reader.venues()

    def auditorium(
        self,
        venue: VenueRecord,
        ref: str,  # noqa: ARG002 - it is told by a performance
        performance: str,
    ) -> AuditoriumRecord:
        """Tell what is sold of a performance as a room, with its seats."""
        return self._reader.auditorium(venue, performance)

    def schedule(self, venue: VenueRecord | None, rooms: Rooms, read: Read) -> Schedule:
        """Tell every event at a place, and every date of its series."""
        assert venue is not None  # noqa: S101 - it is read by venue
        return self._reader.schedule(venue, rooms, read)

    def availability(self, performance: str) -> Available:
        """Tell what the quotas have left, and which seats are gone."""
        return self._looker.availability(performance)

    def lock(self, wanted: OrderWanted) -> Locked:
        """Put all into a cart of ours, once pretix has said what it costs."""
        self._refuse_unless_offered(wanted)
        total = self._quoted(wanted)
        until = datetime.now(UTC) + timedelta(seconds=wanted.ttl_s)  # noqa: TID251 - its
        cart = {
            "cart_id": words.cart_of(wanted.key),
            "expires": until.isoformat(),
            "sales_channel": self._settings.channel,
        }
        body = [cart | one for one in words.positions(wanted)]
        reply = self._calls.once(self._cart(wanted), f"{wanted.key}-{LOCK}", body)
        if not reply.is_good:
            raise words.refused(reply)
        results = reply.said["results"]
        if not results:
            raise SaidNoError("lock-expired", "it was let go")
        good = [one for one in results if one["success"]]
        if len(good) < len(results):
            self._drop(wanted, good)
            seats = words.seats_refused(wanted, results)
            raise SaidNoError("seats-taken", str(results)[:200], seats=seats)
        held = [one["data"]["seat"] for one in results if one["data"]["seat"]]
        return Locked(
            theirs=words.order_code(wanted.key),
            until=words.expires_at(results),
            total_minor=total,
            quantity=len(results),
            seats=tuple(one["seat_guid"] for one in held),
        )

    def _refuse_unless_offered(self, wanted: OrderWanted) -> None:
        """Raise SaidNoError for what its API would sell all the same.

        What is not sold by us now; a seat that is of another product.
        """
        offered, products = self._looker.offered(wanted.performance)
        for line in wanted.lines:
            sellable = words.sellable(line.type_code)
            if sellable not in offered:
                raise SaidNoError("not-on-sale", f"{line.type_code} is not sold now")
            for seat in line.seats:
                if products.get(seat.code) != sellable[0]:
                    said = f"{seat.code} is not of item {sellable[0]}"
                    raise SaidNoError("changed", said)

    def _quoted(self, wanted: OrderWanted) -> int:
        """Return what all of it costs there at this moment, without making an order."""
        body = self._order(wanted, is_priced=False) | {"simulate": True}
        reply = self._calls.send("POST", self._orders(wanted), body)
        if not reply.is_good:
            raise words.refused(reply, wanted)
        currency = wanted.lines[0].currency
        return minor_of(str(reply.said["total"]), currency)

    def _order(self, wanted: OrderWanted, *, is_priced: bool = True) -> dict[str, Any]:
        return {
            "email": self._settings.email,
            "sales_channel": self._settings.channel,
            "status": "p",
            "payment_provider": self._settings.provider,
            "send_email": False,
            "positions": list(words.positions(wanted, is_priced=is_priced)),
        }

    @staticmethod
    def _orders(wanted: OrderWanted) -> str:
        return f"/events/{words.parts(wanted.performance)[0]}/orders/"

    @staticmethod
    def _cart(wanted: OrderWanted, what: str = "bulk_create/") -> str:
        return f"/events/{words.parts(wanted.performance)[0]}/cartpositions/{what}"

    def _drop(self, wanted: OrderWanted, results: Sequence[Any]) -> None:
        """Take positions out of a cart; those that are out already are."""
        for one in results:
            path = self._cart(wanted, f"{one['data']['id']}/")
            reply = self._calls.send("DELETE", path)
            if not reply.is_good and reply.status != words.NOT_FOUND:
                raise words.refused(reply)

    def release(self, wanted: OrderWanted) -> None:
        """Empty the cart, and burn the keys: what comes late by them does nothing."""
        self._calls.once(
            self._orders(wanted), f"{wanted.key}-{SALE}", {"positions": []}
        )
        lock = self._calls.once(self._cart(wanted), f"{wanted.key}-{LOCK}", [])
        if lock.is_good:
            self._drop(wanted, [one for one in lock.said["results"] if one["success"]])

    def sell(self, wanted: OrderWanted) -> Sold:
        """Make a paid order of what is in the cart, under our code, at our prices."""
        body = self._order(wanted) | {
            "code": words.order_code(wanted.key),
            "consume_carts": [words.cart_of(wanted.key)],
            "api_meta": {"hub": wanted.key},
        }
        reply = self._calls.once(self._orders(wanted), f"{wanted.key}-{SALE}", body)
        if not reply.is_good:
            raise self._why_not(reply)
        return self._is_ours(words.answer(reply.said), wanted)

    @staticmethod
    def _why_not(reply: Any) -> SaidNoError:
        """Return a refusal; of a key that was burnt, that its lock was let go."""
        if isinstance(reply.said, Mapping) and "An order cannot be empty." in str(
            reply.said.get("positions")
        ):
            return SaidNoError("lock-expired", "it was let go")
        return words.refused(reply)

    @staticmethod
    def _is_ours(found: Answer, wanted: OrderWanted) -> Sold:
        if found.sold is None or found.theirs != words.order_code(wanted.key):
            raise NoAnswerError(f"ordered, but {found.standing} {found.theirs}")
        return found.sold

    def ask(self, wanted: OrderWanted) -> Answer:
        """Ask for the order of our code; without one, what became of its key.

        NoAnswerError as long as it is on its way.
        """
        order = self._asked(wanted)
        if order is not None:
            return words.answer(order)
        seen = self._calls.seen(f"{wanted.key}-{SALE}")
        if seen is not None and seen.is_good:
            raise NoAnswerError("it has made an order, and does not know it")
        return Answer(Standing.NOTHING)

    def _asked(self, wanted: OrderWanted, more: str = "") -> Any:
        path = f"{self._orders(wanted)}{words.order_code(wanted.key)}/{more}"
        reply = self._calls.send("GET", path)
        if reply.status == words.NOT_FOUND:
            return None
        if not reply.is_good:
            raise NoAnswerError(f"{reply.status} when asked")
        return reply.said

    def cancel(self, wanted: OrderWanted, tickets: Sequence[TicketSold]) -> None:
        """Cancel some positions of an order, or all; what is cancelled stays so."""
        codes = {ticket.code for ticket in tickets}
        found = self._left(wanted, codes)
        if not found.wanted:
            return
        if len(found.wanted) == found.valid:
            path = (
                f"{self._orders(wanted)}{words.order_code(wanted.key)}/mark_canceled/"
            )
            reply = self._calls.send("POST", path, {"send_email": False})
        else:
            slug = words.parts(wanted.performance)[0]
            for number in found.wanted:
                path = f"/events/{slug}/orderpositions/{number}/"
                reply = self._calls.send("DELETE", path)
        if not reply.is_good:
            self._refuse_unless_gone(wanted, codes, len(found.wanted), reply)

    def _left(self, wanted: OrderWanted, codes: Collection[str]) -> words.Left:
        """Return which of some tickets are valid still; NoAnswerError if unknown."""
        order = self._asked(wanted, "?include_canceled_positions=true")
        if order is None:
            raise NoAnswerError("it does not know what it has sold")
        return words.left_of(order, codes)

    def _refuse_unless_gone(
        self, wanted: OrderWanted, codes: Collection[str], count: int, reply: Reply
    ) -> None:
        """Look again after a refusal: an earlier try may have come through."""
        left = len(self._left(wanted, codes).wanted)
        if left == 0:
            return
        if left < count or reply.status == words.AT_ONCE:
            raise NoAnswerError(f"{left} of {count} are left: {reply.status}")
        raise SaidNoError("past-cancellation", f"{reply.status} {reply.said}")
