"""A venue of the Tiqets supplier API, over a House: films are products."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from flask import request

from tests.simulators.faults import Faults
from tests.simulators.house import ONE_PRICE, House, HouseError
from tests.simulators.serving import application

BASE = "/tiqets"
VARIANTS = {"1": ("Adult", "0001"), "2": ("Child", "0002")}


class RefusedError(Exception):
    """A refusal as the API has it: a number, and words."""

    def __init__(self, code, error):
        self.said = {"error_code": code, "error": error, "message": error}
        super().__init__(error)


@dataclass
class Tiqets:
    """The simulator; ``app()`` serves it, ``house`` is what it speaks for."""

    house: House
    faults: Faults = field(default_factory=Faults)
    api_key: str = "a-key-of-the-simulator"

    base = BASE
    each = 1
    areas = ("GA",)
    tells = {"left", "price", "codes"}
    sells_unlocked = False
    does = {
        "lock": ["reservation"],
        "sell": ["booking"],
        "ask": [],
        "release": [],
        "cancel": ["cancel"],
        "look": ["availability"],
        "read": ["availability"],
    }

    def __post_init__(self):
        self._numbers = iter(range(1, 10**9))
        self._known = {}  # sessions by product and slot, as they were told

    @property
    def cinema(self):
        return self.house.cinemas["0001"]

    def sale_of(self, ref):
        """What a performance of the hub's is here: (session, area)."""
        product, _, slot = ref.rpartition("|")
        return f"{self.cinema.id}/{self._known[product, slot]}", "GA"

    def area_of(self, _seat):
        return "GA"

    def app(self):
        return application(self.faults, self.answer, (f"{BASE}/v2/<path:rest>",))

    def answer(self, path, body):
        """Take a request apart; return its operation and the work it wants."""
        rest = path.removeprefix(f"{BASE}/v2/").split("/")
        said = json.loads(body) if body else {}
        asked = {k: v[0] for k, v in parse_qs(urlsplit(request.url).query).items()}
        name = "cancel" if request.method == "DELETE" else rest[-1]
        is_known = request.headers.get("API-Key") == self.api_key

        def work():
            with self.house.mutex:
                if not is_known or self.faults.happens("signature", name):
                    return b"Forbidden", "text/html", 403
                self.house.bump = 150 if self.faults.happens("price-bump", name) else 0
                is_off = self.faults.happens("clock", name)
                self.house.offset = timedelta(minutes=7) if is_off else timedelta()
                self.house.lapse()
                try:
                    found, status = getattr(self, f"do_{name}")(said, asked, rest), 200
                except RefusedError as error:
                    found, status = error.said, 400
            if found is None:
                return b"", "application/json", 204
            return json.dumps(found).encode(), "application/json", status

        return name, work

    def do_products(self, _said, _asked, _rest):
        return [
            {
                "id": film.id,
                "name": film.title,
                "use_timeslots": True,
                "is_refundable": True,
                "cutoff_time": 0,
                "max_tickets_per_order": 10,
                "provides_pricing": True,
            }
            for film in self.cinema.films.values()
        ]

    def do_availability(self, _said, asked, rest):
        found = [
            one
            for one in self.cinema.sessions.values()
            if one.film == rest[1]
            and one.status == "Open"
            and asked["start"] <= one.starts.date().isoformat() <= asked["end"]
        ]
        if self.faults.happens("shrunken", "availability"):
            found = found[: len(found) // 4]
        self._known |= {(rest[1], slot_of(one)): one.id for one in found}
        slots = {slot_of(one): self._told(one) for one in found}
        if slots and self.faults.happens("garbled", "availability"):
            slots["at eight"] = slots.pop(next(iter(slots)))
        return slots

    def _told(self, session):
        free = len(session.free(self.cinema.screens[session.screen]))
        return {
            "available_tickets": free,
            "variants": [
                {
                    "id": code,
                    "name": name,
                    "available_tickets": free,
                    "price": self._price(session, kind),
                }
                for code, (name, kind) in VARIANTS.items()
            ],
        }

    def _price(self, session, kind):
        minor = self.house.price(session, ONE_PRICE, kind)
        return {"amount": f"{minor / 100:.2f}", "currency": "EUR"}

    def _session(self, product, slot):
        for one in self.cinema.sessions.values():
            if one.film == product and slot_of(one) == slot:
                return one
        raise RefusedError(1001, "Missing product")

    def do_reservation(self, said, _asked, rest):
        session, happens = self._session(rest[1], said["datetime"]), self.faults.happens
        key = f"R{next(self._numbers)}"
        wanted = [
            (None, VARIANTS[one["variant_id"]][1], one["quantity"])
            for one in said["tickets"]
        ]
        is_lapsed = happens("expired-lock", "reservation")
        try:
            order = self.house.lock(
                *(key, self.cinema.id, session.id, wanted),
                expires_s=0.0 if is_lapsed else None,
            )
        except HouseError as error:
            raise RefusedError(3000, "Availability error") from error
        order.variants = [
            one["variant_id"] for one in said["tickets"] for _ in range(one["quantity"])
        ]
        until = datetime.now(UTC) + timedelta(seconds=self.house.lock_s)
        prices = {
            code: self._price(session, kind) for code, (_, kind) in VARIANTS.items()
        }
        return {
            "reservation_id": key,
            "expires_at": until.isoformat(),
            "unit_price": prices,
        }

    def do_booking(self, said, _asked, _rest):
        try:
            order = self.house.sell(said["reservation_id"])
        except HouseError as error:
            is_lapsed = error.code == "is-lapsed"
            raise RefusedError(3001 if is_lapsed else 3002, error.code) from error
        codes = list(zip(order.variants, order.codes.values(), strict=True))
        if self.faults.happens("half", "booking"):
            codes = codes[: max(1, len(codes) // 2)]
        tickets = {}
        for variant, code in codes:
            tickets.setdefault(variant, []).append(code)
        return {
            "booking_id": order.booking,
            "barcode_format": "CODE128",
            "barcode_scope": "ticket",
            "barcode": "",
            "tickets": tickets,
        }

    def do_cancel(self, _said, _asked, rest):
        for order in self.house.orders.values():
            if order.booking == rest[-1]:
                if order.state == "refunded":
                    raise RefusedError(3003, "Already cancelled")
                self.house.refund(order.key)
                return
        raise RefusedError(1004, "Missing booking")


def slot_of(session):
    return session.starts.strftime("%Y-%m-%dT%H:%M")
