"""Another hub as a supplier: what the port asks, as its agent."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec

from connectors.errors import NoAnswerError, SaidNoError
from connectors.feed.records import AuditoriumRecord, PerformanceRecord, VenueRecord
from connectors.ports import (
    Answer,
    Available,
    Begun,
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
from connectors.suppliers.hub import schedule, words
from connectors.suppliers.hub.words import HubCredentials, HubSettings
from connectors.suppliers.rest import Reply, Rest
from connectors.suppliers.rows import digest
from connectors.suppliers.settings import read as read_settings
from connectors.suppliers.soap import Wire

PAGE, AT_ONCE = 100, 50


class HubPort:
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

    def __init__(
        self,
        url: str,
        settings: Mapping[str, Any],
        credentials: Mapping[str, Any],
        wire: Wire,
    ) -> None:
        self._settings = read_settings(HubSettings, settings)
        key = read_settings(HubCredentials, credentials).key
        self._rest = Rest(url, wire, {"Authorization": f"Bearer {key}"})
        self._shows: dict[str, list[Any]] = {}  # by venue, as last listed

    def begin(self, mark: str | None) -> Begun:  # noqa: ARG002 - what is left has no date
        """Begin; its changes do not tell what is left."""
        return Begun()

    def venues(self) -> Sequence[VenueRecord]:
        """List the venues at which it shows us something."""
        found: dict[str, list[Any]] = {}
        for one in self._listed("/v1/performances"):
            found.setdefault(one["venue_id"], []).append(one)
        self._shows = found
        return [schedule.venue(self._get(f"/v1/venues/{ref}")) for ref in found]

    def _listed(self, path: str, **asked: str) -> Iterator[Any]:
        after: str | None = None
        while True:
            more = {} if after is None else {"after": after}
            said = self._get(f"{path}?{urlencode({**asked, **more, 'limit': PAGE})}")
            yield from said["items"]
            after = said["next"]
            if after is None:
                return

    def auditorium(
        self,
        venue: VenueRecord,  # noqa: ARG002 - it says itself where it is
        ref: str,
        performance: str,
    ) -> AuditoriumRecord:
        """Tell an auditorium, with the seats a performance there has."""
        said = self._get(f"/v1/auditoriums/{ref}")
        return schedule.room(said, self._seats(performance))

    def _seats(self, performance: str) -> Any:
        return self._get(f"/v1/performances/{performance}/seats")["items"]

    def schedule(self, venue: VenueRecord | None, rooms: Rooms, read: Read) -> Schedule:
        """Tell what it lets us sell at a venue, and how much of it."""
        assert venue is not None  # noqa: S101 - it is read by venue
        shows = self._shows.get(venue.ref, [])
        offered = self._offered([one["id"] for one in shows])
        found = [
            (one, offered[one["id"]])
            for one in shows
            if one["id"] in offered and schedule.is_ours(one, offered[one["id"]])
        ]
        told = digest(
            [msgspec.json.encode([_lasting(*pair) for pair in found], order="sorted")],
            self._settings,
            venue,
        )
        if told == read.digest:
            return Schedule.same(told, len(found))
        most = self._settings.selling.tickets_max
        skipped: list[str] = []
        performances: list[PerformanceRecord] = []
        for one, availability in found:
            try:
                areas = rooms.areas(one["auditorium_id"], one["id"])
                performances.append(
                    schedule.performance(one, availability, areas, most)
                )
            except (KeyError, ValueError) as error:
                skipped.append(f"{one['id']}: {error!r}")
        productions = {one["production_id"]: one for one, _ in found}
        return Schedule(
            [schedule.production(one) for one in productions.values()],
            performances,
            is_complete=not skipped,
            available={one["id"]: schedule.left(said) for one, said in found},
            digest=None if skipped else told,
            count=len(found),
            skipped=skipped,
        )

    def _offered(self, ids: Sequence[str]) -> dict[str, Any]:
        """Return the availability of performances, so many in a call."""
        found: dict[str, Any] = {}
        for at in range(0, len(ids), AT_ONCE):
            asked = urlencode(
                [("performance_id", one) for one in ids[at : at + AT_ONCE]]
            )
            said = self._get(f"/v1/availability?{asked}")
            found |= {one["performance_id"]: one for one in said["items"]}
        return found

    def availability(self, performance: str) -> Available:
        """Tell what is left of our allotment, and which seats are gone."""
        path = f"/v1/performances/{performance}"
        told = schedule.left(self._get(f"{path}/availability?max_staleness_s=0"))
        gone = [one["id"] for one in self._seats(performance) if not one["is_free"]]
        return Available(told.left, frozenset(gone), told.is_on_sale)

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

    def _get(self, path: str) -> Any:
        reply = self._rest.call("GET", path)
        if reply.status == words.NOT_FOUND:
            raise SaidNoError("not-on-sale", "it is not told any more")
        if not reply.is_good:
            raise words.refused(reply)
        return reply.said


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


def _lasting(said: Any, told: Any) -> Any:
    """Return what is news of a performance: not when it was looked at, nor why."""
    areas = [
        {name: one for name, one in area.items() if name != "walk"}
        for area in told["areas"]
    ]
    return said, areas, told["is_on_sale"]
