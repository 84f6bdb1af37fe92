"""OTSAPI as a server: signed XML in SOAP 1.2; it chooses the keys of orders itself."""

import hashlib
import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from lxml import etree

from tests.simulators.dsig import is_signed, pair, pem, signed
from tests.simulators.faults import Faults
from tests.simulators.house import ONE_PRICE, ZONE, House, HouseError
from tests.simulators.serving import application

SOAP = "http://www.w3.org/2003/05/soap-envelope"
NAMESPACE = "http://www.crifst.ac.cn/2013/OTSAPI"
MEANS = {
    "seats-taken": "10208",
    "unknown-order": "10210",
    "is-lapsed": "10210",
    "is-released": "10210",
    "is-sold": "10401",
    "is-refunded": "10401",
    "not-on-sale": "10301",
    "unknown-session": "10301",
    "price": "10252",
    "signature": "10001",
}


@dataclass
class Otsapi:
    """The simulator; ``app()`` serves it, ``house`` is what it speaks for."""

    house: House
    faults: Faults = field(default_factory=Faults)
    user: str = "hub"
    password: str = "a-password-of-the-simulator"  # noqa: S105

    base = "/OTSAPI"
    each = 1
    areas = ("STAL", "BALC")
    tells = {"count", "itself"}
    sells_unlocked = False
    does = {
        "lock": ["LockSeat"],
        "sell": ["SubmitOrder"],
        "ask": ["QueryOrder"],
        "release": ["ReleaseSeat"],
        "cancel": ["RefundTicket"],
        "look": ["QuerySessionSeat"],
        "read": ["QuerySession"],
    }

    def __post_init__(self):
        self.key, self.certificate = pem(pair("hub")[0]), pem(pair("cinema")[1])
        self.sign_with = pair("cinema")[0]
        self.tamper = lambda document: document
        self._numbers = itertools.count(1)

    def app(self):
        return application(self.faults, self.answer, (self.base,))

    def place(self, code):
        """Where a seat's code is in the house's grid."""
        return (int(code[-4:-2]), int(code[-2:]))

    def answer(self, _path, body):
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        envelope = etree.fromstring(body, parser)
        document = etree.fromstring(envelope[-1][0][0].text.encode(), parser)
        name = document[0].tag
        kind = "application/soap+xml; charset=utf-8"
        return name, lambda: (self._enveloped(name, document), kind)

    def _enveloped(self, name, document):
        with self.house.mutex:
            happens = self.faults.happens
            self.house.bump = 150 if happens("price-bump", name) else 0
            is_off = happens("clock", name)
            self.house.offset = timedelta(minutes=7) if is_off else timedelta()
            self.house.lapse()
            inner, told = self._answered(name, document)
        reply = etree.fromstring(
            f'<OnlineTicketingServiceReply Version="1.0" Datetime="{self._at()}">'
            f"<{name}Reply {told} Id='ID_{name}Reply'>{inner}</{name}Reply>"
            "</OnlineTicketingServiceReply>"
        )
        reply = self.tamper(signed(reply, reply[0], self.sign_with))
        text = escape(etree.tostring(reply, encoding="unicode"))
        return (
            f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}">'
            f'<s:Body><m:reply xmlns:m="{NAMESPACE}"><m:msg>{text}</m:msg></m:reply>'
            "</s:Body></s:Envelope>"
        ).encode()

    def _at(self, moment=None):
        found = moment or self.house.now()
        return found.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%dT%H:%M:%S")

    def _answered(self, name, document):
        try:
            self._check(name, document)
            inner = getattr(self, f"do_{name}")(document[0])
        except HouseError as error:
            code = MEANS.get(error.code, "19999")
            told = f"Status='Failure' ErrorCode='{code}' ErrorMessage='{error.code}'"
            return "", told
        return inner, "Status='Success' ErrorCode='0' ErrorMessage=''"

    def _check(self, name, document):
        password = hashlib.md5(self.password.encode()).hexdigest()
        who = (document.get("Username"), document.get("Password"))
        is_good = is_signed(document, document[0], pair("hub")[1])
        is_known = who == (self.user, password)
        if not is_good or not is_known or self.faults.happens("signature", name):
            raise HouseError("signature")

    def _cinema(self, part):
        return self.house.cinemas[part.get("CinemaCode")]

    def do_QueryCinema(self, part):
        cinema = self._cinema(part)
        screens = "".join(
            f"<Screen><Code>{s.no}</Code><Name>{s.name}</Name>"
            f"<SeatCount>{len(s.seats)}</SeatCount></Screen>"
            for s in cinema.screens.values()
        )
        return (
            f"<Cinema Code='{cinema.id}' Name='{cinema.name}' Address='{cinema.city}'"
            f" ScreenCount='{len(cinema.screens)}'>{screens}</Cinema>"
        )

    def do_QuerySeat(self, part):
        cinema = self._cinema(part)
        screen = cinema.screens[int(part.get("ScreenCode"))]
        seats = "".join(
            f"<Seat><Code>{code_of(screen, at)}</Code><GroupCode>{seat.area}</GroupCode>"
            f"<RowNum>{seat.row_name}</RowNum><ColumnNum>{seat.number}</ColumnNum>"
            f"<XCoord>{at[1]}</XCoord><YCoord>{at[0]}</YCoord>"
            "<Status>Available</Status></Seat>"
            for at, seat in screen.seats.items()
        )
        inner = f"<Screen Code='{screen.no}'>{seats}</Screen>"
        return f"<Cinema Code='{cinema.id}'>{inner}</Cinema>"

    def do_QuerySession(self, part):
        cinema, happens = self._cinema(part), self.faults.happens
        found = [
            one
            for one in cinema.sessions.values()
            if part.get("StartDate")
            <= one.starts.date().isoformat()
            <= part.get("EndDate")
            and one.status == "Open"
        ]
        if happens("shrunken", "QuerySession"):
            found = found[: len(found) // 4]
        is_moved = happens("moved", "QuerySession")
        is_garbled = happens("garbled", "QuerySession")
        rows = []
        for n, one in enumerate(found):
            screen = one.screen
            if is_moved and not n:
                screen = screen % len(cinema.screens) + 1
            film = cinema.films[one.film]
            starts = "soon" if is_garbled and not n else one.starts.isoformat()
            price = f"{self.house.price(one, ONE_PRICE) / 100:.2f}"
            rows.append(
                f"<Session ScreenCode='{screen}'><Code>{one.id}</Code>"
                f"<StartTime>{starts}</StartTime><PlaythroughFlag>No</PlaythroughFlag>"
                f"<Films><Film><Code>{film.id}</Code><Name>{film.title}</Name>"
                f"<Dimensional>2D</Dimensional><Duration>{film.minutes}</Duration>"
                "<Sequence>1</Sequence></Film></Films><Price><LowestPrice>1.00"
                f"</LowestPrice><StandardPrice>{price}</StandardPrice></Price></Session>"
            )
        return f"<Sessions CinemaCode='{cinema.id}'>{''.join(rows)}</Sessions>"

    def do_QuerySessionSeat(self, part):
        no = part.get("SessionCode")
        session, screen = self.house.session(part.get("CinemaCode"), no)
        sold, here = self.house.sold(), f"{part.get('CinemaCode')}/{no}"

        def state(at):
            if at not in session.taken:
                return "Available"
            return "Sold" if (here, at) in sold else "Locked"

        seats = "".join(
            f"<Seat><Code>{code_of(screen, at)}</Code><RowNum>{seat.row_name}</RowNum>"
            f"<ColumnNum>{seat.number}</ColumnNum><Status>"
            + state(at)
            + "</Status></Seat>"
            for at, seat in screen.seats.items()
        )
        return f"<SessionSeat SessionCode='{no}'>{seats}</SessionSeat>"

    def do_LockSeat(self, part):
        wish, cinema = part.find("Order"), part.get("CinemaCode")
        no, key = wish.get("SessionCode"), f"OC{next(self._numbers):08d}"
        _, screen = self.house.session(cinema, no)
        places = [self.place(one.get("SeatCode")) for one in wish]
        is_lapsed = self.faults.happens("expired-lock", "LockSeat")
        order = self.house.lock(
            *(key, cinema, no, [(None, "0001", places)]),
            half=self.faults.happens("half", "LockSeat"),
            expires_s=0.0 if is_lapsed else None,
        )
        until = self.house.now() + timedelta(seconds=self.house.lock_s)
        return (
            f"<Order OrderCode='{key}' AutoUnlockDatetime='{self._at(until)}'"
            f" SessionCode='{no}' Count='{len(order.seats)}'>"
            + seats_of(screen, order)
            + "</Order>"
        )

    def do_ReleaseSeat(self, part):
        self.house.release(part.find("Order").get("OrderCode"))
        return ""

    def do_SubmitOrder(self, part):
        wish = part.find("Order")
        key = wish.get("OrderCode")
        order = self.house.locked(key)
        session, screen = self.house.session(*order.session.split("/"))
        least = self.house.price(session, ONE_PRICE) / 100
        if any(float(one.get("Price")) < least for one in wish):
            raise HouseError("price")
        self.house.sell(key)
        order.booking = f"{order.booking[2:]} {int(key[2:]) * 7_919 % 1_000_000:06d}"
        order.codes = dict.fromkeys(order.seats, order.booking)
        number, verify = order.booking.split()
        return (
            f"<Order OrderCode='{key}' SessionCode='{wish.get('SessionCode')}'"
            f" Count='{len(order.seats)}' PrintNo='{number}' VerifyCode='{verify}'>"
            + seats_of(screen, order)
            + "</Order>"
        )

    def do_QueryOrder(self, part):
        key = part.findtext("OrderCode")
        order = self.house.orders.get(key)
        if order is None or order.state in {"lapsed", "released"}:
            raise HouseError("unknown-order")
        _, screen = self.house.session(*order.session.split("/"))
        number, verify = (order.booking or " ").split(" ")
        refunded = "Yes" if order.state == "refunded" else "No"
        seats = "".join(
            f"<Seat><SeatCode>{code_of(screen, at)}</SeatCode>"
            f"<RefundStatus>{refunded}</RefundStatus></Seat>"
            for at in order.seats
        )
        return (
            f"<Order OrderCode='{key}'><PrintNo>{number}</PrintNo>"
            f"<VerifyCode>{verify}</VerifyCode><Seats>{seats}</Seats></Order>"
        )

    def do_RefundTicket(self, part):
        number, verify = (
            part.findtext(f"Order/{n}") for n in ("PrintNo", "VerifyCode")
        )
        for order in self.house.orders.values():
            if order.booking == f"{number} {verify}":
                self.house.refund(order.key)
                return f"<Order OrderCode='{order.key}'><Status>Yes</Status></Order>"
        raise HouseError("unknown-order")


def code_of(screen, at):
    """A seat's code: that of a cinema and a screen, then where it is."""
    return f"0000000100{screen.no:02d}{at[0]:02d}{at[1]:02d}"


def seats_of(screen, order):
    return "".join(
        f"<Seat SeatCode='{code_of(screen, at)}' FilmTicketCode='F{n}'/>"
        for n, at in enumerate(order.seats)
    )
