"""Vista as a server: DataService and TicketingService over a House."""

from dataclasses import dataclass, field
from datetime import timedelta
from xml.sax.saxutils import escape

from lxml import etree

from tests.simulators.faults import Faults
from tests.simulators.house import House, HouseError
from tests.simulators.serving import application

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SC = "http://vista.co.nz/services/WSVistaWebClient.ServiceContracts/1"
DT = "http://vista.co.nz/services/WSVistaWebClient.DataTypes/1/"
DN = "http://vista.co.nz/services/WSVistaWebClient.DataService/1"
PATHS = (
    "/WSVistaWebClient/DataService.asmx",
    "/WSVistaWebClient/TicketingService.asmx",
)
KINDS = {"0001": "Adult", "0002": "Child"}
MEANS = {
    "seats-taken": "SeatsUnavailable",
    "not-on-sale": "FailedSeatDataRetrieve",
    "unknown-session": "FailedSeatDataRetrieve",
    "is-lapsed": "PrepareOrderForCompleteError",
    "is-released": "PrepareOrderForCompleteError",
    "unknown-order": "InvalidRequestData",
    "price": "FailedOrderValueProcess",
}


@dataclass
class Vista:
    """The simulator; ``app()`` serves it, ``house`` is what it speaks for."""

    house: House
    faults: Faults = field(default_factory=Faults)
    client_id: str = "hub"

    base = "/WSVistaWebClient"
    each = 1
    areas = ("STAL", "BALC")
    tells = {"count", "itself", "left", "price", "cancelled"}
    sells_unlocked = False
    does = {
        "lock": ["AddTickets"],
        "sell": ["CompleteOrder"],
        "ask": ["QueryOrderBookingStatus"],
        "release": ["CancelOrder"],
        "cancel": [],
        "look": ["GetSessionSeatData"],
        "read": ["GetSessionList"],
    }

    def place(self, code):
        """Where a seat's code is in the house's grid."""
        row, column = code.rpartition("/")[2].split("-")[1:]
        return (int(row), int(column))

    def app(self):
        return application(self.faults, self.answer, PATHS)

    def answer(self, _path, body):
        """Take a message apart; return its operation and the work it wants."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        request = etree.fromstring(body, parser)[-1][0]
        name = etree.QName(request).localname.removesuffix("Request")
        said = {etree.QName(e).localname: e for e in request}
        return name, lambda: (self._enveloped(name, said), "text/xml; charset=utf-8")

    def _enveloped(self, name, said):
        with self.house.mutex:
            self._misbehave(name)
            inner = getattr(self, f"do_{name}")(said)
        return (
            f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}">'
            f"<s:Body>{inner}</s:Body></s:Envelope>"
        ).encode()

    def _misbehave(self, name):
        house = self.house
        house.bump = 150 if self.faults.happens("price-bump", name) else 0
        is_off = self.faults.happens("clock", name)
        house.offset = timedelta(minutes=7) if is_off else timedelta()

    # DataService: a Result, and a dataset as a string.

    def do_GetCinemaListAll(self, _said):
        rows = [
            {"ID": c.id, "Name": c.name, "City": c.city, "TimeZoneId": c.zone}
            for c in self.house.cinemas.values()
        ]
        return dataset("GetCinemaListAll", rows)

    def do_GetMovieList(self, said):
        films = self.house.cinemas[text(said, "CinemaId")].films.values()
        rows = [
            {"ScheduledFilmId": f.id, "Title": f.title, "RunTime": f.minutes}
            for f in films
        ]
        return dataset("GetMovieList", rows)

    def do_GetSessionList(self, said):
        cinema = self.house.cinemas[text(said, "CinemaId")]
        self.house.lapse()
        found = list(cinema.sessions.values())
        if self.faults.happens("shrunken", "GetSessionList"):
            found = found[: len(found) // 4]
        is_moved = self.faults.happens("moved", "GetSessionList")
        is_cancelled = self.faults.happens("cancelled", "GetSessionList")
        is_garbled = self.faults.happens("garbled", "GetSessionList")
        rows = []
        for at, one in enumerate(found):
            screen = (
                one.screen % len(cinema.screens) + 1
                if is_moved and not at
                else one.screen
            )
            rows.append(
                {
                    "CinemaId": cinema.id,
                    "SessionId": one.id,
                    "ScheduledFilmId": one.film,
                    "Showtime": one.starts.isoformat(),
                    "SessionBusinessDate": f"{one.business_on}T00:00:00",
                    "ScreenNumber": screen,
                    "ScreenName": cinema.screens[screen].name,
                    "SeatsAvailable": "many"
                    if is_garbled and not at
                    else len(one.free(cinema.screens[one.screen])),
                    "AllowTicketSales": str(one.status == "Open").lower(),
                    "Status": "Cancelled" if is_cancelled and not at else one.status,
                    "PriceGroupCode": one.group,
                    "SalesChannels": "WWW;CALL;",
                }
            )
        return dataset("GetSessionList", rows)

    def do_GetTicketTypeList(self, said):
        session, _ = self.house.session(text(said, "CinemaId"), text(said, "SessionId"))
        rows = [
            {
                "TicketTypeCode": kind,
                "Description": name,
                "PriceInCents": self.house.price(session, area, kind),
                "AreaCategoryCode": area,
            }
            for group, area in self.house.prices
            if group == session.group
            for kind, name in KINDS.items()
        ]
        return dataset("GetTicketTypeList", rows)

    # TicketingService: typed.

    def do_GetSessionSeatData(self, said):
        try:
            self.house.lapse()
            session, screen = self.house.session(
                text(said, "CinemaId"), text(said, "SessionId")
            )
        except HouseError as error:
            return result("GetSessionSeatData", MEANS[error.code], SEATS_END)
        body = theatre(session, screen)
        return result("GetSessionSeatData", "OK", body + SEATS_END)

    def do_AddTickets(self, said):
        cinema, session_id = text(said, "CinemaId"), text(said, "SessionId")
        key = text(said, "UserSessionId")
        seats = [
            (int(text_of(s, "RowIndex")), int(text_of(s, "ColumnIndex")))
            for s in said.get("SelectedSeats", ())
        ]
        wanted = []
        for kind in said["TicketTypes"]:
            count = int(text_of(kind, "Qty"))
            area = text_of(kind, "OptionalAreaCategoryCode")
            chosen, seats = (seats[:count], seats[count:]) if seats else (count, [])
            code = text_of(kind, "TicketTypeCode")
            wanted.append((area, code, chosen))
        try:
            order = self.house.lock(
                *(key, cinema, session_id, wanted),
                half=self.faults.happens("half", "AddTickets"),
                expires_s=0.0
                if self.faults.happens("expired-lock", "AddTickets")
                else None,
            )
        except HouseError as error:
            return result(
                "AddTickets", MEANS.get(error.code, "UnexpectedError"), ADD_END
            )
        session, screen = self.house.session(cinema, session_id)
        return result("AddTickets", "OK", ordered(order, session, screen) + ADD_END)

    def do_ResetOrderExpiry(self, said):
        found = self._try(lambda: self.house.extend(text(said, "UserSessionId")))
        at = self.house.now().isoformat()
        return result(
            "ResetOrderExpiry", found, f"<c:OrderLastUpdated>{at}</c:OrderLastUpdated>"
        )

    def do_CancelOrder(self, said):
        found = self._try(lambda: self.house.release(text(said, "UserSessionId")))
        if found == "PrepareOrderForCompleteError":
            found = "InvalidRequestData"
        return result("CancelOrder", found)

    def do_CompleteOrder(self, said):
        order = []
        paid = int(text_of(said["PaymentInfo"], "PaymentValueCents"))
        found = self._try(
            lambda: order.append(self.house.sell(text(said, "UserSessionId"), paid))
        )
        booked = order and (
            f"<c:VistaBookingNumber>{order[0].booking[2:]}</c:VistaBookingNumber>"
            f"<c:VistaBookingId>{order[0].booking}</c:VistaBookingId>"
        )
        return result(
            "CompleteOrder",
            found,
            (booked or "") + "<c:ExtendedResultCode>0</c:ExtendedResultCode>",
        )

    def do_QueryOrderBookingStatus(self, said):
        order = self.house.orders.get(text(said, "UserSessionId"))
        name = "QueryOrderBookingStatus"
        if order is None or order.state != "sold":
            return tagged(name, "<c:ResponseCode>1</c:ResponseCode>")
        return tagged(
            name,
            "<c:ResponseCode>0</c:ResponseCode><c:OrderSummary>"
            f"<d:UserSessionId>{order.key}</d:UserSessionId>"
            f"<d:VistaBookingId>{order.booking}</d:VistaBookingId>"
            f"<d:VistaBookingNumber>{order.booking[2:]}</d:VistaBookingNumber>"
            f"<d:TotalValueCents>{sum(order.prices.values())}</d:TotalValueCents>"
            "</c:OrderSummary>",
        )

    def _try(self, work):
        try:
            work()
        except HouseError as error:
            return MEANS.get(error.code, "InvalidRequestData")
        return "OK"


def text(said, name):
    found = said.get(name)
    return "" if found is None else found.text or ""


def text_of(element, name):
    return next(e.text or "" for e in element if etree.QName(e).localname == name)


def dataset(name, rows):
    inner = "".join(
        "<Table>"
        + "".join(f"<{k}>{escape(str(v))}</{k}>" for k, v in row.items())
        + "</Table>"
        for row in rows
    )
    said = escape(f"<NewDataSet>{inner}</NewDataSet>")
    return (
        f'<t:{name}Response xmlns:t="{DN}"><t:Result>OK</t:Result>'
        f"<t:DatasetXML>{said}</t:DatasetXML></t:{name}Response>"
    )


def tagged(name, inner):
    return f'<c:{name}Result xmlns:c="{SC}" xmlns:d="{DT}">{inner}</c:{name}Result>'


def result(name, code, more=""):
    return tagged(name, f"<c:Result>{code}</c:Result>{more}")


ADD_END = (
    "<c:SeatDataLength>0</c:SeatDataLength><c:SeatsNotAllocated>false</c:SeatsNotAllocated>"
    "<c:AvailableSeats>0</c:AvailableSeats><c:MaxSeatsPerRow>0</c:MaxSeatsPerRow>"
    "<c:ExtendedResultCode>0</c:ExtendedResultCode>"
)
BOUNDS = "".join(
    f"<c:{name}>0</c:{name}>"
    for name in (
        "BoundaryRight",
        "BoundaryLeft",
        "BoundaryTop",
        "ScreenStart",
        "ScreenWidth",
    )
)
SEATS_END = "<c:SeatDataLength>0</c:SeatDataLength><c:SeatsNotAllocated>false</c:SeatsNotAllocated>"


def nil(name):
    return (
        f'<d:{name} xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
    )


def ordered(order, session, screen):
    """The Order of a reply, with a ticket for each seat that is locked."""
    tickets = "".join(
        f"<d:Ticket><d:Id>{n}</d:Id><d:PriceCents>{order.prices[at]}</d:PriceCents>"
        "<d:IsTicketPackage>false</d:IsTicketPackage>"
        f"{nil('PackageId')}<d:LoyaltyRecognitionSequence>0</d:LoyaltyRecognitionSequence>"
        f"{nil('DiscountPriceCents')}{nil('PromotionTicketTypeId')}"
        f"{nil('PromotionInstanceGroupNumber')}"
        f"<d:SeatNumber>{screen.seats[at].number}</d:SeatNumber>"
        f"<d:SeatRowId>{screen.seats[at].row_name}</d:SeatRowId></d:Ticket>"
        for n, at in enumerate(order.seats, start=1)
    )
    total = sum(order.prices.values())
    return (
        f"<c:Order><d:UserSessionId>{order.key}</d:UserSessionId>"
        f"<d:TotalValueCents>{total}</d:TotalValueCents>"
        "<d:BookingFeeValueCents>0</d:BookingFeeValueCents>"
        f"<d:TotalOrderCount>{len(order.seats)}</d:TotalOrderCount>"
        f"<d:Sessions><d:Session><d:SessionId>{session.id}</d:SessionId>"
        "<d:AllocatedSeating>true</d:AllocatedSeating>"
        f"<d:SeatsAllocated>true</d:SeatsAllocated><d:Tickets>{tickets}</d:Tickets>"
        f"<d:ShowingRealDateTime>{session.starts.isoformat()}</d:ShowingRealDateTime>"
        "</d:Session></d:Sessions><d:VistaTransactionNumber>0</d:VistaTransactionNumber>"
        "<d:VistaBookingNumber>0</d:VistaBookingNumber>"
        f"<d:LastUpdated>{session.starts.isoformat()}</d:LastUpdated>"
        "<d:TotalTicketFeeValueInCents>0</d:TotalTicketFeeValueInCents></c:Order>"
    )


def theatre(session, screen):
    """The Theatre of a session: areas, rows, seats with their state."""
    areas = []
    for no, area in enumerate(screen.areas(), start=1):
        rows = {}
        for at, seat in screen.seats.items():
            if seat.area == area:
                rows.setdefault(seat.row_name, []).append((at, seat))
        inner = "".join(
            f"<c:Row><c:PhysicalName>{name}</c:PhysicalName><c:Seats>"
            + "".join(_seat(no, at, seat, session) for at, seat in seats)
            + "</c:Seats></c:Row>"
            for name, seats in rows.items()
        )
        count = sum(len(seats) for seats in rows.values())
        areas.append(
            f"<c:Area><c:Number>{no}</c:Number><c:AreaCategoryCode>{area}"
            f"</c:AreaCategoryCode><c:Description>{area.title()}</c:Description>"
            f"<c:NumberOfSeats>{count}</c:NumberOfSeats>"
            "<c:IsAllocatedSeating>true</c:IsAllocatedSeating>"
            "<c:HasSofaSeatingEnabled>true</c:HasSofaSeatingEnabled>"
            f"<c:Left>0</c:Left><c:Top>0</c:Top><c:Height>100</c:Height><c:Width>100</c:Width><c:Rows>{inner}</c:Rows>"
            f"<c:RowCount>{len(rows)}</c:RowCount><c:ColumnCount>10</c:ColumnCount></c:Area>"
        )
    return f"<c:SeatLayoutData><c:Areas>{''.join(areas)}</c:Areas>{BOUNDS}</c:SeatLayoutData>"


def _seat(no, at, seat, session):
    status = "Sold" if at in session.taken else "Empty"
    group = "".join(
        f"<c:SeatPosition>{_place(no, one)}</c:SeatPosition>" for one in seat.group
    )
    return (
        f"<c:Seat><c:Position>{_place(no, at)}</c:Position><c:Priority>0</c:Priority>"
        f"<c:Id>{seat.number}</c:Id><c:Status>{status}</c:Status>"
        f"<c:SeatStyle>{seat.style}</c:SeatStyle>"
        + (f"<c:SeatsInGroup>{group}</c:SeatsInGroup>" if group else "")
        + "<c:OriginalStatus>Empty</c:OriginalStatus></c:Seat>"
    )


def _place(no, at):
    return (
        f"<c:AreaNumber>{no}</c:AreaNumber><c:RowIndex>{at[0]}</c:RowIndex>"
        f"<c:ColumnIndex>{at[1]}</c:ColumnIndex>"
    )
