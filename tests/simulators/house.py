"""A cinema chain's own system: rooms, sessions, locks and sales; the truth of its side.

Both simulators of cinemas speak for such a house. It is small, and it is real: seats
are locked and sold once here too, or a test of the hub would prove nothing.
"""

import itertools
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

ZONE = "Europe/Vienna"
ONE_PRICE = "STAL"  # whose price is that of all, where there is one only


class HouseError(Exception):
    """The house says no: ``code`` says why."""

    def __init__(self, code, seats=()):
        self.code, self.seats = code, list(seats)
        super().__init__(code)


@dataclass(frozen=True)
class Seat:
    """A seat: where it is in the grid, and what is printed on it."""

    area: str
    row: int
    column: int
    row_name: str
    number: str
    style: str = "Normal"
    group: tuple = ()


@dataclass
class Screen:
    """A room: its seats by (row, column)."""

    no: int
    name: str
    seats: dict

    def areas(self):
        return sorted({seat.area for seat in self.seats.values()})


@dataclass
class Film:
    id: str
    title: str
    minutes: int


@dataclass
class Session:
    """A showing: local wall clock, as cinemas store it."""

    id: str
    cinema: str
    screen: int
    film: str
    starts: datetime
    business_on: object
    group: str = "A"
    status: str = "Open"
    taken: dict = field(default_factory=dict)

    def free(self, screen):
        return [at for at in screen.seats if at not in self.taken]


@dataclass
class Order:
    """What a caller's key stands for: locked, sold, cancelled."""

    key: str
    session: str
    seats: list
    prices: dict
    until: float
    no: str
    state: str = "locked"
    booking: str | None = None
    codes: dict = field(default_factory=dict)
    ready_at: float = 0.0
    came_at: float = 0.0
    variants: list = field(default_factory=list)
    refunded: set = field(default_factory=set)


@dataclass
class Cinema:
    id: str
    name: str
    city: str
    zone: str = ZONE
    screens: dict = field(default_factory=dict)
    films: dict = field(default_factory=dict)
    sessions: dict = field(default_factory=dict)


def screen(no, rows=6, across=10, *, balcony=True):
    """A room of two price areas; the last row has sofas."""
    seats = {}
    for row in range(rows):
        area = "BALC" if balcony and row >= rows - 2 else "STAL"
        for column in range(across):
            is_sofa = row == rows - 1 and column < 4
            pair = (column // 2 * 2, column // 2 * 2 + 1)
            style = ("SofaLeft", "SofaRight")[column % 2] if is_sofa else "Normal"
            seats[row, column] = Seat(
                *(area, row, column, "ABCDEFGHJKLMN"[row], str(column + 1), style),
                group=tuple((row, one) for one in pair) if is_sofa else (),
            )
    return Screen(no, f"Saal {no}", seats)


class House:
    """The chain: everything behind one lock, as its database would be.

    *lock_s*: how long a lock holds; *issue_s*: how long after a sale its codes come.
    """

    def __init__(self, *, lock_s=900, issue_s=0.0):
        self.lock_s, self.issue_s = lock_s, issue_s
        self.cinemas = {}
        self.orders = {}
        self.prices = {("A", "STAL"): 1100, ("A", "BALC"): 1400}
        self.mutex = threading.RLock()
        self.offset = timedelta()
        self.bump = 0
        self._numbers = itertools.count(100_001)

    def now(self):
        return datetime.now(UTC) + self.offset

    def seconds(self):
        return datetime.now(UTC).timestamp()

    def price(self, session, area, kind="0001"):
        full = self.prices[session.group, area] + self.bump
        return full if kind == "0001" else full * 7 // 10

    def session(self, cinema, session):
        found = self.cinemas.get(cinema)
        if found is None or session not in found.sessions:
            raise HouseError("unknown-session")
        return found.sessions[session], found.screens[found.sessions[session].screen]

    def lapse(self):
        """Let go what was locked too long: as everywhere, nobody tells the locker."""
        for order in self.orders.values():
            if order.state == "locked" and order.until < self.seconds():
                order.state = "lapsed"
                self._free(order)

    def _free(self, order):
        session = self._session_of(order)
        for at in order.seats:
            if session.taken.get(at) == order.key:
                del session.taken[at]

    def _session_of(self, order):
        cinema, _, session = order.session.rpartition("/")
        return self.cinemas[cinema].sessions[session]

    def lock(self, key, cinema, session_id, wanted, *, half=False, expires_s=None):
        """Lock seats: wanted is [(area, ticket type, [(row, column)] or count)]."""
        with self.mutex:
            self.lapse()
            session, room = self.session(cinema, session_id)
            if session.status != "Open":
                raise HouseError("not-on-sale")
            if key in self.orders and self.orders[key].state in {"locked", "sold"}:
                raise HouseError("duplicate-key")
            chosen, prices = [], {}
            for area, kind, seats in wanted:
                for at in self._choose(session, room, area, seats, chosen):
                    chosen.append(at)
                    own = area or ONE_PRICE
                    prices[at] = self.price(session, own, kind)
            if half:
                chosen = chosen[: max(1, len(chosen) // 2)]
            for at in chosen:
                session.taken[at] = key
            no = f"C{next(self._numbers)}"
            until = self.seconds() + (self.lock_s if expires_s is None else expires_s)
            order = Order(
                *(key, f"{cinema}/{session_id}", chosen),
                *({at: prices[at] for at in chosen}, until, no),
            )
            self.orders[key] = order
            return order

    def _choose(self, session, room, area, seats, chosen):
        if isinstance(seats, int):
            free = [
                at
                for at in room.seats
                if at not in session.taken
                and at not in chosen
                and area in {room.seats[at].area, None}
            ]
            if len(free) < seats:
                raise HouseError("seats-taken")
            return free[:seats]
        gone = [at for at in seats if at in session.taken or at in chosen]
        if gone or any(at not in room.seats for at in seats):
            raise HouseError("seats-taken", gone)
        return seats

    def extend(self, key):
        with self.mutex:
            order = self.locked(key)
            order.until = self.seconds() + self.lock_s
            return order

    def locked(self, key):
        self.lapse()
        order = self.orders.get(key)
        if order is None:
            raise HouseError("unknown-order")
        if order.state != "locked":
            raise HouseError(f"is-{order.state}")
        return order

    def release(self, key):
        """Let a lock go; nothing can be sold by it any more, even if it comes later."""
        with self.mutex:
            order = self.locked(key)
            order.state = "released"
            self._free(order)

    def sell(self, key, paid=None):
        with self.mutex:
            order = self.locked(key)
            if paid is not None and paid != sum(order.prices.values()):
                raise HouseError("price")
            number = next(self._numbers)
            order.state, order.booking = "sold", f"WB{number}"
            order.codes = {at: f"{number}{n:03d}" for n, at in enumerate(order.seats)}
            order.ready_at = self.seconds() + self.issue_s
            return order

    def is_ready(self, order):
        return self.seconds() >= order.ready_at

    def refund(self, key):
        with self.mutex:
            order = self.orders.get(key)
            if order is None:
                raise HouseError("unknown-order")
            if order.state not in {"sold", "refunded"}:
                raise HouseError(f"is-{order.state}")
            order.state = "refunded"
            self._free(order)
            return order

    def give_back(self, key, at):
        """Give back one place of a sale."""
        with self.mutex:
            order = self.orders[key]
            order.refunded.add(at)
            session = self._session_of(order)
            if session.taken.get(at) == key:
                del session.taken[at]

    def sold(self):
        """What this side believes is sold: (session, seat) -> key."""
        with self.mutex:
            return {
                (order.session, at): order.key
                for order in self.orders.values()
                if order.state == "sold"
                for at in order.seats
                if at not in order.refunded
            }

    def locks(self):
        with self.mutex:
            self.lapse()
            return [o for o in self.orders.values() if o.state == "locked"]


def chain(cinemas=1, screens=2, sessions=4, *, first=None, **more):
    """A chain with a schedule from tomorrow on, some of it past midnight."""
    house = House(**more)
    day = first or (datetime.now(UTC).date() + timedelta(days=1))
    for c in range(1, cinemas + 1):
        cinema = Cinema(f"{c:04d}", f"Lichtspiele {c}", f"Stadt {c}")
        cinema.screens = {no: screen(no) for no in range(1, screens + 1)}
        for f in range(1, 4):
            film = Film(f"HO{f:05d}", f"Film {f}", 95 + 5 * f)
            cinema.films[film.id] = film
        for s in range(sessions):
            on = day + timedelta(days=s // (6 * screens))
            start = datetime.combine(on, datetime.min.time())
            start += timedelta(hours=14 + 2 * (s // screens % 6))
            cinema.sessions[str(s + 1)] = Session(
                *(str(s + 1), cinema.id, s % screens + 1, f"HO{s % 3 + 1:05d}", start),
                business_on=on,
            )
        house.cinemas[cinema.id] = cinema
    return house
