"""CMTS as a server: XML strings in SOAP, signed; tickets are issued after a while."""

import hashlib
import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from lxml import etree

from tests.simulators.faults import Faults
from tests.simulators.house import House, HouseError
from tests.simulators.serving import application

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "http://webservice.main.cmts.cn"
TOKEN_S = 300
MEANS = {
    "seats-taken": ("10", "座位已售或被锁定"),
    "not-on-sale": ("11", "场次已停售"),
    "unknown-session": ("11", "场次不存在"),
    "unknown-order": ("12", "订单不存在"),
    "is-lapsed": ("13", "订单已超时"),
    "is-released": ("13", "订单已释放"),
    "is-refunded": ("13", "订单已取消"),
    "duplicate-key": ("20", "流水号重复"),
    "price": ("14", "价格不符"),
    "used": ("15", "已取票不允许退票"),
}


@dataclass
class Cmts:
    """The simulator; ``app()`` serves it, ``house`` is what it speaks for."""

    house: House
    faults: Faults = field(default_factory=Faults)
    app_code: str = "HUB01"
    check_key: str = "check-key-of-the-simulator"

    base = "/ticketapi/services/ticketapi"
    each = 1
    areas = ("STAL", "BALC")
    tells = {"count", "itself", "left", "price", "cancelled"}
    sells_unlocked = False
    does = {
        "lock": ["LiveRealCheckSeatState"],
        "sell": ["SellTicket"],
        "ask": ["GetOrderStatus"],
        "release": ["UnLockOrderCenCin"],
        "cancel": ["BackTicket"],
        "look": ["GetPlanSiteState"],
        "read": ["GetCinemaPlan"],
    }

    def __post_init__(self):
        self._tokens = {}
        self._numbers = itertools.count(1)

    def app(self):
        return application(self.faults, self.answer, (self.base,))

    def place(self, code):
        """Where a seat's code is in the house's grid."""
        return (int(code[2:4]), int(code[4:6]))

    def answer(self, _path, body):
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        request = etree.fromstring(body, parser)[-1][0]
        name = etree.QName(request).localname
        said = {etree.QName(e).localname: e.text or "" for e in request}
        return name, lambda: (self._enveloped(name, said), "text/xml; charset=utf-8")

    def _enveloped(self, name, said):
        with self.house.mutex:
            happens = self.faults.happens
            self.house.bump = 150 if happens("price-bump", name) else 0
            is_off = happens("clock", name)
            self.house.offset = timedelta(minutes=7) if is_off else timedelta()
            inner = self._answered(name, said)
        text = escape(f'<?xml version="1.0" encoding="utf-8"?>{inner}')
        return (
            f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}">'
            f'<s:Body><n:{name}Response xmlns:n="{NAMESPACE}"><n:return>{text}'
            f"</n:return></n:{name}Response></s:Body></s:Envelope>"
        ).encode()

    def _answered(self, name, said):
        root = f"{name}Result"
        try:
            if "pXmlString" in said:
                said = self._from_xml(said["pXmlString"])
            self._check(name, said)
            inner = getattr(self, f"do_{name}")(said)
        except HouseError as error:
            code, message = MEANS.get(error.code, (error.code, ""))
            return f"<{root}><ResultCode>{code}</ResultCode><Message>{message}</Message></{root}>"
        return f"<{root}><ResultCode>0</ResultCode>{inner}</{root}>"

    @staticmethod
    def _from_xml(document):
        root = etree.fromstring(document.encode())
        said = {e.tag: e.text or "" for e in root if not len(e)}
        said["seats"] = [
            {c.tag: c.text for c in seat} for seat in root.iter("SeatInfo")
        ]
        return said

    def _check(self, name, said):
        """Check the signature: every parameter but the code and itself, in order."""
        own = {k.removeprefix("p"): v for k, v in said.items() if k != "seats"}
        verify = own.pop("VerifyInfo")
        code = own.pop("AppCode")
        token = ""
        if name != "GetToken":
            if own["TokenID"] not in self._tokens:
                raise HouseError("1")
            token = self._tokens[own["TokenID"]]
        text = quote_plus(code + "".join(own.values()) + token + self.check_key).lower()
        wanted = hashlib.md5(text.encode()).hexdigest()[8:24]
        if self.faults.happens("signature", name) or verify != wanted:
            raise HouseError("2")

    def end_tokens(self):
        self._tokens.clear()

    def do_GetToken(self, _said):
        number = next(self._numbers)
        self._tokens[f"T{number}"] = f"token-{number}"
        return (
            f"<TokenID>T{number}</TokenID><Token>token-{number}</Token>"
            f"<TimeOut>{TOKEN_S}</TimeOut>"
        )

    def do_GetCinema(self, _said):
        return "".join(
            f"<Cinema><CinemaNo>{c.id}</CinemaNo><CinemaName>{c.name}</CinemaName>"
            f"<CityName>{c.city}</CityName></Cinema>"
            for c in self.house.cinemas.values()
        )

    def do_GetHall(self, said):
        screens = self.house.cinemas[said["pCinemaID"]].screens.values()
        return "".join(
            f"<Hall><HallNo>{s.no}</HallNo><HallName>{s.name}</HallName></Hall>"
            for s in screens
        )

    def do_GetHallSite(self, said):
        screen = self.house.cinemas[said["pCinemaID"]].screens[int(said["pHallID"])]
        return "".join(
            f"<HallSite>{seat_said(screen, at)}</HallSite>" for at in screen.seats
        )

    def do_GetCinemaPlan(self, said):
        cinema = self.house.cinemas[said["pCinemaID"]]
        self.house.lapse()
        found = [
            s
            for s in cinema.sessions.values()
            if str(s.starts.date()) == said["pPlanDate"]
        ]
        if self.faults.happens("shrunken", "GetCinemaPlan"):
            found = found[: len(found) // 4]
        is_moved = self.faults.happens("moved", "GetCinemaPlan")
        is_cancelled = self.faults.happens("cancelled", "GetCinemaPlan")
        is_garbled = self.faults.happens("garbled", "GetCinemaPlan")
        plans = []
        for n, one in enumerate(found):
            screen = one.screen
            if is_moved and not n:
                screen = screen % len(cinema.screens) + 1
            ends = one.starts + timedelta(minutes=cinema.films[one.film].minutes)
            row = {
                "FeatureAppNo": one.id,
                "FeatureDate": "" if is_garbled and not n else one.starts.date(),
                "FeatureTime": f"{one.starts:%H:%M}",
                "TotalTime": f"{ends:%H:%M}",
                "FilmNo": one.film,
                "FilmName": cinema.films[one.film].title,
                "HallNo": screen,
                "StandPric": f"{self.house.price(one, 'STAL') / 100:.2f}",
                "HallSeats": len(cinema.screens[screen].seats),
                "AvailableSeats": len(one.free(cinema.screens[one.screen])),
                "UseSign": "9" if is_cancelled and not n else "0",
                "SetClose": "0" if one.status == "Open" else "1",
            }
            inner = "".join(f"<{k}>{v}</{k}>" for k, v in row.items())
            plans.append(f"<CinemaPlan>{inner}</CinemaPlan>")
        return "".join(plans)

    def do_GetPlanSiteState(self, said):
        self.house.lapse()
        session, screen = self.house.session(said["pCinemaID"], said["pFeatureAppNo"])
        return "".join(
            f"<PlanSiteState>{seat_said(screen, at)}<SeatState>"
            f"{'1' if at in session.taken else '0'}</SeatState></PlanSiteState>"
            for at in screen.seats
        )

    def do_LiveRealCheckSeatState(self, said):
        cinema, plan = said["CinemaID"], said["FeatureAppNo"]
        _, screen = self.house.session(cinema, plan)
        places = [self.place(seat["SeatNo"]) for seat in said["seats"]]
        wanted = [(screen.seats[at].area, "0001", [at]) for at in places]
        happens = self.faults.happens
        order = self.house.lock(
            *(said["SerialNum"], cinema, plan, wanted),
            half=happens("half", "LiveRealCheckSeatState"),
            expires_s=0.0
            if happens("expired-lock", "LiveRealCheckSeatState")
            else None,
        )
        seats = "".join(
            f"<SeatInfo><SeatNo>{code_of(screen, at)}</SeatNo><TicketPrice>"
            f"{order.prices[at] / 100:.2f}</TicketPrice></SeatInfo>"
            for at in order.seats
        )
        return f"<OrderNo>{order.no}</OrderNo><SeatInfos>{seats}</SeatInfos>"

    def _key_of(self, number):
        for order in self.house.orders.values():
            if order.no == number:
                return order.key
        raise HouseError("unknown-order")

    def do_UnLockOrderCenCin(self, said):
        self.house.release(self._key_of(said["pOrderNO"]))
        return ""

    def do_ModifyOrderPayPrice(self, said):
        self.house.locked(self._key_of(said["pOrderNO"]))
        return ""

    def do_SellTicket(self, said):
        paid = round(float(said["TotalPrice"]) * 100)
        order = self.house.sell(said["SerialNum"], paid)
        return f"<OrderNo>{order.no}</OrderNo><ValidCode>{order.booking}</ValidCode>"

    def do_GetOrderStatus(self, said):
        order = self.house.orders.get(said["pSerialNum"])
        self.house.lapse()
        if order is None or order.state in {"lapsed", "released"}:
            raise HouseError("unknown-order")
        status = {"locked": "1", "refunded": "7"}.get(order.state)
        if status is None:
            status = "8" if self.house.is_ready(order) else "2"
        seats = ""
        if status == "8":
            cinema, _, plan = order.session.rpartition("/")
            _, screen = self.house.session(cinema, plan)
            seats = "".join(
                f"<SeatInfo><SeatNo>{code_of(screen, at)}</SeatNo>"
                f"<TicketNo>{order.codes[at]}</TicketNo></SeatInfo>"
                for at in order.seats
            )
        return (
            f"<OrderNo>{order.no}</OrderNo><OrderStatus>{status}</OrderStatus>"
            f"<SeatInfos>{seats}</SeatInfos>"
        )

    def do_BackTicket(self, said):
        self.house.refund(self._key_of(said["pOrderNO"]))
        return ""


def code_of(screen, at):
    """A seat's number: hall, row and column, two digits each."""
    return f"{screen.no:02d}{at[0]:02d}{at[1]:02d}"


def seat_said(screen, at):
    seat = screen.seats[at]
    return (
        f"<SeatNo>{code_of(screen, at)}</SeatNo><SeatRow>{seat.row_name}</SeatRow>"
        f"<SeatCol>{seat.number}</SeatCol><GraphRow>{at[0]}</GraphRow>"
        f"<GraphCol>{at[1]}</GraphCol><SeatPieceNo>{seat.area}</SeatPieceNo>"
        f"<SeatPieceName>{seat.area.title()}</SeatPieceName>"
    )
