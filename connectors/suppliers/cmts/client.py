"""CMTS as a supplier: what the port asks, in the operations of its ticketapi."""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from lxml import etree

from connectors.errors import NoAnswerError, SaidNoError, SupplierError
from connectors.feed.records import (
    AuditoriumRecord,
    PerformanceRecord,
    VenueRecord,
)
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
from connectors.suppliers.amounts import decimal_of, minor_of
from connectors.suppliers.cmts import words
from connectors.suppliers.cmts.calls import Calls
from connectors.suppliers.cmts.words import (
    CmtsCredentials,
    CmtsSettings,
)
from connectors.suppliers.quiet import Lapsing, Quiet
from connectors.suppliers.rows import Rows, digest, news
from connectors.suppliers.settings import Said, read
from connectors.suppliers.soap import Soap, Wire

PACKAGE = "connectors.suppliers.cmts"


class CmtsPort(Quiet, Lapsing):
    """A CMTS. It issues tickets some time after it has sold them: until then pending.

    An order's number is theirs, but it can be asked for by our serial number.
    """

    settings_type: ClassVar[type[CmtsSettings]] = CmtsSettings
    credentials_type: ClassVar[type[CmtsCredentials]] = CmtsCredentials
    capabilities: ClassVar[Capabilities] = Capabilities(
        sells=True,
        availability=Told.EXACT,
        seat_choice=True,
        separate_lock=True,
        own_order_key=True,
        ask_by_key=True,
        cancel=True,
        price_override=True,
        codes="ticket",
    )

    def __init__(self, url: str, settings: Said, credentials: Said, wire: Wire) -> None:
        self._settings = read(CmtsSettings, settings)
        own = read(CmtsCredentials, credentials)
        self._calls = Calls(own, Soap(PACKAGE, "ticketapi.wsdl", url, wire))

    def venues(self) -> Sequence[VenueRecord]:
        """List the cinemas."""
        rows = xml.rows(self._calls.ask("GetCinema"), "Cinema")
        return [words.venue(row, self._settings) for row in rows]

    def auditorium(
        self,
        venue: VenueRecord,
        ref: str,
        performance: str,  # noqa: ARG002 - its halls are told by themselves
    ) -> AuditoriumRecord:
        """Tell the seats of a hall."""
        hall = ref.rpartition("/")[2]
        halls = {
            row["HallNo"]: row.get("HallName") or row["HallNo"]
            for row in xml.rows(self._calls.ask("GetHall", pCinemaID=venue.ref), "Hall")
        }
        said = self._calls.ask("GetHallSite", pCinemaID=venue.ref, pHallID=hall)
        seats = xml.rows(said, "HallSite")
        return words.room(venue.ref, ref, halls.get(hall, hall), seats, self._settings)

    def schedule(self, venue: VenueRecord | None, rooms: Rooms, read: Read) -> Schedule:
        """Tell the plans of a cinema for the days ahead, a day at a time."""
        assert venue is not None  # noqa: S101 - it is read by venue
        days = [
            self._calls.ask(
                "GetCinemaPlan", pCinemaID=venue.ref, pPlanDate=day.isoformat()
            )
            for day in self._days(venue)
        ]
        context = digest([], self._settings, venue)
        same = digest([context, *(etree.tostring(day) for day in days)])
        by_day = [(day, xml.elements(day, "CinemaPlan")) for day in days]
        plans = [plan for _, found in by_day for plan in found]
        if same == read.digest:
            return Schedule.same(same, len(plans))
        new, prints = news(plans, context, read.prints)
        good = Rows("FeatureAppNo")
        left = dict(good.each(new, lambda row: words.left(venue, row)))
        films = good.each(new, lambda row: words.production(row, self._settings))

        def performance(row: words.Row) -> PerformanceRecord:
            of_room = f"{venue.ref}/{row['HallNo']}", words.ref(venue, row)
            return words.performance(row, venue, rooms.areas(*of_room), self._settings)

        performances = good.each(new, performance)
        return Schedule(
            list({film.ref: film for film in films}.values()),
            performances,
            is_complete=not good.skipped,
            available=left,
            digest=None if good.skipped else same,
            prints=None if good.skipped else prints,
            told=[
                f"{venue.ref}/{no}"
                for day, found in by_day
                for no in xml.column(day, found, "FeatureAppNo")
            ],
            count=len(plans),
            skipped=good.skipped,
        )

    def _days(self, venue: VenueRecord) -> list[date]:
        today = datetime.now(ZoneInfo(venue.zone)).date()  # noqa: TID251 - theirs
        ahead = range(-1, self._settings.days_ahead + 1)
        return [today + timedelta(days=n) for n in ahead]

    def availability(self, performance: str) -> Available:
        """Tell every seat of a plan."""
        cinema, _, plan = performance.rpartition("/")
        said = self._calls.ask("GetPlanSiteState", pCinemaID=cinema, pFeatureAppNo=plan)
        return words.left_of(xml.rows(said, "PlanSiteState"))

    def lock(self, wanted: OrderWanted) -> Locked:
        """Lock seats under our serial number; it answers with a number of its own."""
        cinema, _, plan = wanted.performance.rpartition("/")
        sent_at = datetime.now(UTC)  # noqa: TID251 - a lock begins when it is asked for
        currency = self._settings.place.currency
        seats = "".join(
            f"<SeatInfo><SeatNo>{escape(seat.code)}</SeatNo><TicketPrice>"
            f"{decimal_of(line.face_minor, currency)}</TicketPrice></SeatInfo>"
            for line in wanted.lines
            for seat in line.seats
        )
        if not seats:
            raise SaidNoError("not-as-wanted", "a CMTS sells seats, not numbers")
        said = self._calls.in_xml(
            "LiveRealCheckSeatState",
            {"CinemaID": cinema, "FeatureAppNo": plan, "SerialNum": wanted.key},
            f"<SeatInfos>{seats}</SeatInfos>",
        )
        found = xml.rows(said, "SeatInfo")
        return Locked(
            theirs=said.findtext("OrderNo"),
            until=sent_at + timedelta(seconds=self._settings.selling.lock_s),
            total_minor=sum(minor_of(seat["TicketPrice"], currency) for seat in found),
            quantity=len(found),
            seats=tuple(seat["SeatNo"] for seat in found),
        )

    def release(self, wanted: OrderWanted) -> None:
        """Unlock by their number, which is asked for if the lock's reply was lost."""
        theirs = wanted.theirs or self.ask(wanted).theirs
        if theirs is None:
            return
        cinema = wanted.performance.rpartition("/")[0]
        try:
            self._calls.ask("UnLockOrderCenCin", pCinemaID=cinema, pOrderNO=theirs)
        except SaidNoError as error:
            if error.code != "lock-expired":
                raise

    def sell(self, wanted: OrderWanted) -> Sold:
        """Sell what is locked; NoAnswerError as long as nothing is issued for it."""
        cinema, _, plan = wanted.performance.rpartition("/")
        total = decimal_of(wanted.total_minor, self._settings.place.currency)
        self._calls.in_xml(
            "SellTicket",
            {
                "CinemaID": cinema,
                "FeatureAppNo": plan,
                "SerialNum": wanted.key,
                "OrderNo": wanted.theirs or "",
                "PayType": self._settings.pay_type,
                "TotalPrice": total,
            },
            "",
        )
        try:
            for _ in range(self._settings.poll_times):
                found = self.ask(wanted)
                if found.sold is not None:
                    return found.sold
                time.sleep(self._settings.poll_s)
        except SupplierError as error:  # it is sold all the same
            raise NoAnswerError("sold, and not asked for since") from error
        raise NoAnswerError("sold, but not issued yet")

    def ask(self, wanted: OrderWanted) -> Answer:
        """Ask how the order of our serial number stands."""
        cinema = wanted.performance.rpartition("/")[0]
        try:
            said = self._calls.ask(
                "GetOrderStatus", pCinemaID=cinema, pSerialNum=wanted.key
            )
        except SaidNoError as error:
            if error.code != "lock-expired":
                raise
            return Answer(Standing.NOTHING)
        theirs, status = said.findtext("OrderNo"), said.findtext("OrderStatus")
        if status in words.ISSUED:
            tickets = tuple(
                TicketSold(seat["TicketNo"], seat["SeatNo"])
                for seat in xml.rows(said, "SeatInfo")
            )
            sold = Sold(str(theirs), tickets)
            return Answer(Standing.SOLD, sold, theirs)
        if status == words.REFUNDED:
            return Answer(Standing.CANCELLED, theirs=theirs)
        if status == "1":
            return Answer(Standing.LOCKED, theirs=theirs)
        return Answer(Standing.PENDING, theirs=theirs)

    def cancel(
        self,
        wanted: OrderWanted,
        tickets: Sequence[TicketSold],  # noqa: ARG002 - an order is cancelled whole
    ) -> None:
        """Give a whole order back; what is given back already stays so."""
        found = self.ask(wanted)
        if found.standing is Standing.CANCELLED:
            return
        cinema = wanted.performance.rpartition("/")[0]
        order = found.theirs or wanted.theirs or ""
        self._calls.ask("BackTicket", pCinemaID=cinema, pOrderNO=order, pDesc="")
