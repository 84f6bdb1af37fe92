"""HFH as a supplier: what the port asks, in its calls."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import ClassVar
from zoneinfo import ZoneInfo

from lxml import etree

from connectors.errors import NoAnswerError, SaidNoError
from connectors.feed.records import AuditoriumRecord, PerformanceRecord, VenueRecord
from connectors.ports import (
    Answer,
    Available,
    Capabilities,
    LineWanted,
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
from connectors.suppliers import xml
from connectors.suppliers.amounts import decimal_of, minor_of
from connectors.suppliers.hfh import words
from connectors.suppliers.hfh.calls import Calls
from connectors.suppliers.hfh.words import HfhCredentials, HfhSettings, Show
from connectors.suppliers.quiet import Lapsing, Quiet
from connectors.suppliers.rows import Row, Rows, digest, news
from connectors.suppliers.settings import Said
from connectors.suppliers.settings import read as read_settings
from connectors.suppliers.soap import Wire

STANDINGS = {"0": Standing.LOCKED, words.CANCELLED: Standing.CANCELLED}


class HfhPort(Quiet, Lapsing):
    """An HFH. Of a show it lists what may not be sold: nothing listed is not all free.

    That it is the list, and whole, is proved by what it echoes; without that a reply is
    none. A lock is of one section.
    """

    settings_type: ClassVar[type[HfhSettings]] = HfhSettings
    credentials_type: ClassVar[type[HfhCredentials]] = HfhCredentials
    capabilities: ClassVar[Capabilities] = Capabilities(
        sells=True,
        availability=Told.NEGATIVE_SET,
        seat_choice=True,
        separate_lock=True,
        own_order_key=True,
        ask_by_key=True,
        cancel=True,
    )

    def __init__(self, url: str, settings: Said, credentials: Said, wire: Wire) -> None:
        self._settings = read_settings(HfhSettings, settings)
        own = read_settings(HfhCredentials, credentials)
        self._calls = Calls(url, own, wire)
        self._shows: dict[str, Show] = {}  # by the performance, as last told

    def venues(self) -> Sequence[VenueRecord]:
        """List the cinemas."""
        rows = xml.rows(self._calls.ask("qryCinema"), "cinema")
        return [words.venue(row, self._settings) for row in rows]

    def auditorium(
        self,
        venue: VenueRecord,
        ref: str,
        performance: str,  # noqa: ARG002 - its halls are told by themselves
    ) -> AuditoriumRecord:
        """Tell the seats of a hall."""
        hall = ref.rpartition("/")[2]
        seats = self._seats(venue.ref, hall)
        return words.room(venue.ref, ref, hall, seats, self._settings)

    def _seats(self, cinema: str, hall: str) -> list[dict[str, str]]:
        said = self._calls.ask("qrySeat", cinemaId=cinema, hallId=hall)
        found = xml.rows(said, "seat")
        if not found:
            raise NoAnswerError(f"hall {hall} without a seat")
        return found

    def schedule(self, venue: VenueRecord | None, rooms: Rooms, read: Read) -> Schedule:
        """Tell the shows of a cinema for the days ahead, with the films they need."""
        assert venue is not None  # noqa: S101 - it is read by venue
        shows = self._told(venue.ref, venue.zone)
        context = digest([], self._settings, venue)
        same = digest([context, *xml.written(shows)])
        if same == read.digest:
            return Schedule.same(same, len(shows))
        self._know(venue.ref, shows)
        new, prints = news(shows, context, read.prints)
        good = Rows("showSeqNo")
        films = good.each(new, lambda row: words.production(row, self._settings))

        def performance(row: Row) -> PerformanceRecord:
            show = words.show_of(venue.ref, row)
            areas = rooms.areas(f"{venue.ref}/{show.hall}", show.ref)
            return words.performance(row, venue, areas, self._settings)

        return Schedule(
            list({film.ref: film for film in films}.values()),
            good.each(new, performance),
            is_complete=not good.skipped,
            digest=None if good.skipped else same,
            prints=None if good.skipped else prints,
            told=[f"{venue.ref}/{one.findtext('showSeqNo')}" for one in shows],
            count=len(shows),
            skipped=good.skipped,
        )

    def _told(self, cinema: str, zone: str) -> list[etree._Element]:
        """Return the shows of a cinema."""
        today = datetime.now(ZoneInfo(zone)).date()  # noqa: TID251 - theirs
        last = today + timedelta(days=self._settings.days_ahead)
        key = f"{cinema};{today - timedelta(days=1)};{last}"
        said = self._calls.ask("qrySearchShow", cinemaId=cinema, searchKey=key)
        if said.findtext("searchKey") != key:
            raise NoAnswerError("shows of something else than was asked for")
        return xml.elements(said, "show")

    def _know(self, cinema: str, told: Iterable[etree._Element]) -> None:
        """Know shows as calls want them, from now on."""
        shows = (words.show_of(cinema, xml.row(one)) for one in told)
        self._shows |= {show.ref: show for show in shows}

    def _show(self, performance: str) -> Show:
        """Return a show as calls want it; it is asked for if it is not known."""
        if performance not in self._shows:
            cinema = performance.partition("/")[0]
            self._know(cinema, self._told(cinema, self._settings.place.zone))
        if performance not in self._shows:
            raise SaidNoError("not-on-sale", "it is not told any more")
        return self._shows[performance]

    def availability(self, performance: str) -> Available:
        """Tell what is left of a show: its hall, but what may not be sold."""
        show = self._show(performance)
        said = self._calls.ask("qryTicket", **show.named())
        plan = said.find("seatPlan")
        echoed = {} if plan is None else xml.row(plan)
        wanted = {"cinemaId": show.cinema, "hallId": show.hall}
        wanted |= {"showSeqNo": show.number}
        if {name: echoed.get(name) for name in wanted} != wanted:
            raise NoAnswerError("seats of something else than was asked for")
        if not echoed.get("seatUpdateTime"):
            raise NoAnswerError("nothing listed, and no sign that this is the list")
        return words.left_of(
            self._seats(show.cinema, show.hall), xml.rows(said, "seat")
        )

    def lock(self, wanted: OrderWanted) -> Locked:
        """Lock seats of one section under our key."""
        line, show = self._line(wanted), self._show(wanted.performance)
        sent_at = datetime.now(UTC)  # noqa: TID251 - a lock begins when it is asked for
        seats = [code.rpartition("/")[2] for code in wanted.seat_codes()]
        try:
            said = self._calls.ask(
                "webLockSeat",
                orderNo=wanted.key,
                ticketCount=str(len(seats)),
                sectionId=line.area,
                **show.named(),
                seatId="|".join(seats),
                lockMinuteTime=str(ceil(wanted.ttl_s / 60)),
            )
        except SaidNoError as error:
            if error.code == "not-on-sale":  # it may have moved: it is asked for anew
                self._shows.pop(wanted.performance, None)
            raise
        found = [one for one in (said.findtext("seatId") or "").split("|") if one]
        return Locked(
            theirs=wanted.key,
            until=sent_at + timedelta(seconds=wanted.ttl_s),
            total_minor=minor_of(
                said.findtext("totalPrice") or "", self._settings.place.currency
            ),
            quantity=len(found),
            seats=tuple(f"{line.area}/{one}" for one in found),
        )

    @staticmethod
    def _line(wanted: OrderWanted) -> LineWanted:
        """Return the line that is locked; SaidNoError for what it cannot lock."""
        areas = {line.area for line in wanted.lines}
        if len(areas) > 1:
            raise SaidNoError("not-as-wanted", "an HFH locks one section at a time")
        if not wanted.seat_codes():
            raise SaidNoError("not-as-wanted", "an HFH sells seats, not numbers")
        return wanted.lines[0]

    def release(self, wanted: OrderWanted) -> None:
        """Unlock; what it does not know, or has let go, is gone."""
        try:
            self._calls.ask("webUnlockSeat", orderNo=wanted.key)
        except SaidNoError as error:
            if error.code != "lock-expired":
                raise

    def sell(self, wanted: OrderWanted) -> Sold:
        """Sell what is locked, at the prices that were agreed."""
        currency, own = self._settings.place.currency, self._settings.ticket_type
        prices = [
            decimal_of(line.face_minor, currency)
            for line in wanted.lines
            for _ in range(line.quantity)
        ]
        said = self._calls.ask(
            "fixCashOrder",
            orderNo=wanted.key,
            ticketTypeList="|".join([own] * len(prices)),
            priceList="|".join(prices),
            feeList="|".join(["0.00"] * len(prices)),
        )
        return self._sold(said)

    @staticmethod
    def _sold(said: etree._Element) -> Sold:
        tickets = tuple(
            TicketSold(row["ticketNo"], words.seat_code(row))
            for row in xml.rows(said, "ticket")
        )
        theirs = said.findtext("confirmationId")
        if not tickets or not theirs:
            raise NoAnswerError("it says sold, without tickets")
        return Sold(theirs, tickets)

    def ask(self, wanted: OrderWanted) -> Answer:
        """Ask how the order of our key stands."""
        said = self._calls.ask("qryOrder", orderNo=wanted.key)
        status = said.findtext("statusInd")
        if said.findtext("orderNo") != wanted.key:
            raise NoAnswerError("an order that was not asked for")
        if status == words.CONFIRMED:
            return Answer(Standing.SOLD, self._sold(said), wanted.key)
        if status == words.UNKNOWN:
            return Answer(Standing.NOTHING)
        if status not in STANDINGS:
            raise NoAnswerError(f"status {status}")
        return Answer(STANDINGS[status], theirs=wanted.key)

    def cancel(
        self,
        wanted: OrderWanted,
        tickets: Sequence[TicketSold],  # noqa: ARG002 - an order is cancelled whole
    ) -> None:
        """Give a whole order back; what is given back already stays so."""
        if self.ask(wanted).standing is not Standing.CANCELLED:
            self._calls.ask("cancelOrder", orderNo=wanted.key)
