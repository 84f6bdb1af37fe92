"""CMTS as a supplier: what the port asks, in the operations of its ticketapi."""

import hashlib
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from lxml import etree

from connectors.feed.records import AuditoriumRecord, VenueRecord
from connectors.ports import (
    Answer,
    Available,
    Begun,
    Capabilities,
    Locked,
    NoAnswerError,
    OrderWanted,
    Read,
    Rooms,
    SaidNoError,
    Schedule,
    Sold,
    Standing,
    TicketSold,
    Told,
)
from connectors.suppliers import xml
from connectors.suppliers.cmts import words
from connectors.suppliers.cmts.signing import signature
from connectors.suppliers.cmts.words import (
    CmtsCredentials,
    CmtsSettings,
    TokenEndedError,
)
from connectors.suppliers.settings import read
from connectors.suppliers.soap import Soap, Wire

PACKAGE = "connectors.suppliers.cmts"
EARLY_S, TOKEN_S = 30.0, 300.0
TOKEN_TRIES = 2


class CmtsPort:
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

    def __init__(
        self,
        url: str,
        settings: Mapping[str, Any],
        credentials: Mapping[str, Any],
        wire: Wire,
    ) -> None:
        self._settings = read(CmtsSettings, settings)
        self._own = read(CmtsCredentials, credentials)
        self._soap = Soap(PACKAGE, "ticketapi.wsdl", url, wire)
        self._token: tuple[str, str, float] | None = None
        self._refresh = threading.Lock()

    def begin(self, mark: str | None) -> Begun:  # noqa: ARG002 - it tells no news
        """Begin; a CMTS has no way to say that nothing is new."""
        return Begun()

    def venues(self) -> Sequence[VenueRecord]:
        """List the cinemas."""
        rows = xml.rows(self._ask("GetCinema"), "Cinema")
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
            for row in xml.rows(self._ask("GetHall", pCinemaID=venue.ref), "Hall")
        }
        said = self._ask("GetHallSite", pCinemaID=venue.ref, pHallID=hall)
        seats = xml.rows(said, "HallSite")
        return words.room(venue.ref, ref, halls.get(hall, hall), seats, self._settings)

    def schedule(self, venue: VenueRecord | None, rooms: Rooms, read: Read) -> Schedule:
        """Tell the plans of a cinema for the days ahead, a day at a time."""
        assert venue is not None  # noqa: S101 - it is read by venue
        days = [
            self._ask("GetCinemaPlan", pCinemaID=venue.ref, pPlanDate=day.isoformat())
            for day in self._days(venue)
        ]
        told = b"".join(etree.tostring(day) for day in days)
        digest = hashlib.blake2b(told, digest_size=16).digest()
        plans = [row for day in days for row in xml.rows(day, "CinemaPlan")]
        left = {
            f"{venue.ref}/{row['FeatureAppNo']}": Available(
                left={"": int(row["AvailableSeats"])}, is_on_sale=words.is_on_sale(row)
            )
            for row in plans
        }
        if digest == read.digest:
            return Schedule((), (), available=left, digest=digest, is_unchanged=True)
        films = {row["FilmNo"]: words.production(row, self._settings) for row in plans}
        performances = [
            words.performance(
                row,
                venue,
                rooms.areas(
                    f"{venue.ref}/{row['HallNo']}", f"{venue.ref}/{row['FeatureAppNo']}"
                ),
                self._settings,
            )
            for row in plans
        ]
        return Schedule(
            list(films.values()), performances, available=left, digest=digest
        )

    def _days(self, venue: VenueRecord) -> list[date]:
        today = datetime.now(ZoneInfo(venue.zone)).date()  # noqa: TID251 - theirs
        return [today + timedelta(days=n) for n in range(self._settings.days_ahead + 1)]

    def availability(self, performance: str) -> Available:
        """Tell every seat of a plan."""
        cinema, _, plan = performance.rpartition("/")
        said = self._ask("GetPlanSiteState", pCinemaID=cinema, pFeatureAppNo=plan)
        return words.left_of(xml.rows(said, "PlanSiteState"))

    def lock(self, wanted: OrderWanted) -> Locked:
        """Lock seats under our serial number; it answers with a number of its own."""
        cinema, _, plan = wanted.performance.rpartition("/")
        sent_at = datetime.now(UTC)  # noqa: TID251 - a lock begins when it is asked for
        currency = self._settings.place.currency
        seats = "".join(
            f"<SeatInfo><SeatNo>{escape(seat.code)}</SeatNo><TicketPrice>"
            f"{words.decimal_of(line.face_minor, currency)}</TicketPrice></SeatInfo>"
            for line in wanted.lines
            for seat in line.seats
        )
        if not seats:
            raise SaidNoError("not-as-wanted", "a CMTS sells seats, not numbers")
        said = self._in_xml(
            "LiveRealCheckSeatState",
            {"CinemaID": cinema, "FeatureAppNo": plan, "SerialNum": wanted.key},
            f"<SeatInfos>{seats}</SeatInfos>",
        )
        found = xml.rows(said, "SeatInfo")
        return Locked(
            theirs=said.findtext("OrderNo"),
            until=sent_at + timedelta(seconds=self._settings.selling.lock_s),
            total_minor=sum(
                words.minor_of(seat["TicketPrice"], currency) for seat in found
            ),
            quantity=len(found),
            seats=tuple(seat["SeatNo"] for seat in found),
        )

    def extend(self, wanted: OrderWanted) -> datetime | None:  # noqa: ARG002 - it cannot
        """Refuse: a lock has its time, and no more."""
        raise SaidNoError("not-allowed", "a CMTS extends no lock")

    def release(self, wanted: OrderWanted) -> None:
        """Unlock by their number, which is asked for if the lock's reply was lost."""
        theirs = wanted.theirs or self.ask(wanted).theirs
        if theirs is None:
            return
        cinema = wanted.performance.rpartition("/")[0]
        try:
            self._ask("UnLockOrderCenCin", pCinemaID=cinema, pOrderNO=theirs)
        except SaidNoError as error:
            if error.code != "lock-expired":
                raise

    def sell(self, wanted: OrderWanted) -> Sold:
        """Sell what is locked; NoAnswerError as long as nothing is issued for it."""
        cinema, _, plan = wanted.performance.rpartition("/")
        total = words.decimal_of(wanted.total_minor, self._settings.place.currency)
        self._in_xml(
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
        for _ in range(self._settings.poll_times):
            found = self.ask(wanted)
            if found.sold is not None:
                return found.sold
            time.sleep(self._settings.poll_s)
        raise NoAnswerError("sold, but not issued yet")

    def ask(self, wanted: OrderWanted) -> Answer:
        """Ask how the order of our serial number stands."""
        cinema = wanted.performance.rpartition("/")[0]
        try:
            said = self._ask("GetOrderStatus", pCinemaID=cinema, pSerialNum=wanted.key)
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

    def cancel(self, wanted: OrderWanted, tickets: Sequence[TicketSold]) -> None:
        """Give a whole order back; what is given back already stays so."""
        if len(tickets) != wanted.quantity:
            raise SaidNoError("not-allowed", "a CMTS takes whole orders back only")
        found = self.ask(wanted)
        if found.standing is Standing.CANCELLED:
            return
        cinema = wanted.performance.rpartition("/")[0]
        order = found.theirs or wanted.theirs or ""
        self._ask("BackTicket", pCinemaID=cinema, pOrderNO=order, pDesc="")

    def _ask(self, operation: str, **named: str) -> Any:
        return self._checked_with_token(
            operation, lambda: self._said(operation, **named)
        )

    def _checked_with_token(self, operation: str, send: Any) -> Any:
        """Send; once more with a new token if the old had ended and nothing was done."""
        for _ in range(TOKEN_TRIES):
            try:
                return self._checked(send())
            except TokenEndedError:
                self._token = None
        raise NoAnswerError(f"{operation}: it takes no token")

    @staticmethod
    def _checked(said: str) -> Any:
        root = xml.parse(said)
        code = root.findtext("ResultCode")
        if code is None:
            raise NoAnswerError("a reply without a result")
        words.refuse_unless_done(code.strip(), root.findtext("Message") or "")
        return root

    def _said(self, operation: str, **named: str) -> str:
        token_id, token = self._with_token()
        said = {**named, "pTokenID": token_id}
        verify = signature(
            self._own.app_code, [*said.values(), token], self._own.check_key
        )
        return self._text(
            operation, pAppCode=self._own.app_code, **said, pVerifyInfo=verify
        )

    def _in_xml(self, operation: str, named: Mapping[str, str], more: str) -> Any:
        """Send an operation whose parameters are an XML string, signed as in it."""

        def send() -> str:
            token_id, token = self._with_token()
            said = {**named, "TokenID": token_id}
            verify = signature(
                self._own.app_code, [*said.values(), token], self._own.check_key
            )
            every = {"AppCode": self._own.app_code, **said, "VerifyInfo": verify}
            inner = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in every.items())
            document = f"<{operation}Parameter>{inner}{more}</{operation}Parameter>"
            return self._text(operation, pXmlString=document)

        return self._checked_with_token(operation, send)

    def _text(self, operation: str, **named: str) -> str:
        reply = self._soap.call(operation, **named)
        if not reply:
            raise NoAnswerError(f"{operation} answers nothing")
        return str(reply)

    def _with_token(self) -> tuple[str, str]:
        """Return a token that lasts; one thread at a time fetches a new one, early."""
        with self._refresh:
            if self._token is None or self._token[2] < time.monotonic():
                verify = signature(self._own.app_code, [], self._own.check_key)
                said = self._checked(
                    self._text(
                        "GetToken", pAppCode=self._own.app_code, pVerifyInfo=verify
                    )
                )
                lasts = float(said.findtext("TimeOut") or TOKEN_S)
                until = time.monotonic() + max(1.0, lasts - EARLY_S)
                names = ("TokenID", "Token")
                found = [said.findtext(name) or "" for name in names]
                self._token = (found[0], found[1], until)
            return self._token[0], self._token[1]
