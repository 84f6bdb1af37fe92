"""Reading a pretix: its events by place, what is sold of them, which seats are gone."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors.errors import SaidNoError
from connectors.feed.records import AuditoriumRecord, PerformanceRecord, VenueRecord
from connectors.ports import Available, Read, Rooms, Schedule
from connectors.suppliers.pretix import schedule, words
from connectors.suppliers.pretix.calls import Calls
from connectors.suppliers.pretix.shows import (
    Plan,
    Sellable,
    Show,
    code_of,
    is_sold,
    sellables,
)
from connectors.suppliers.pretix.words import PretixSettings
from connectors.suppliers.rows import STUMBLES, digest

Seen = tuple[list[Any], Counter[int]]


class Reader:
    """What a pretix tells; it remembers the places of events, and products of seats."""

    def __init__(self, calls: Calls, settings: PretixSettings) -> None:
        self._calls, self._settings = calls, settings
        self._events: dict[str, list[Any]] = {}  # by venue, as last listed
        self._products: dict[Plan, dict[str, int]] = {}  # of seats, as last listed
        self._seen: dict[str, Seen] = {}  # seats that are gone, by performance

    def venues(self) -> Sequence[VenueRecord]:
        """List the places of the events that are live and sold by us."""
        asked = {"live": "true", "sales_channel": self._settings.channel}
        single = self._calls.each("/events/", is_future="true", **asked)
        series = self._calls.each("/events/", has_subevents="true", **asked)
        found: dict[str, list[Any]] = {}
        for event in (*single, *series):
            if not event["testmode"]:
                found.setdefault(schedule.where(event, self._settings), []).append(
                    event
                )
        self._events = found
        return [schedule.venue(own[0], self._settings) for own in found.values()]

    def auditorium(self, venue: VenueRecord, performance: str) -> AuditoriumRecord:
        """Tell what is sold of a performance as a room, with its seats."""
        show = self.show(performance)
        return schedule.room(show, self._seats(show), venue.ref, self._settings)

    def schedule(self, venue: VenueRecord, rooms: Rooms, read: Read) -> Schedule:
        """Tell every event at a place, and every date of its series."""
        settings, events = self._settings, self._events.get(venue.ref, [])
        shows = [show for event in events for show in self._shows(event)]
        is_whole = read.digest is None
        found = [(show, *self._gone(show, is_whole=is_whole)) for show in shows]
        said = [_lasting(show, gone, settings) for show, gone, _ in found]
        told = digest([msgspec.json.encode(said, order="sorted")], settings, venue)
        if told == read.digest:
            return Schedule.same(told, len(found))
        skipped: list[str] = []
        performances: list[PerformanceRecord] = []
        left: dict[str, Available] = {}
        for show, gone, lost in found:
            try:
                sizes = rooms.areas(show.room_ref, show.ref) if show.seated else {}
                made = schedule.performance(show, sizes, settings)
                free = {
                    item: sizes.get(f"s{item}", 0) - lost[item] for item in show.seated
                }
                left[made.ref] = schedule.left(show, free, gone, settings)
                performances.append(made)
            except STUMBLES as error:
                skipped.append(f"{show.ref}: {error!r}")
        return Schedule(
            [schedule.production(event, settings) for event in events],
            performances,
            is_complete=not skipped,
            available=left,
            digest=None if skipped else told,
            count=len(found),
            rooms=list(_rooms(shows, venue.ref, settings)),
            skipped=skipped,
        )

    def _shows(self, event: Any) -> Iterator[Show]:
        """Yield an event, or each date of a series that is on sale."""
        path = f"/events/{event['slug']}"
        items = list(self._calls.each(f"{path}/items/"))
        quotas = list(self._calls.each(f"{path}/quotas/", with_availability="true"))
        net, now = self._net_rules(event["slug"]), _now()
        if not event["has_subevents"]:
            shows = [Show(event, None, items, quotas, net, now)]
        else:
            asked = {"active": "true", "is_future": "true"}
            by_date: dict[int, list[Any]] = {}
            for quota in quotas:
                by_date.setdefault(quota["subevent"], []).append(quota)
            shows = [
                Show(event, one, items, by_date.get(one["id"], []), net, now)
                for one in self._calls.each(f"{path}/subevents/", **asked)
            ]
        for show in shows:
            if is_sold(show, self._settings):
                yield show

    def show(self, performance: str) -> Show:
        """Ask for a performance; SaidNoError if it is not on sale any more."""
        event, said = self._live(performance)
        slug, date = words.parts(performance)
        path, asked = f"/events/{slug}", {"with_availability": "true"}
        if date is not None:
            asked["subevent"] = str(date)
        items = list(self._calls.each(f"{path}/items/"))
        quotas = list(self._calls.each(f"{path}/quotas/", **asked))
        return Show(event, said, items, quotas, self._net_rules(slug), _now())

    def _net_rules(self, slug: str) -> frozenset[int]:
        """Return the tax rules of an event whose prices are without the tax."""
        rules = self._calls.each(f"/events/{slug}/taxrules/")
        return frozenset(one["id"] for one in rules if not one["price_includes_tax"])

    def offered(
        self, performance: str
    ) -> tuple[Collection[Sellable], Mapping[str, int]]:
        """Return what of a performance is sold by us now, and the products of seats."""
        event, said = self._live(performance)
        path = f"/events/{event['slug']}/items/"
        show = Show(event, said, list(self._calls.each(path)), (), at=_now())
        found = {sellable for sellable, _ in sellables(show, self._settings)}
        return found, self._products_at(show)

    def _live(self, performance: str) -> tuple[Any, Any]:
        """Return an event and its date; SaidNoError if it is not live any more."""
        slug, date = words.parts(performance)
        event, said = self._calls.get(f"/events/{slug}/"), None
        if date is not None:
            said = self._calls.get(f"/events/{slug}/subevents/{date}/")
        if not event["live"] or (said is not None and not said["active"]):
            raise SaidNoError("not-on-sale", "it is not live")
        return event, said

    def _seats(self, show: Show, **asked: str) -> list[Any]:
        """Return the seats of a show, or those that are *asked* for."""
        if not show.seated:
            return []
        path = f"/events/{show.event['slug']}"
        if show.date is not None:
            path += f"/subevents/{show.date['id']}"
        found = list(self._calls.each(f"{path}/seats/", **asked))
        if not asked:
            self._products[show.plan] = {
                one["seat_guid"]: one["product"] for one in found
            }
        return found

    def _gone(
        self, show: Show, *, is_whole: bool = True
    ) -> tuple[frozenset[str] | None, Counter[int]]:
        """Return the seats of a show that cannot be had, and how many by product.

        Unless *is_whole*, a show whose quotas count the same as when this process last
        read it is not asked for its seats (None): a series has many dates, of which
        few change. What was noted of them before stays.
        """
        before = self._seen.get(show.ref)
        is_same = before is not None and before[0] == show.counts
        if not is_whole and show.is_counted and before and is_same:
            return None, before[1]
        taken = self._seats(show, is_available="false")
        blocked = self._seats(show, blocked="true")
        found = {one["seat_guid"]: one["product"] for one in (*taken, *blocked)}
        gone, lost = frozenset(found), Counter(found.values())
        self._seen[show.ref] = show.counts, lost
        return gone, lost

    def availability(self, performance: str) -> Available:
        """Tell what the quotas have left, and which seats are gone."""
        show = self.show(performance)
        gone = self._gone(show)[0] or frozenset()
        products = self._products_at(show)
        free = Counter(item for seat, item in products.items() if seat not in gone)
        return schedule.left(show, free, gone, self._settings)

    def _products_at(self, show: Show) -> Mapping[str, int]:
        if show.seated and show.plan not in self._products:
            self._seats(show)
        return self._products.get(show.plan, {})


def _rooms(
    shows: Sequence[Show], venue_ref: str, settings: PretixSettings
) -> Iterator[AuditoriumRecord]:
    """Yield the rooms without seats, each as big as the biggest of its dates."""
    found: dict[str, dict[str, Any]] = {}
    for show in shows:
        if show.seated:
            continue
        made = schedule.room(show, (), venue_ref, settings)
        areas = found.setdefault(made.ref, {"made": made, "areas": {}})["areas"]
        for area in made.areas:
            known = areas.get(area.ref)
            if known is None or known.capacity < area.capacity:
                areas[area.ref] = area
    for one in found.values():
        room = one["made"]
        yield msgspec.structs.replace(room, areas=list(one["areas"].values()))


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - some is sold for a time only


def _lasting(show: Show, gone: frozenset[str] | None, settings: PretixSettings) -> Any:
    """Return what is news of a show: what is sold of it at this moment among it.

    Its seats where its quotas do not count, for they say nothing of them then.
    """
    sold = sorted(code_of(one) for one, _ in sellables(show, settings))
    seats = [] if show.is_counted else sorted(gone or ())
    return show.event, show.date, show.items, show.quotas, sold, seats
