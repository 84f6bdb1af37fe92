"""HFH as a server: signed forms, XML escaped in XML, only what may not be sold."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape, quoteattr

from tests.simulators.faults import Faults
from tests.simulators.house import House, HouseError
from tests.simulators.serving import application

BASE = "/hfh/service.asmx"
NAMESPACE = "http://hfh.example.org/"
MEANS = {
    "seats-taken": "10",
    "not-on-sale": "11",
    "unknown-session": "11",
    "unknown-order": "12",
    "is-lapsed": "12",
    "is-released": "12",
    "is-refunded": "12",
    "is-sold": "15",
    "price": "14",
    "duplicate-key": "20",
    "signature": "90",
}
STATUS = {"locked": "0", "sold": "1", "refunded": "3"}


@dataclass
class Hfh:
    """The simulator; ``app()`` serves it, ``house`` is what it speaks for."""

    house: House
    faults: Faults = field(default_factory=Faults)
    user: str = "hub"
    password: str = "a-password-of-the-simulator"  # noqa: S105
    is_silent: bool = False  # lists nothing, as one does that has lost its plan

    base = BASE
    each = 1
    areas = ("STAL", "BALC")
    tells = {"count", "itself", "price", "cancelled"}
    sells_unlocked = False
    does = {
        "lock": ["webLockSeat"],
        "sell": ["fixCashOrder"],
        "ask": ["qryOrder"],
        "release": ["webUnlockSeat"],
        "cancel": ["cancelOrder"],
        "look": ["qryTicket"],
        "read": ["qrySearchShow"],
    }

    def place(self, code):
        """Where a seat's code is in the house's grid."""
        row, column = code.rpartition("/")[2].split(":")
        return (int(row), int(column))

    def app(self):
        return application(self.faults, self.answer, (f"{BASE}/<operation>",))

    def answer(self, path, body):
        """Take a form apart; return its operation and the work it wants."""
        name = path.rpartition("/")[2]
        form = body.decode()
        return name, lambda: (self._enveloped(name, form), "text/xml; charset=utf-8")

    def _enveloped(self, name, form):
        with self.house.mutex:
            happens = self.faults.happens
            self.house.bump = 150 if happens("price-bump", name) else 0
            is_off = happens("clock", name)
            self.house.offset = timedelta(minutes=7) if is_off else timedelta()
            self.house.lapse()
            inner = self._answered(name, form)
        text = escape(f'<?xml version="1.0" encoding="utf-8"?>{inner}')
        head = '<?xml version="1.0" encoding="utf-8"?>'
        return f'{head}<string xmlns="{NAMESPACE}">{text}</string>'.encode()

    def _answered(self, name, form):
        try:
            said = self._checked(name, form)
            inner = getattr(self, f"do_{name}")(said)
        except HouseError as error:
            result = MEANS.get(error.code, "99")
            return f"<data result={quoteattr(result)} message={quoteattr(error.code)}/>"
        return f'<data result="0" message="">{inner}</data>'

    def _checked(self, name, form):
        """Check the signature: of the form as it was sent, without itself."""
        before, _, told = form.rpartition("&checkValue=")
        said = dict(parse_qsl(form))
        wanted = hashlib.md5(before.encode()).hexdigest()
        known = (said["userId"], said["userPass"]) == (self.user, self.password)
        if told != wanted or not known or self.faults.happens("signature", name):
            raise HouseError("signature")
        return said

    def do_qryCinema(self, _said):
        return "".join(
            listed("cinema", cinemaId=c.id, cinemaName=c.name, cityName=c.city)
            for c in self.house.cinemas.values()
        )

    def do_qrySeat(self, said):
        screen = self.house.cinemas[said["cinemaId"]].screens[int(said["hallId"])]
        rows = [seat_said(screen.seats[at]) for at in screen.seats]
        aisle = {"sectionId": "", "rowId": 0, "colId": 99, "type": "road"}
        rows.append(aisle | {"rowName": "", "colName": "", "pairValue": ""})
        return "".join(listed("seat", **row) for row in rows)

    def do_qrySearchShow(self, said):
        cinema_id, first, last = said["searchKey"].split(";")
        cinema = self.house.cinemas[cinema_id]
        found = [
            one
            for one in cinema.sessions.values()
            if first <= one.starts.date().isoformat() <= last
        ]
        happens = self.faults.happens
        if happens("shrunken", "qrySearchShow"):
            found = found[: len(found) // 4]
        is_moved = happens("moved", "qrySearchShow")
        is_cancelled = happens("cancelled", "qrySearchShow")
        is_garbled = happens("garbled", "qrySearchShow")
        rows = []
        for at, one in enumerate(found):
            is_first = not at
            hall = (
                one.screen % len(cinema.screens) + 1
                if is_moved and is_first
                else one.screen
            )
            areas = cinema.screens[hall].areas()
            prices = [f"{self.house.price(one, a) / 100:.2f}" for a in areas]
            film = cinema.films[one.film]
            rows.append(
                listed(
                    "show",
                    showSeqNo=one.id,
                    hallId=hall,
                    filmId=film.id,
                    filmName=film.title,
                    duration=film.minutes,
                    showDate=one.starts.strftime("%Y%m%d"),
                    showTime="late"
                    if is_garbled and is_first
                    else int(f"{one.starts:%H%M}"),
                    updateType="D" if is_cancelled and is_first else "U",
                    sectionIds="|".join(areas),
                    prices="|".join(prices),
                )
            )
        return listed("", searchKey=said["searchKey"]) + "".join(rows)

    def do_qryTicket(self, said):
        session, screen = self.house.session(said["cinemaId"], said["showSeqNo"])
        plan = {name: said[name] for name in ("cinemaId", "hallId", "showSeqNo")}
        stamp = "" if self.is_silent else self.house.now().isoformat()
        gone = [] if self.is_silent else session.taken
        seats = "".join(listed("seat", **seat_said(screen.seats[at])) for at in gone)
        return listed("seatPlan", **plan, seatUpdateTime=stamp) + seats

    def do_webLockSeat(self, said):
        seats = [tuple(map(int, one.split(":"))) for one in said["seatId"].split("|")]
        is_lapsed = self.faults.happens("expired-lock", "webLockSeat")
        screen = self.house.session(said["cinemaId"], said["showSeqNo"])[1]
        if said["hallId"] != str(screen.no):
            raise HouseError("unknown-session")
        order = self.house.lock(
            *(said["orderNo"], said["cinemaId"], said["showSeqNo"]),
            [(said["sectionId"], "0001", seats)],
            half=self.faults.happens("half", "webLockSeat"),
            expires_s=0.0 if is_lapsed else None,
        )
        total = sum(order.prices.values()) / 100
        places = "|".join(f"{row}:{column}" for row, column in order.seats)
        return listed("", orderNo=order.key, totalPrice=f"{total:.2f}", seatId=places)

    def do_webUnlockSeat(self, said):
        self.house.release(said["orderNo"])
        return ""

    def do_fixCashOrder(self, said):
        paid = round(sum(map(float, said["priceList"].split("|"))) * 100)
        return self._ordered(self.house.sell(said["orderNo"], paid))

    def do_qryOrder(self, said):
        order = self.house.orders.get(said["orderNo"])
        if order is None or order.state not in STATUS:
            none = {"orderNo": said["orderNo"], "confirmationId": "00000000"}
            return listed("", statusInd="2", **none)
        return self._ordered(order)

    def do_cancelOrder(self, said):
        self.house.refund(said["orderNo"])
        return ""

    def _ordered(self, order):
        cinema, _, session = order.session.rpartition("/")
        screen = self.house.session(cinema, session)[1]
        tickets = "".join(
            listed("ticket", ticketNo=code, **seat_said(screen.seats[at]))
            for at, code in order.codes.items()
        )
        status = STATUS[order.state]
        head = {"confirmationId": order.booking or "00000000", "statusInd": status}
        return listed("", orderNo=order.key, **head) + tickets


def seat_said(seat):
    return {
        "sectionId": seat.area,
        "sectionName": seat.area,
        "rowId": seat.row,
        "colId": seat.column,
        "rowName": seat.row_name,
        "colName": seat.number,
        "type": "love" if seat.group else "danren",
        "pairValue": str(seat.group[0][1]) if seat.group else "",
    }


def listed(name, **said):
    """An element with a child for each word; without a name the children alone."""
    inner = "".join(f"<{k}>{escape(str(v))}</{k}>" for k, v in said.items())
    return f"<{name}>{inner}</{name}>" if name else inner
