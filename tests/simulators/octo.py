"""OCTO as a server, over a House: films are products, price areas are their options."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.simulators.faults import Faults
from tests.simulators.house import House, HouseError
from tests.simulators.serving import application

BASE = "/octo"
PATHS = tuple(
    BASE + path
    for path in (
        *("/supplier/", "/products/", "/availability/", "/bookings/"),
        *("/bookings/<uuid>", "/bookings/<uuid>/<what>"),
    )
)
UNITS = {"adult": "0001", "child": "0002"}
CONTACT = dict.fromkeys(
    (
        *("fullName", "firstName", "lastName", "emailAddress", "phoneNumber"),
        *("postalCode", "country", "notes"),
    )
) | {"locales": []}
STATUS = {
    "locked": "ON_HOLD",
    "lapsed": "EXPIRED",
    "released": "CANCELLED",
    "refunded": "CANCELLED",
    "sold": "CONFIRMED",
}


class RefusedError(Exception):
    """A refusal as OCTO has it: an error code, and what it was about."""

    def __init__(self, error, **about):
        self.said = {"error": error, "errorMessage": error.lower(), **about}
        super().__init__(error)


@dataclass
class Octo:
    """The simulator; ``app()`` serves it, ``house`` is what it speaks for."""

    house: House
    faults: Faults = field(default_factory=Faults)
    bearer: str = "a-key-of-the-hub"

    base = BASE

    each = 2  # a session here is an availability of each option
    areas = ("GA",)
    tells = {"count", "itself", "left", "price"}
    sells_unlocked = False
    does = {
        "lock": ["reserve"],
        "sell": ["confirm"],
        "ask": ["booking"],
        "release": ["cancel"],
        "cancel": ["cancel"],
        "look": ["availability"],
        "read": ["availability"],
    }

    def area_of(self, seat):
        return seat.area

    def sale_of(self, ref):
        """What a performance of the hub's is here: (session, area)."""
        _, area, session = ref.split("|")
        return f"{self.cinema.id}/{session.partition('@')[0]}", area

    @property
    def cinema(self):
        return self.house.cinemas["0001"]

    def app(self):
        return application(self.faults, self.answer, PATHS)

    def answer(self, path, body):
        """Take a request apart; return its operation and the work it wants."""
        what, *more = path.removeprefix(BASE).strip("/").split("/")
        said = json.loads(body) if body else {}
        name = {0: what, 1: "booking"}.get(len(more)) if len(more) < 2 else more[1]
        name = "reserve" if (name, bool(said)) == ("bookings", True) else name
        return name, lambda: self._replied(name, said, more)

    def _replied(self, name, said, more):
        with self.house.mutex:
            self._misbehave(name)
            self.house.lapse()
            try:
                found, status = getattr(self, f"do_{name}")(said, *more[:1]), 200
            except RefusedError as error:
                found, status = error.said, 400
        return (
            json.dumps(found, ensure_ascii=False).encode(),
            "application/json",
            status,
        )

    def _misbehave(self, name):
        self.house.bump = 150 if self.faults.happens("price-bump", name) else 0
        is_off = self.faults.happens("clock", name)
        self.house.offset = timedelta(minutes=7) if is_off else timedelta()

    def do_supplier(self, _said):
        contact = dict.fromkeys(("website", "email", "telephone", "address"))
        about = {"endpoint": "https://octo.example.org", "contact": contact}
        return {"id": self.cinema.id, "name": self.cinema.name, **about}

    def do_products(self, _said):
        return [
            {
                "id": film.id,
                "internalName": film.title,
                "title": film.title,
                "reference": film.id,
                "locale": "de-AT",
                "allowFreesale": False,
                "instantConfirmation": True,
                "instantDelivery": True,
                "availabilityRequired": True,
                "redemptionMethod": "DIGITAL",
                "timeZone": self.cinema.zone,
                "availabilityType": "START_TIME",
                "deliveryFormats": ["QRCODE"],
                "deliveryMethods": ["TICKET"],
                "options": [self._option(area) for area in ("STAL", "BALC")],
            }
            for film in self.cinema.films.values()
        ]

    def _option(self, area):
        return {
            "id": area,
            "default": area == "STAL",
            "internalName": area,
            "reference": area,
            "availabilityLocalStartTimes": ["14:00"],
            "cancellationCutoff": "0 minutes",
            "cancellationCutoffAmount": 0,
            "cancellationCutoffUnit": "minute",
            "requiredContactFields": [],
            "restrictions": {"minUnits": 1, "maxUnits": 10},
            "units": [
                {
                    "id": f"{name}_{area}",
                    "internalName": name.title(),
                    "reference": name,
                    "type": name.upper(),
                    "restrictions": {
                        "minAge": 0,
                        "maxAge": 100,
                        "idRequired": False,
                        "minQuantity": 1,
                        "maxQuantity": 10,
                        "paxCount": 1,
                        "accompaniedBy": [],
                    },
                    "requiredContactFields": [],
                }
                for name in UNITS
            ],
        }

    def do_availability(self, said):
        if said["productId"] not in self.cinema.films:
            raise RefusedError("INVALID_PRODUCT_ID", productId=said["productId"])
        area, wanted = said["optionId"], said.get("availabilityIds")
        found = [
            session
            for session in self.cinema.sessions.values()
            if session.film == said["productId"]
            and (wanted is None or self._id(session) in wanted)
            and (
                wanted is not None
                or said["localDateStart"]
                <= session.starts.date().isoformat()
                <= said["localDateEnd"]
            )
        ]
        if self.faults.happens("shrunken", "availability"):
            found = found[: len(found) // 4]
        is_garbled = self.faults.happens("garbled", "availability")
        rows = [self._available(session, area) for session in found]
        if is_garbled and rows:
            rows[0]["localDateTimeStart"] = "at eight"
        return rows

    def _id(self, session):
        return f"{session.id}@{self._at(session).isoformat()}"

    def _at(self, session):
        return session.starts.replace(tzinfo=ZoneInfo(self.cinema.zone))

    def _available(self, session, area):
        screen = self.cinema.screens[session.screen]
        seats = [at for at, seat in screen.seats.items() if seat.area == area]
        free = sum(at not in session.taken for at in seats)
        is_open = session.status == "Open"
        starts = self._at(session)
        return {
            "id": self._id(session),
            "localDateTimeStart": starts.isoformat(),
            "localDateTimeEnd": (starts + timedelta(hours=2)).isoformat(),
            "utcCutoffAt": starts.astimezone(UTC).isoformat(),
            "allDay": False,
            "available": is_open and free > 0,
            "status": "AVAILABLE"
            if is_open and free
            else "SOLD_OUT"
            if is_open
            else "CLOSED",
            "vacancies": free,
            "capacity": len(seats),
            "maxUnits": 10,
            "openingHours": [],
            "unitPricing": [
                {"unitId": f"{name}_{area}", **self._price(session, area, name)}
                for name in UNITS
            ],
        }

    def _price(self, session, area, name):
        retail = self.house.price(session, area, UNITS[name])
        return pricing(retail)

    def do_reserve(self, said):
        key = UUID(said["uuid"]).hex
        session = next(
            (
                s
                for s in self.cinema.sessions.values()
                if self._id(s) == said["availabilityId"]
            ),
            None,
        )
        if session is None:
            about = said["availabilityId"]
            raise RefusedError("INVALID_AVAILABILITY_ID", availabilityId=about)
        area, counts = said["optionId"], {}
        for item in said["unitItems"]:
            unit = item["unitId"].partition("_")[0]
            counts[unit] = counts.get(unit, 0) + 1
        wanted = [(area, UNITS[unit], count) for unit, count in counts.items()]
        is_lapsed = self.faults.happens("expired-lock", "reserve")
        try:
            order = self.house.lock(
                *(key, self.cinema.id, session.id, wanted),
                half=self.faults.happens("half", "reserve"),
                expires_s=0.0 if is_lapsed else None,
            )
        except HouseError as error:
            raise RefusedError("UNPROCESSABLE_ENTITY") from error
        found = self._told(order)
        if is_lapsed:  # it will have ended by then, whatever it says now
            until = self.house.now() + timedelta(seconds=self.house.lock_s)
            found["utcExpiresAt"] = until.isoformat()
        return found

    def do_booking(self, _said, uuid):
        return self._told(self._order(uuid))

    def do_extend(self, _said, uuid):
        self._try(lambda: self.house.extend(self._order(uuid).key))
        return self._told(self._order(uuid))

    def do_confirm(self, _said, uuid):
        self._try(lambda: self.house.sell(self._order(uuid).key))
        return self._told(self._order(uuid))

    def do_cancel(self, _said, uuid):
        order = self._order(uuid)
        undo = self.house.refund if order.state == "sold" else self.house.release
        self._try(lambda: undo(order.key))
        return self._told(order)

    def _order(self, uuid):
        found = self.house.orders.get(UUID(uuid).hex)
        if found is None:
            raise RefusedError("INVALID_BOOKING_UUID", uuid=uuid)
        return found

    def _try(self, work):
        try:
            work()
        except HouseError as error:
            raise RefusedError("UNPROCESSABLE_ENTITY") from error

    def _told(self, order):
        is_sold = order.state in {"sold", "refunded"}
        status = STATUS[order.state]
        if order.state == "sold" and not self.house.is_ready(order):
            status = "PENDING"
        now = self.house.now().isoformat()
        until = datetime.fromtimestamp(order.until, UTC).isoformat()
        cancellation = {"refund": "FULL", "reason": None, "utcCancelledAt": now}
        session = self.cinema.sessions[order.session.rpartition("/")[2]]
        screen = self.cinema.screens[session.screen]
        area = screen.seats[order.seats[0]].area
        return {
            "id": order.no,
            "uuid": str(UUID(order.key)),
            "testMode": False,
            "resellerReference": None,
            "supplierReference": order.booking,
            "status": status,
            "utcCreatedAt": now,
            "utcUpdatedAt": now,
            "utcExpiresAt": until if status == "ON_HOLD" else None,
            "utcRedeemedAt": None,
            "utcConfirmedAt": now if is_sold else None,
            "productId": session.film,
            "optionId": area,
            "cancellable": status in {"ON_HOLD", "CONFIRMED"},
            "cancellation": cancellation if status == "CANCELLED" else None,
            "freesale": False,
            "availabilityId": self._id(session),
            "availability": self._available(session, area),
            "contact": CONTACT,
            "notes": None,
            "deliveryMethods": ["TICKET"],
            "voucher": None,
            "pricing": pricing(sum(order.prices.values())),
            "unitItems": [
                {
                    "uuid": str(UUID(int=no)),
                    "resellerReference": None,
                    "supplierReference": None,
                    "unitId": f"adult_{area}",
                    "status": status,
                    "utcRedeemedAt": None,
                    "contact": CONTACT,
                    "ticket": ticket(order.codes.get(at)),
                }
                for no, at in enumerate(order.seats)
            ],
        }


def pricing(retail):
    return {
        "original": retail,
        "retail": retail,
        "net": retail * 9 // 10,
        "currency": "EUR",
        "currencyPrecision": 2,
        "includedTaxes": [],
    }


def ticket(code):
    if code is None:
        return None
    return {
        "redemptionMethod": "DIGITAL",
        "utcRedeemedAt": None,
        "deliveryOptions": [{"deliveryFormat": "QRCODE", "deliveryValue": code}],
    }
