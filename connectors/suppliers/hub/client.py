"""Another hub as a supplier: what the port asks, as its agent."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
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
from connectors.suppliers.hub import words
from connectors.suppliers.hub.reading import Reader
from connectors.suppliers.hub.words import HubCredentials, HubSettings
from connectors.suppliers.quiet import Quiet
from connectors.suppliers.rest import Reply, Rest
from connectors.suppliers.settings import Said
from connectors.suppliers.settings import read as read_settings
from connectors.suppliers.soap import Wire


class HubPort(Quiet):
    """Another hub. A hold of ours there is the lock; our key is the order's reference.

    Every write has a key of ours, so that it is asked again rather than guessed.
    """

    settings_type: ClassVar[type[HubSettings]] = HubSettings
    credentials_type: ClassVar[type[HubCredentials]] = HubCredentials
    capabilities: ClassVar[Capabilities] = Capabilities(
        sells=True,
        availability=Told.EXACT,
        seat_choice=True,
        separate_lock=True,
        extend=True,
        own_order_key=True,
        ask_by_key=True,
        cancel=True,
        partial_cancel=True,
        channel_quota=True,
    )

    def __init__(self, url: str, settings: Said, credentials: Said, wire: Wire) -> None:
        self._settings = read_settings(HubSettings, settings)
        key = read_settings(HubCredentials, credentials).key
        bearer = {"Authorization": f"Bearer {key}"}
        self._rest = Rest(url, wire, bearer, heard=(words.TOO_MANY,))
        self._reader = Reader(self._rest, self._settings)

    def venues(self) -> Sequence[VenueRecord]:
        """List the venues at which it shows us something."""
        return self._reader.venues()

    def auditorium(
        self,
        venue: VenueRecord,  # noqa: ARG002 - it says itself where it is
        ref: str,
        performance: str,
    ) -> AuditoriumRecord:
        """Tell an auditorium, with the seats its performances have."""
        return self._reader.auditorium(ref, performance)

    def schedule(self, venue: VenueRecord | None, rooms: Rooms, read: Read) -> Schedule:
        """Tell what it lets us sell at a venue, and how much of it."""
        assert venue is not None  # noqa: S101 - it is read by venue
        return self._reader.schedule(venue, rooms, read)

    def availability(self, performance: str) -> Available:
        """Tell what is left of our allotment, and which seats are gone."""
        return self._reader.availability(performance)

    def lock(self, wanted: OrderWanted) -> Locked:
        """Hold what is wanted."""
        reply = self._held(wanted)
        if not reply.is_good:
            raise words.refused(reply)
        said = reply.said
        return Locked(
            theirs=str(said["id"]),
            until=words.moment(said["expires_at"]),
            total_minor=words.faces(said["lines"]),
            quantity=sum(line["quantity"] for line in said["lines"]),
            seats=words.seats_of(said["lines"]),
        )

    def _held(self, wanted: OrderWanted) -> Reply:
        body = {"lines": list(words.lines(wanted))}
        return self._write("POST", "/v1/holds", f"{wanted.key}-lock", body)

    def extend(self, wanted: OrderWanted) -> datetime | None:
        """Extend a hold, as long as its plan lets us."""
        path = f"/v1/holds/{self._hold_of(wanted)}/extension"
        reply = self._rest.call("POST", path)
        if not reply.is_good:
            raise words.refused(reply)
        return words.moment(reply.said["expires_at"])

    def _hold_of(self, wanted: OrderWanted) -> str:
        """Return the hold of our key, which is asked for again if it was not told."""
        if wanted.theirs is not None:
            return wanted.theirs
        reply = self._held(wanted)
        if not reply.is_good:
            raise words.refused(reply)
        return str(reply.said["id"])

    def release(self, wanted: OrderWanted) -> None:
        """Let a hold go; one that is over, or was never made, is gone."""
        try:
            hold_id = self._hold_of(wanted)
        except SaidNoError:
            return  # it makes none, and so has none
        reply = self._rest.call("DELETE", f"/v1/holds/{hold_id}")
        if reply.is_good or str(_code(reply)) in words.OVER:
            return
        raise words.refused(reply)

    def sell(self, wanted: OrderWanted) -> Sold:
        """Confirm a hold, with our key as the reference."""
        body = {"hold_id": self._hold_of(wanted), "reference": wanted.key}
        reply = self._write("POST", "/v1/orders", f"{wanted.key}-sale", body)
        if not reply.is_good:
            raise words.refused(reply)
        return words.sold(reply.said)

    def ask(self, wanted: OrderWanted) -> Answer:
        """Ask for the order of our reference; without one, for the hold."""
        order = self._order(wanted)
        if order is not None:
            return words.answer(order)
        if wanted.theirs is None:
            return Answer(Standing.NOTHING)
        reply = self._rest.call("GET", f"/v1/holds/{wanted.theirs}")
        if reply.status == words.NOT_FOUND:
            return Answer(Standing.NOTHING)
        if not reply.is_good:
            raise NoAnswerError(f"{reply.status} when asked")
        return Answer(words.standing_of_hold(reply.said["state"]), theirs=wanted.theirs)

    def _order(self, wanted: OrderWanted) -> Any:
        reply = self._rest.call("GET", f"/v1/orders?reference={wanted.key}")
        if not reply.is_good:
            raise NoAnswerError(f"{reply.status} when asked")
        found = reply.said["items"]
        return found[0] if found else None

    def cancel(self, wanted: OrderWanted, tickets: Sequence[TicketSold]) -> None:
        """Cancel tickets of an order; those that are cancelled stay so."""
        order = self._order(wanted)
        if order is None:
            raise NoAnswerError("it does not know what it has sold")
        ids = _tickets_of(order, tickets)
        if not ids:
            return
        named = hashlib.sha256("".join(ids).encode()).hexdigest()[:16]
        path = f"/v1/orders/{order['id']}/cancellations"
        key = f"{wanted.key}-{named}"
        reply = self._write("POST", path, key, {"ticket_ids": ids})
        if not reply.is_good:
            raise words.refused(reply)
        if reply.said["cancelling"]:
            raise NoAnswerError("its supplier has not answered yet")

    def _write(self, method: str, path: str, key: str, body: Any) -> Reply:
        """Write under a key; NoAnswerError for what it does not know itself yet."""
        reply = self._rest.call(method, path, body, {"Idempotency-Key": key})
        if reply.status == words.ACCEPTED:
            raise NoAnswerError("accepted, and not decided yet")
        return reply


def _tickets_of(order: Any, tickets: Sequence[TicketSold]) -> list[str]:
    """Return the ids of valid tickets: by code and seat; of a shared code, as many."""
    wanted = [(ticket.code, ticket.seat) for ticket in tickets]
    found = []
    for one in order["tickets"]:
        seat = None if one["seat"] is None else str(one["seat"]["id"])
        if (one["code"], seat) in wanted:
            wanted.remove((one["code"], seat))
            found.append(str(one["id"]))
    return sorted(found)


def _code(reply: Reply) -> Any:
    return reply.said.get("code") if isinstance(reply.said, Mapping) else None
