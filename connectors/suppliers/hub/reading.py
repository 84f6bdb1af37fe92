"""Reading another hub as its agent: what it shows us, and how much of it is ours."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from connectors.errors import SaidNoError
from connectors.feed.records import AuditoriumRecord, PerformanceRecord, VenueRecord
from connectors.ports import Available, Read, Rooms, Schedule
from connectors.suppliers.hub import schedule, words
from connectors.suppliers.hub.words import HubSettings
from connectors.suppliers.rest import Rest
from connectors.suppliers.rows import STUMBLES, digest

PAGE, AT_ONCE = 100, 50
LOOKS_MAX = 20  # at performances, for the seats of a room


class Reader:
    """What another hub tells; it remembers what it listed, and which seats it read."""

    def __init__(self, rest: Rest, settings: HubSettings) -> None:
        self._rest, self._settings = rest, settings
        self._shows: dict[str, list[Any]] = {}  # by venue, as last listed
        self._left: dict[str, Any] = {}  # by performance, when its seats were read

    def venues(self) -> Sequence[VenueRecord]:
        """List the venues at which it shows us something."""
        found: dict[str, list[Any]] = {}
        for one in (*self._begun(), *self._listed("/v1/performances")):
            found.setdefault(one["venue_id"], []).append(one)
        self._shows = found
        return [schedule.venue(self._get(f"/v1/venues/{ref}")) for ref in found]

    def _begun(self) -> Iterator[Any]:
        """Yield what is open for a while, and has begun: it is not listed by itself."""
        days = self._settings.began_days
        now = datetime.now(UTC)  # noqa: TID251 - it is listed from now on
        asked = {
            "starts_from": (now - timedelta(days=days)).isoformat(),
            "starts_until": now.isoformat(),
        }
        for one in self._listed("/v1/performances", **asked) if days else ():
            ends = one["ends_at"]
            if one["is_open_dated"] and ends and words.moment(ends) > now:
                yield one

    def _listed(self, path: str, **asked: str) -> Iterator[Any]:
        after: str | None = None
        while True:
            more = {} if after is None else {"after": after}
            said = self._get(f"{path}?{urlencode({**asked, **more, 'limit': PAGE})}")
            yield from said["items"]
            after = said["next"]
            if after is None:
                return

    def auditorium(self, ref: str, performance: str) -> AuditoriumRecord:
        """Tell an auditorium, with the seats a performance there has."""
        said = self._get(f"/v1/auditoriums/{ref}")
        return schedule.room(said, self._seats_of(said, performance))

    def _seats_of(self, room: Any, performance: str) -> list[Any]:
        """Return the seats of a room: each performance tells those that it sells."""
        wanted = {area["area"] for area in room["areas"] if area["is_seated"]}
        others = [
            str(one["id"])
            for shows in self._shows.values()
            for one in shows
            if one["auditorium_id"] == room["id"] and one["id"] != performance
        ]
        found: dict[str, Any] = {}
        for one in [performance, *others][:LOOKS_MAX]:
            found |= {seat["id"]: seat for seat in self._seats(one)}
            if wanted <= {seat["area"] for seat in found.values()}:
                break
        return list(found.values())

    def _seats(self, performance: str) -> Any:
        return self._get(f"/v1/performances/{performance}/seats")["items"]

    def schedule(self, venue: VenueRecord, rooms: Rooms, read: Read) -> Schedule:
        """Tell what it lets us sell at a venue, and how much of it."""
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
            except STUMBLES as error:
                skipped.append(f"{one['id']}: {error!r}")
        productions = {one["production_id"]: one for one, _ in found}
        return Schedule(
            [schedule.production(one) for one in productions.values()],
            performances,
            is_complete=not skipped,
            available={
                one["id"]: self._looked(one["id"], said, is_whole=read.digest is None)
                for one, said in found
            },
            digest=None if skipped else told,
            count=len(found),
            skipped=skipped,
        )

    def _looked(self, performance: str, told: Any, *, is_whole: bool) -> Available:
        """Return what is left, with the seats that are gone if a number has changed."""
        left = schedule.left(told)
        is_seated = any(area["is_seated"] for area in told["areas"])
        is_same = self._left.get(performance) == left.left
        if not is_seated or (is_same and not is_whole):
            return left
        self._left[performance] = left.left
        return Available(left.left, self._gone(performance), left.is_on_sale)

    def _gone(self, performance: str) -> frozenset[str]:
        seats = self._seats(performance)
        return frozenset(seat["id"] for seat in seats if not seat["is_free"])

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
        return Available(told.left, self._gone(performance), told.is_on_sale)

    def _get(self, path: str) -> Any:
        reply = self._rest.call("GET", path)
        if reply.status == words.NOT_FOUND:
            raise SaidNoError("not-on-sale", "it is not told any more")
        if not reply.is_good:
            raise words.refused(reply)
        return reply.said


def _lasting(said: Any, told: Any) -> Any:
    """Return what is news of a performance: not when it was looked at, nor why."""
    areas = [
        {name: one for name, one in area.items() if name != "walk"}
        for area in told["areas"]
    ]
    return said, areas, told["is_on_sale"]
