"""OTSAPI as a supplier: what the port asks, in its queries."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from lxml import etree

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
from connectors.suppliers import xml
from connectors.suppliers.amounts import decimal_of
from connectors.suppliers.otsapi import words
from connectors.suppliers.otsapi.calls import Calls
from connectors.suppliers.otsapi.words import OtsapiCredentials, OtsapiSettings
from connectors.suppliers.quiet import Lapsing, Quiet
from connectors.suppliers.rows import STUMBLES, digest
from connectors.suppliers.settings import Said
from connectors.suppliers.settings import read as read_settings
from connectors.suppliers.soap import Soap, Wire

PACKAGE, WSDL = "connectors.suppliers.otsapi", "otsapi.wsdl"


class OtsapiPort(Quiet, Lapsing):
    """A system that speaks the national standard: it chooses the order's key itself.

    So of a lock whose reply was lost nothing can be asked: it unlocks by itself.
    """

    settings_type: ClassVar[type[OtsapiSettings]] = OtsapiSettings
    credentials_type: ClassVar[type[OtsapiCredentials]] = OtsapiCredentials
    capabilities: ClassVar[Capabilities] = Capabilities(
        sells=True,
        availability=Told.EXACT,
        seat_choice=True,
        separate_lock=True,
        ask_by_key=True,
        cancel=True,
        price_override=True,
        codes="order",
    )

    def __init__(self, url: str, settings: Said, credentials: Said, wire: Wire) -> None:
        self._settings = read_settings(OtsapiSettings, settings)
        own = read_settings(OtsapiCredentials, credentials)
        soap = Soap(PACKAGE, WSDL, url, wire)
        self._calls = Calls(own, soap, self._settings.place.zone)
        self._groups: dict[tuple[str, str], dict[str, str]] = {}  # seats' by screen
        self._screens: dict[str, str] = {}  # by the performance, as last told

    def venues(self) -> Sequence[VenueRecord]:
        """Tell the cinemas that were agreed: it has no list of them."""
        told = (self._calls.ask("QueryCinema", code) for code in self._settings.cinemas)
        found = [one.find("Cinema") for one in told]
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            raise NoAnswerError("a cinema that was agreed is not told")
        return [words.venue(one, self._settings) for one in known]

    def auditorium(
        self,
        venue: VenueRecord,
        ref: str,
        performance: str,  # noqa: ARG002 - its screens are told by themselves
    ) -> AuditoriumRecord:
        """Tell the seats of a screen."""
        seats = self._seats(venue.ref, ref.rpartition("/")[2])
        return words.room(venue.ref, ref, seats, self._settings)

    def _seats(self, cinema: str, screen: str) -> list[dict[str, str]]:
        said = self._calls.ask("QuerySeat", cinema, ScreenCode=screen)
        found = xml.rows(said, "Seat")
        if not found:
            raise NoAnswerError(f"screen {screen} without a seat")
        groups = {row["Code"]: row["GroupCode"] for row in found}
        self._groups[cinema, screen] = groups
        return found

    def schedule(self, venue: VenueRecord | None, rooms: Rooms, read: Read) -> Schedule:
        """Tell the sessions of a cinema for the days ahead; it counts no seats."""
        assert venue is not None  # noqa: S101 - it is read by venue
        sessions = self._sessions(venue.ref, venue.zone)
        same = digest(xml.written(sessions), self._settings, venue)
        if same == read.digest:
            return Schedule.same(same, len(sessions))
        self._know(venue.ref, sessions)
        skipped: list[str] = []
        films: dict[str, Any] = {}
        performances: list[PerformanceRecord] = []
        for one in sessions:
            try:
                shown = words.production(words.films_of(one), self._settings)
                room = f"{venue.ref}/{one.attrib['ScreenCode']}"
                areas = rooms.areas(room, f"{venue.ref}/{one.findtext('Code')}")
                performances.append(
                    words.performance(one, venue, areas, self._settings)
                )
                films[shown.ref] = shown
            except STUMBLES as error:
                skipped.append(f"{one.findtext('Code')}: {error!r}")
        return Schedule(
            list(films.values()),
            performances,
            is_complete=not skipped,
            digest=None if skipped else same,
            told=[f"{venue.ref}/{one.findtext('Code')}" for one in sessions],
            count=len(sessions),
            skipped=skipped,
        )

    def _sessions(self, cinema: str, zone: str) -> list[etree._Element]:
        today = datetime.now(ZoneInfo(zone)).date()  # noqa: TID251 - theirs
        said = self._calls.ask(
            "QuerySession",
            cinema,
            StartDate=(today - timedelta(days=1)).isoformat(),
            EndDate=(today + timedelta(days=self._settings.days_ahead)).isoformat(),
        )
        told = said.find("Sessions")
        if told is None or told.get("CinemaCode") != cinema:
            raise NoAnswerError("sessions of something else than was asked for")
        return xml.elements(told, "Session")

    def _know(self, cinema: str, told: Iterable[etree._Element]) -> None:
        """Know from now on in which screens sessions are."""
        for one in told:
            ref = f"{cinema}/{one.findtext('Code')}"
            self._screens[ref] = one.get("ScreenCode", "")

    def availability(self, performance: str) -> Available:
        """Tell every seat of a session."""
        cinema, _, session = performance.rpartition("/")
        said = self._calls.ask(
            "QuerySessionSeat", cinema, SessionCode=session, Status="All"
        )
        told = said.find("SessionSeat")
        if told is None or told.get("SessionCode") != session:
            raise NoAnswerError("seats of something else than was asked for")
        seats = xml.rows(told, "Seat")
        groups = self._groups_of(performance)
        if any(seat["Code"] not in groups for seat in seats):  # it has moved, or grown
            screen = self._screens.pop(performance)
            self._groups.pop((cinema, screen), None)
            groups = self._groups_of(performance)
        return words.left_of(seats, groups)

    def _groups_of(self, performance: str) -> Mapping[str, str]:
        """Return the groups of a session's seats: a session tells none."""
        cinema = performance.rpartition("/")[0]
        if performance not in self._screens:
            self._know(cinema, self._sessions(cinema, self._settings.place.zone))
        if performance not in self._screens:
            raise SaidNoError("not-on-sale", "it is not told any more")
        screen = self._screens[performance]
        if (cinema, screen) not in self._groups:
            self._seats(cinema, screen)
        return self._groups[cinema, screen]

    def lock(self, wanted: OrderWanted) -> Locked:
        """Lock seats; it answers with the key of the order, and when it unlocks."""
        cinema, _, session = wanted.performance.rpartition("/")
        codes = wanted.seat_codes()
        if not codes:
            raise SaidNoError("not-as-wanted", "it sells seats, not numbers")
        lasts = timedelta(seconds=self._settings.selling.lock_s)
        agreed = datetime.now(UTC) + lasts  # noqa: TID251 - from when it was asked for
        said = self._calls.ask(
            "LockSeat", cinema, words.order_of(wanted, SessionCode=session)
        )
        order = said.find("Order")
        if order is None or order.get("SessionCode") != session:
            raise NoAnswerError("a lock of something else than was asked for")
        seats = [one.attrib["SeatCode"] for one in xml.elements(order, "Seat")]
        return Locked(
            theirs=order.attrib["OrderCode"],
            until=words.unlocks_at(order, self._settings.place.zone, agreed),
            total_minor=None,  # the price is ours, and is looked at when it is sold
            quantity=len(seats),
            seats=tuple(seats),
        )

    def release(self, wanted: OrderWanted) -> None:
        """Unlock; what it does not know, or has let go, is gone."""
        cinema, _, session = wanted.performance.rpartition("/")
        order = words.order_of(
            wanted, OrderCode=words.key_of(wanted), SessionCode=session
        )
        try:
            self._calls.ask("ReleaseSeat", cinema, order)
        except SaidNoError as error:
            if error.code != "lock-expired":
                raise

    def sell(self, wanted: OrderWanted) -> Sold:
        """Sell what is locked, at the prices that were agreed."""
        cinema, _, session = wanted.performance.rpartition("/")
        key, currency = words.key_of(wanted), self._settings.place.currency
        wish = words.order_of(wanted, OrderCode=key, SessionCode=session)
        prices = [line.face_minor for line in wanted.lines for _ in line.seats]
        for seat, minor in zip(wish, prices, strict=True):
            seat.set("Price", decimal_of(minor, currency))
        try:
            order = self._calls.ask("SubmitOrder", cinema, wish).find("Order")
        except SaidNoError as error:
            return self._sold_all_the_same(wanted, error)
        if order is None or order.get("SessionCode") != session:
            raise NoAnswerError("a sale of something else than was asked for")
        said = order.get("PrintNo", ""), order.get("VerifyCode", "")
        found = {one.get("SeatCode") for one in xml.elements(order, "Seat")}
        if found != set(wanted.seat_codes()):
            raise NoAnswerError("sold, but other seats")
        return words.sold(wanted, order.get("OrderCode") or key, *said)

    def _sold_all_the_same(self, wanted: OrderWanted, error: SaidNoError) -> Sold:
        """Ask after a refusal: it names no order, and may be an old one given again."""
        if error.is_permanent:
            raise error
        try:
            found = self.ask(wanted)
        except SaidNoError:
            raise error from None
        if found.sold is None:
            raise error
        return found.sold

    def ask(self, wanted: OrderWanted) -> Answer:
        """Ask how the order of their key stands."""
        order = self._asked(wanted)
        if order is not None:
            return words.answer(wanted, order)
        if not self._settings.keeps_code:
            raise NoAnswerError("it does not know the code the order was locked by")
        return Answer(Standing.NOTHING)

    def _asked(self, wanted: OrderWanted) -> etree._Element | None:
        cinema = wanted.performance.rpartition("/")[0]
        code = etree.Element("OrderCode")
        code.text = words.key_of(wanted)
        try:
            order = self._calls.ask("QueryOrder", cinema, code).find("Order")
        except SaidNoError as error:
            if error.code != "lock-expired":
                raise
            return None
        if order is None or order.get("OrderCode") != code.text:
            raise NoAnswerError("an order that was not asked for")
        found: etree._Element = order
        return found

    def cancel(
        self,
        wanted: OrderWanted,
        tickets: Sequence[TicketSold],  # noqa: ARG002 - an order is cancelled whole
    ) -> None:
        """Give a whole order back; what is given back already stays so."""
        order = self._asked(wanted)
        if order is None:
            raise NoAnswerError("it does not know what it has sold")
        if words.answer(wanted, order).standing is Standing.CANCELLED:
            return
        wish = etree.Element("Order")
        for name in ("PrintNo", "VerifyCode"):
            etree.SubElement(wish, name).text = order.findtext(name)
        cinema = wanted.performance.rpartition("/")[0]
        said = self._calls.ask("RefundTicket", cinema, wish)
        if said.findtext("Order/Status") == words.NOT:
            raise SaidNoError("past-cancellation", "it gave nothing back")
        if said.findtext("Order/Status") != words.YES:
            raise NoAnswerError("it does not say whether it gave it back")
