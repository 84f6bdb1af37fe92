"""Vista as a supplier: what the port asks, in the operations of its two services."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from connectors.errors import NoAnswerError, SaidNoError
from connectors.feed.records import (
    AuditoriumRecord,
    OfferRecord,
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
from connectors.suppliers.quiet import Quiet
from connectors.suppliers.rows import Rows, digest, news
from connectors.suppliers.settings import Said, read
from connectors.suppliers.soap import Soap, Wire
from connectors.suppliers.vista import messages, schedule, words
from connectors.suppliers.vista.words import VistaCredentials, VistaSettings

PACKAGE = "connectors.suppliers.vista"
FOUND, NOT_FOUND = 0, 1


class VistaPort(Quiet):
    """A Vista head office. Its order has our key, and can be asked for by it.

    TicketingService has no refund: what is sold can only be cancelled at the cinema.
    """

    settings_type: ClassVar[type[VistaSettings]] = VistaSettings
    credentials_type: ClassVar[type[VistaCredentials]] = VistaCredentials
    capabilities: ClassVar[Capabilities] = Capabilities(
        sells=True,
        availability=Told.EXACT,
        seat_choice=True,
        separate_lock=True,
        extend=True,
        own_order_key=True,
        ask_by_key=True,
        codes="order",
    )

    def __init__(self, url: str, settings: Said, credentials: Said, wire: Wire) -> None:
        self._settings = read(VistaSettings, settings)
        self._who = {
            "OptionalClientClass": self._settings.client_class,
            "OptionalClientId": read(VistaCredentials, credentials).client_id,
            "OptionalClientName": self._settings.client_name,
        }
        base = url.rstrip("/")
        self._data = Soap(PACKAGE, "data.wsdl", f"{base}/DataService.asmx", wire)
        self._orders = Soap(
            PACKAGE, "ticketing.wsdl", f"{base}/TicketingService.asmx", wire
        )

    def venues(self) -> Sequence[VenueRecord]:
        """List the cinemas."""
        rows = xml.rows(self._dataset("GetCinemaListAll"), "Table")
        return [schedule.venue(row, self._settings) for row in rows]

    def auditorium(
        self, venue: VenueRecord, ref: str, performance: str
    ) -> AuditoriumRecord:
        """Tell the seat map of a screen, as a session there shows it."""
        theatre = self._theatre(performance)
        return words.room(venue.ref, ref, ref.rpartition("/s")[2], theatre)

    def schedule(self, venue: VenueRecord | None, rooms: Rooms, read: Read) -> Schedule:
        """Tell all sessions of a cinema, with the films and prices they need."""
        assert venue is not None  # noqa: S101 - it is read by venue
        said = self._said("GetSessionList", CinemaId=venue.ref)
        sessions = xml.elements(root := xml.parse(said), "Table")
        refs = xml.column(root, sessions, "SessionId")
        groups = zip(xml.column(root, sessions, "PriceGroupCode"), refs, strict=True)
        prices_said = self._prices(venue, dict(groups))
        films_said = self._said("GetMovieList", CinemaId=venue.ref)
        beside = (films_said, *prices_said.values())
        context = digest(map(str.encode, beside), self._settings, venue)
        same = digest([context, said.encode()])
        if same == read.digest:
            return Schedule.same(same, len(sessions))
        new, prints = news(sessions, context, read.prints)
        good = Rows("SessionId")
        left = dict(good.each(new, schedule.left))
        films = good.each(
            xml.rows(xml.parse(films_said), "Table"),
            lambda row: schedule.production(row, self._settings),
        )
        runtimes = {film.ref: film.runtime_min for film in films}
        priced = {
            group: schedule.offers(xml.rows(xml.parse(text), "Table"), self._settings)
            for group, text in prices_said.items()
        }
        performances = good.each(
            new, lambda row: self._performance(row, venue, rooms, priced, runtimes)
        )
        return Schedule(
            films,
            performances,
            is_complete=not good.skipped,
            available=left,
            digest=None if good.skipped else same,
            prints=None if good.skipped else prints,
            told=[f"{venue.ref}/{session}" for session in refs],
            count=len(sessions),
            skipped=good.skipped,
        )

    def _prices(self, venue: VenueRecord, groups: Mapping[str, str]) -> dict[str, str]:
        """Ask for the prices of each group of sessions, by one of them."""
        return {
            group: self._said(
                "GetTicketTypeList", CinemaId=venue.ref, SessionId=session
            )
            for group, session in sorted(groups.items())
        }

    def _performance(
        self,
        row: Mapping[str, str],
        venue: VenueRecord,
        rooms: Rooms,
        priced: Mapping[str, list[OfferRecord]],
        runtimes: Mapping[str, int | None],
    ) -> PerformanceRecord:
        ref = schedule.ref(row)
        return schedule.performance(
            row,
            venue.zone,
            priced[row.get("PriceGroupCode", "")],
            rooms.areas(schedule.room_ref(row), ref),
            stop_min=self._settings.selling.stop_selling_min,
            runtime_min=runtimes.get(row["ScheduledFilmId"]),
        )

    def availability(self, performance: str) -> Available:
        """Tell every seat of a session."""
        return words.left_of(self._theatre(performance))

    def lock(self, wanted: OrderWanted) -> Locked:
        """Add tickets to an order of our key: its seats are held until it expires."""
        sent_at = datetime.now(UTC)  # noqa: TID251 - a lock begins when it is asked for
        reply = self._orders.call(
            "AddTickets", **self._who, **messages.add_tickets(wanted)
        )
        words.refuse_unless_ok(reply.Result, reply.ErrorDescription)
        tickets = [
            ticket
            for one in (reply.Order.Sessions.Session if reply.Order else [])
            for ticket in (one.Tickets.Ticket if one.Tickets else [])
        ]
        named = {(s.row, s.number): s.code for n in wanted.lines for s in n.seats}
        return Locked(
            theirs=wanted.key,
            until=sent_at + timedelta(seconds=self._settings.selling.lock_s),
            total_minor=reply.Order.TotalValueCents if reply.Order else None,
            quantity=len(tickets),
            seats=tuple(
                named.get((t.SeatRowId, t.SeatNumber), f"{t.SeatRowId}?{t.SeatNumber}")
                for t in tickets
                if t.SeatNumber
            ),
        )

    def extend(self, wanted: OrderWanted) -> datetime | None:
        """Reset the expiry of an order."""
        sent_at = datetime.now(UTC)  # noqa: TID251 - a lock begins when it is asked for
        reply = self._orders.call(
            "ResetOrderExpiry", **self._who, UserSessionId=wanted.key
        )
        if reply.Result == "InvalidRequestData":
            raise SaidNoError("lock-expired", "it knows no such order")
        words.refuse_unless_ok(reply.Result, None)
        return sent_at + timedelta(seconds=self._settings.selling.lock_s)

    def release(self, wanted: OrderWanted) -> None:
        """Cancel an order that is not complete; one it does not know is gone."""
        reply = self._orders.call("CancelOrder", **self._who, UserSessionId=wanted.key)
        if reply.Result != "InvalidRequestData":
            words.refuse_unless_ok(reply.Result, reply.ErrorDescription)

    def sell(self, wanted: OrderWanted) -> Sold:
        """Complete an order, paid for elsewhere: the hub settles with the chain."""
        reply = self._orders.call(
            "CompleteOrder", **self._who, **messages.complete_order(wanted)
        )
        words.refuse_unless_ok(reply.Result, reply.ErrorDescription)
        if not reply.VistaBookingId:
            raise NoAnswerError("it says OK without a booking id")
        return messages.sold(wanted, reply.VistaBookingId)

    def ask(self, wanted: OrderWanted) -> Answer:
        """Ask whether the order of our key became a booking."""
        reply = self._orders.call(
            "QueryOrderBookingStatus",
            UserSessionId=wanted.key,
            ClientId=self._who["OptionalClientId"],
        )
        summary = reply.OrderSummary
        if reply.ResponseCode == FOUND and summary and summary.VistaBookingId:
            return Answer(Standing.SOLD, messages.sold(wanted, summary.VistaBookingId))
        if reply.ResponseCode == NOT_FOUND:
            return Answer(Standing.NOTHING)
        said = f"status {reply.ResponseCode} {reply.ResponseDescription or ''}"
        raise NoAnswerError(said[:200])

    def cancel(
        self,
        wanted: OrderWanted,  # noqa: ARG002 - the port's
        tickets: Sequence[TicketSold],  # noqa: ARG002 - the port's
    ) -> None:
        """Refuse: the service has no refund."""
        raise SaidNoError("not-allowed", "Vista's TicketingService has no refund")

    def _theatre(self, performance: str) -> Any:
        cinema, _, session = performance.rpartition("/")
        reply = self._orders.call(
            "GetSessionSeatData",
            **self._who,
            CinemaId=cinema,
            SessionId=session,
            **messages.SEAT_DATA,
        )
        words.refuse_unless_ok(reply.Result, None)
        if reply.SeatLayoutData is None or reply.SeatLayoutData.Areas is None:
            raise NoAnswerError("it says OK without a seat map")
        return reply.SeatLayoutData

    def _dataset(self, operation: str, **named: Any) -> Any:
        return xml.parse(self._said(operation, **named))

    def _said(self, operation: str, **named: Any) -> str:
        reply = self._data.call(operation, **named)
        words.refuse_unless_ok(reply.Result, None)
        if not reply.DatasetXML:
            raise NoAnswerError(f"{operation} says OK without a dataset")
        return str(reply.DatasetXML)
