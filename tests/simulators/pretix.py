"""pretix as a server, over a House: films are series, showings their dates.

It does what a pretix does that runs: a key is answered once, a cart is not needed for
an order, seats and prices of an order are not looked at.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from flask import request

from tests.simulators.faults import Faults
from tests.simulators.house import House, HouseError
from tests.simulators.serving import application

BASE = "/api/v1"
EVENTS = f"{BASE}/organizers/hub/events/"
ITEMS = {"STAL": 1, "BALC": 2}
AREAS = {item: area for area, item in ITEMS.items()}
KINDS = {1: "0001", 2: "0002"}  # variations: an item has its own, twice ten apart
PAGE = 50
NOT_FOUND = ({"detail": "Not found."}, 404)
TAKEN = {"seat": ["The selected seat is not available."]}


@dataclass
class Pretix:
    """The simulator; ``app()`` serves it, ``house`` is what it speaks for."""

    house: House
    faults: Faults = field(default_factory=Faults)
    token: str = "a-token-of-the-simulator"  # noqa: S105

    base = BASE
    each = 1
    areas = ("s1", "s2")
    tells = {"count", "itself", "left", "price"}
    sells_unlocked = True
    does = {
        "quote": ["simulate"],
        "lock": ["lock"],
        "sell": ["order"],
        "ask": ["asked", "seen"],
        "release": ["drop"],
        "cancel": ["cancel"],
        "look": ["quotas", "seats"],
        "read": ["quotas"],
    }

    def __post_init__(self):
        self._seen = {}  # what was answered under a key
        self._keys = {}  # of orders, by code
        self._numbers = iter(range(1, 10**9))
        self._held = {}  # positions of carts: number -> (key, place)

    @property
    def cinema(self):
        return self.house.cinemas["0001"]

    def place(self, code):
        """Where a seat's code is in the house's grid."""
        row, column = code.split("-")[1:]
        return (int(row), int(column))

    def session_of(self, ref):
        """What a performance of the hub's is here."""
        return f"{self.cinema.id}/{ref.rpartition('/')[2]}"

    def app(self):
        routes = [f"{BASE}/idempotency_query", f"{EVENTS}", f"{EVENTS}<path:rest>"]
        return application(self.faults, self.answer, routes)

    def answer(self, path, body):
        """Take a request apart; return its operation and the work it wants."""
        rest = path.removeprefix(EVENTS).strip("/").split("/")
        said = json.loads(body) if body else None
        asked = {k: v[0] for k, v in parse_qs(urlsplit(request.url).query).items()}
        key = request.headers.get("X-Idempotency-Key")
        is_known = request.headers["Authorization"] == f"Token {self.token}"
        name = self._name(path, rest, said, request.method)

        def work():
            with self.house.mutex:
                is_wrong = self.faults.happens("signature", name)
                if not is_known or is_wrong:
                    found, status = {"detail": "Invalid token."}, 401
                elif key is not None and key in self._seen:
                    found, status = self._seen[key]
                else:
                    self._misbehave(name)
                    self.house.lapse()
                    found, status = getattr(self, f"do_{name}")(said, asked, rest)
                    if key is not None:
                        self._seen[key] = (found, status)
            text = json.dumps(found, ensure_ascii=False).encode()
            return text if found is not None else b"", "application/json", status

        return name, work

    @staticmethod
    def _name(path, rest, said, method):
        if path.endswith("idempotency_query"):
            return "seen"
        what = rest[-1] if len(rest) > 1 else "events" if not rest[0] else "event"
        if "cartpositions" in rest:
            return "lock" if method == "POST" else "drop"
        if "orderpositions" in rest or what == "mark_canceled":
            return "cancel"
        if "orders" in rest and method == "POST":
            return "simulate" if said.get("simulate") else "order"
        if "orders" in rest:
            return "asked"
        return "subevent" if rest[-2:-1] == ["subevents"] else what

    def _misbehave(self, name):
        self.house.bump = 150 if self.faults.happens("price-bump", name) else 0
        is_off = self.faults.happens("clock", name)
        self.house.offset = timedelta(minutes=7) if is_off else timedelta()

    def do_events(self, _said, asked, _rest):
        if asked.get("has_subevents") != "true":
            return paged([], asked)
        return paged([self._event(film) for film in self.cinema.films.values()], asked)

    def do_event(self, _said, _asked, rest):
        return self._event(self.cinema.films[rest[0]]), 200

    def _event(self, film):
        return {
            "name": {"en": film.title},
            "slug": film.id,
            "live": True,
            "testmode": False,
            "currency": "EUR",
            "date_from": "2026-01-01T00:00:00+01:00",
            "date_to": None,
            "presale_start": None,
            "presale_end": None,
            "location": {"en": f"{self.cinema.name}, {self.cinema.city}"},
            "has_subevents": True,
            "seating_plan": None,
            "seat_category_mapping": {},
            "timezone": self.cinema.zone,
            "all_sales_channels": True,
            "limit_sales_channels": [],
        }

    def do_items(self, _said, asked, _rest):
        found = []
        for area, item in ITEMS.items():
            full = self.house.prices["A", area] + self.house.bump
            prices = {1: full, 2: full * 7 // 10}
            found.append(
                {
                    "id": item,
                    "name": {"en": area.title()},
                    "active": True,
                    "all_sales_channels": True,
                    "limit_sales_channels": [],
                    "default_price": f"{full / 100:.2f}",
                    "tax_rate": "0.00",
                    "admission": True,
                    "require_voucher": False,
                    "hide_without_voucher": False,
                    "min_per_order": None,
                    "max_per_order": None,
                    "variations": [
                        {
                            "id": 10 * item + kind,
                            "value": {"en": name},
                            "active": True,
                            "price": f"{prices[kind] / 100:.2f}",
                        }
                        for kind, name in ((1, "Adult"), (2, "Child"))
                    ],
                }
            )
        return paged(found, asked)

    def do_taxrules(self, _said, asked, _rest):
        return paged([], asked)

    def do_quotas(self, _said, asked, rest):
        found = []
        for session in self._sessions(rest[0]):
            if asked.get("subevent") not in {None, session.id}:
                continue
            screen = self.cinema.screens[session.screen]
            for area, item in ITEMS.items():
                seats = [at for at, seat in screen.seats.items() if seat.area == area]
                free = sum(at not in session.taken for at in seats)
                found.append(
                    {
                        "id": 100 * int(session.id) + item,
                        "name": area,
                        "size": len(seats),
                        "items": [item],
                        "variations": [10 * item + 1, 10 * item + 2],
                        "subevent": int(session.id),
                        "closed": False,
                        "available": free > 0,
                        "available_number": free,
                    }
                )
        return paged(found, asked)

    def _sessions(self, film):
        return [
            one
            for one in self.cinema.sessions.values()
            if one.film == film and one.status == "Open"
        ]

    def do_subevents(self, _said, asked, rest):
        found = self._sessions(rest[0])
        happens = self.faults.happens
        if happens("shrunken", "subevents") or happens("shrunken", "quotas"):
            found = found[: len(found) // 4]
        rows = [self._date(session) for session in found]
        if rows and happens("garbled", "subevents"):
            rows[0]["date_from"] = "at eight"
        if rows and happens("moved", "subevents"):
            screens = len(self.cinema.screens)
            rows[0]["seating_plan"] = rows[0]["seating_plan"] % screens + 1
        return paged(rows, asked)

    def do_subevent(self, _said, _asked, rest):
        session = self.cinema.sessions.get(rest[-1])
        return (self._date(session), 200) if session else NOT_FOUND

    def _date(self, session):
        zone = ZoneInfo(self.cinema.zone)
        minutes = self.cinema.films[session.film].minutes
        starts = session.starts.replace(tzinfo=zone)
        return {
            "id": int(session.id),
            "active": session.status == "Open",
            "date_from": starts.isoformat(),
            "date_to": (starts + timedelta(minutes=minutes)).isoformat(),
            "presale_start": None,
            "presale_end": None,
            "seating_plan": session.screen,
            "seat_category_mapping": dict(ITEMS),
            "item_price_overrides": [],
            "variation_price_overrides": [],
        }

    def do_seats(self, _said, asked, rest):
        session = self.cinema.sessions[rest[2]]
        screen = self.cinema.screens[session.screen]
        found = []
        for at, seat in screen.seats.items():
            is_gone = at in session.taken
            if asked.get("is_available") == "false" and not is_gone:
                continue
            if asked.get("blocked") == "true":
                continue
            found.append(
                {
                    "zone_name": "Saal",
                    "row_name": seat.row_name,
                    "row_label": None,
                    "seat_number": seat.number,
                    "seat_label": None,
                    "seat_guid": guid(screen, at),
                    "product": ITEMS[seat.area],
                    "blocked": False,
                }
            )
        return paged(found, asked)

    def do_simulate(self, said, _asked, _rest):
        no = str(said["positions"][0]["subevent"])
        session, screen = self.house.session(self.cinema.id, no)
        errors, total = [], 0
        for one in said["positions"]:
            at = self.place(one["seat"])
            errors.append(TAKEN if at in session.taken else {})
            kind = KINDS[one["variation"] % 10]
            total += self.house.price(session, screen.seats[at].area, kind)
        if any(errors):
            return {"positions": errors}, 400
        return {"total": f"{total / 100:.2f}"}, 201

    def do_lock(self, said, _asked, _rest):
        if not said:
            return {"results": []}, 200
        key = said[0]["cart_id"].removesuffix("@api")
        no = str(said[0]["subevent"])
        session, screen = self.house.session(self.cinema.id, no)
        if session.status != "Open":
            return {"results": [failed("not active") for _ in said]}, 200
        free = [one for one in said if self.place(one["seat"]) not in session.taken]
        happens = self.faults.happens
        if happens("half", "lock"):
            free = said = free[: max(1, len(free) // 2)]
        until = datetime.fromisoformat(said[0]["expires"])
        lasts = (until - datetime.now(UTC)).total_seconds()
        is_lapsed = happens("expired-lock", "lock")
        wanted = [wish_of(one, self.place(one["seat"])) for one in free]
        if wanted:
            self.house.lock(
                *(key, self.cinema.id, no, wanted),
                expires_s=0.0 if is_lapsed else min(lasts, self.house.lock_s),
            )
        shown = self.house.now() + timedelta(seconds=self.house.lock_s)
        results = []
        for one in said:
            if one not in free:
                results.append({"success": False, "data": None, "errors": TAKEN})
                continue
            number = next(self._numbers)
            self._held[number] = key
            data = {"id": number, "expires": min(until, shown).isoformat()}
            data["seat"] = {"seat_guid": guid(screen, self.place(one["seat"]))}
            results.append({"success": True, "data": data, "errors": None})
        return {"results": results}, 200

    def do_drop(self, _said, _asked, rest):
        key = self._held.pop(int(rest[-1]), None)
        if key is None:
            return NOT_FOUND
        order = self.house.orders[key]
        if order.state == "locked":
            self.house.release(key)
        return None, 204

    def do_order(self, said, _asked, _rest):
        if not said["positions"]:
            return {"positions": ["An order cannot be empty."]}, 400
        [cart] = said["consume_carts"]
        key = cart.removesuffix("@api")
        order = self.house.orders.get(key)
        if order is None or order.state != "locked":
            wanted = [
                wish_of(one, self.place(one["seat"])) for one in said["positions"]
            ]
            no = str(said["positions"][0]["subevent"])
            try:
                self.house.lock(key, self.cinema.id, no, wanted)
            except HouseError:
                return {"positions": [TAKEN for _ in wanted]}, 400
        order = self.house.sell(key)
        self._keys[said["code"]] = key
        order.no = said["code"]
        return self._told(order), 201

    def do_asked(self, _said, asked, rest):
        key = self._keys.get(rest[-1])
        if key is None:
            return NOT_FOUND
        is_all = "include_canceled_positions" in asked
        return self._told(self.house.orders[key], is_all=is_all), 200

    def do_seen(self, _said, asked, _rest):
        seen = self._seen.get(asked["key"])
        return seen or ({"detail": "Idempotency key not seen before."}, 404)

    def do_cancel(self, _said, _asked, rest):
        if "orderpositions" in rest:
            for order in self.house.orders.values():
                for at, code in order.codes.items():
                    if code == rest[-1] and order.state == "sold":
                        self.house.give_back(order.key, at)
                        return None, 204
            return NOT_FOUND
        order = self.house.orders[self._keys[rest[-2]]]
        if order.state != "sold":
            return {"detail": "The order is not allowed to be canceled."}, 400
        self.house.refund(order.key)
        return self._told(order), 200

    def _told(self, order, *, is_all=False):
        _, screen = self.house.session(*order.session.split("/"))
        is_ready = self.house.is_ready(order)
        return {
            "code": order.no,
            "status": "c" if order.state == "refunded" else "p" if is_ready else "n",
            "positions": [
                {
                    "id": code,
                    "secret": code,
                    "seat": {"seat_guid": guid(screen, at)},
                    "canceled": at in order.refunded,
                }
                for at, code in order.codes.items()
                if is_all or at not in order.refunded
            ],
        }


def guid(screen, at):
    return f"{screen.no}-{at[0]}-{at[1]}"


def wish_of(one, at):
    """What a position is to the house: an area, a price type, a place."""
    return (AREAS[one["item"]], KINDS[one["variation"] % 10], [at])


def failed(why):
    return {"success": False, "data": None, "errors": {"item": [why]}}


def paged(found, asked):
    """A page of a list, as big as was asked for, which is 50 at the most."""
    page, size = int(asked.get("page", 1)), min(PAGE, int(asked.get("page_size", PAGE)))
    rows = found[(page - 1) * size : page * size]
    more = "there is more" if page * size < len(found) else None
    return {"count": len(found), "next": more, "previous": None, "results": rows}, 200
