"""One list of scenarios over every supplier that sells: what the port promises."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from connectors.errors import NoAnswerError, NotReachedError, SaidNoError
from connectors.ports import LineWanted, OrderWanted, Read, SeatWanted, Standing
from connectors.services.reading import KnownRooms
from connectors.suppliers.kinds import KINDS
from connectors.suppliers.soap import Waits, Wire
from tests.simulators.faults import struck
from tests.simulators.kinds import (
    FENCED,
    LOCKING,
    SELLERS,
    credentials,
    settings,
    simulator,
)
from tests.simulators.serving import serving

PATIENT = Waits(0.5, 10)
STANDINGS = {
    "locked": Standing.LOCKED,
    "sold": Standing.SOLD,
    "refunded": Standing.CANCELLED,
}


class At:
    """A port to a simulator, and what the simulator knows."""

    def __init__(self, kind, there, url):
        self.there = there
        self.wire = Wire(PATIENT)
        self.port = KINDS[kind](
            url + there.base, settings(kind), credentials(kind, there), self.wire
        )
        self.venue = self.port.venues()[0]
        self.told = {}
        rooms = KnownRooms(lambda _: None, self._room)
        self.schedule = self.port.schedule(self.venue, rooms, Read())
        self.told |= {room.ref: room for room in self.schedule.rooms}
        self.performance = self.schedule.performances[0]
        self.can = self.port.capabilities
        self.has_seats = self.can.seat_choice
        self.area = there.areas[0] if self.has_seats else self.performance.areas[0].area
        self.size = 40 if self.has_seats else self.performance.areas[0].capacity

    def _room(self, ref, performance):
        self.told[ref] = self.port.auditorium(self.venue, ref, performance)
        return self.told[ref]

    def seats(self, count=2, first=0):
        if not self.has_seats:
            return ()
        room = self.told[self.performance.auditorium]
        found = next(a for a in room.areas if a.ref == self.area)
        every = [
            SeatWanted(s.code, r.name, s.number) for r in found.rows for s in r.seats
        ]
        return tuple(every[first : first + count])

    def order(self, key="a" * 32, count=2, first=0):
        offer = next(o for o in self.performance.offers if o.area == self.area)
        line = LineWanted(
            *(1, self.area, "adult", offer.code or "", count, offer.face_minor, "EUR"),
            self.seats(count, first),
        )
        return OrderWanted(key, self.performance.ref, (line,), 900)

    def fault(self, name, what):
        """A fault at what the simulator calls some of its work."""
        does = self.there.does
        return {name: {"only": set(does.get(what) or does["lock"])}}

    @contextmanager
    def unanswered(self, fault, what):
        """Have some of its work not be answered in time, or not so it can be read."""
        self.there.faults.delay_s = 2.0 if fault == "drip" else 0.6
        self.wire.waits = Waits(0.5, 0.4)
        with (
            struck(self.there.faults, **self.fault(fault, what)),
            pytest.raises(NoAnswerError),
        ):
            yield
        self.wire.waits = PATIENT

    def lock(self, order):
        """Lock an order; return it with the supplier's key."""
        return replace(order, theirs=self.port.lock(order).theirs)

    def take(self, order):
        """Take places there: by a lock, or by a sale where nothing is locked."""
        order = self.lock(order)
        if not self.can.separate_lock:
            self.port.sell(order)

    def standing(self, order):
        """How an order stands there; as the house has it where it cannot be asked."""
        is_known = self.can.own_order_key or order.theirs is not None
        if self.can.ask_by_key and is_known:
            return self.port.ask(order).standing
        with pytest.raises(NoAnswerError):
            self.port.ask(order)
        key = order.key if self.can.own_order_key else order.theirs
        found = self.there.house.orders.get(key)
        return STANDINGS[found.state] if found else Standing.NOTHING


def read(port):
    """Ask a port for the first that is read of it."""
    if port.capabilities.by_venue:
        return port.venues()
    return port.schedule(None, None, Read())


@contextmanager
def reached(kind):
    there = simulator(kind)
    with serving(there.app()) as url:
        found = At(kind, there, url)
        yield found
        found.wire.close()


@pytest.fixture(params=SELLERS)
def at(request):
    with reached(request.param) as found:
        yield found


@pytest.fixture(params=LOCKING)
def locking(request):
    with reached(request.param) as found:
        yield found


def test_venues_rooms_and_performances_are_told(at):
    assert (at.venue.zone, at.venue.country) == ("Europe/Vienna", "AT")
    # Where options are told apart each area is a performance of its own.
    sizes = {60} if at.there.each == 1 else {40, 20}
    assert len(at.schedule.performances) == 4 * len(sizes)
    assert {p.auditorium for p in at.schedule.performances} <= set(at.told)
    for performance in at.schedule.performances:
        assert sum(area.capacity for area in performance.areas) in sizes
        assert performance.starts_at.utcoffset().total_seconds() == 0
        assert {offer.currency for offer in performance.offers} == {"EUR"}
    room = at.told[at.performance.auditorium]
    if not at.has_seats:
        assert [area.capacity for area in room.areas] == [at.size]
        return
    codes = [s.code for a in room.areas for r in a.rows for s in r.seats]
    assert len(set(codes)) == len(codes) == 60


def test_the_same_schedule_again_is_said_to_be_the_same(at):
    rooms = KnownRooms(
        lambda _: dict(zip(at.there.areas, (40, 20), strict=True)), at._room
    )
    again = at.port.schedule(at.venue, rooms, Read(digest=at.schedule.digest))
    assert again.is_unchanged
    assert again.count == len(at.schedule.performances)


def test_availability_is_exact(at):
    before = at.port.availability(at.performance.ref)
    at.take(at.order())
    after = at.port.availability(at.performance.ref)
    assert before.left[at.area] - after.left[at.area] == 2
    if at.has_seats:
        assert after.gone - before.gone == {seat.code for seat in at.seats()}


def test_locked_sold_and_asked_for_by_our_key(at):
    order = at.order()
    assert at.standing(order) is Standing.NOTHING
    locked = at.port.lock(order)
    assert locked.quantity == 2
    assert locked.total_minor == (
        order.total_minor if "price" in at.there.tells else None
    )
    order = replace(order, theirs=locked.theirs)
    assert set(locked.seats) <= set(order.seat_codes())
    assert at.standing(order) in {Standing.NOTHING, Standing.LOCKED}
    sold = at.port.sell(order)
    assert len(sold.tickets) == 2
    if at.can.ask_by_key:
        assert at.port.ask(order).sold == sold
    codes = {ticket.code for ticket in sold.tickets}
    assert len(codes) == (1 if at.can.codes == "order" else 2)
    assert sold.is_shared is (at.can.codes == "order")


def test_a_taken_seat_is_refused_and_nothing_is_locked(at):
    at.take(at.order("a" * 32, count=2 if at.has_seats else at.size - 2))
    with pytest.raises(SaidNoError) as refused:
        at.port.lock(at.order("b" * 32, count=3))
    assert refused.value.code == "seats-taken"
    assert len(at.there.house.orders) == 1


@pytest.mark.parametrize("at", FENCED, indirect=True)
def test_what_is_released_cannot_be_sold_and_releasing_twice_is_no_mistake(at):
    order = at.lock(at.order())
    at.port.release(order)
    at.port.release(order)
    with pytest.raises(SaidNoError) as refused:
        at.port.sell(order)
    assert refused.value.code in {"lock-expired", "changed"}
    assert at.there.house.locks() == []


def test_a_lock_that_ran_out_is_refused_at_the_sale(locking):
    at = locking
    with struck(at.there.faults, expired_lock={}):
        order = at.lock(at.order())
    if at.there.sells_unlocked:
        assert len(at.port.sell(order).tickets) == 2  # nobody else has taken it
        return
    with pytest.raises(SaidNoError) as refused:
        at.port.sell(order)
    assert refused.value.code == "lock-expired"


def test_a_lock_is_extended_where_the_supplier_can(at):
    order = at.lock(at.order())
    if at.can.extend:
        assert (at.port.extend(order) is not None) is at.can.separate_lock
    else:
        with pytest.raises(SaidNoError):
            at.port.extend(order)


def test_a_sale_is_cancelled_where_the_supplier_can(at):
    order = at.lock(at.order())
    sold = at.port.sell(order)
    if not at.can.cancel:
        with pytest.raises(SaidNoError) as refused:
            at.port.cancel(order, sold.tickets)
        assert refused.value.code == "not-allowed"
        return
    told = replace(order, theirs=sold.theirs)
    at.port.cancel(told, sold.tickets)
    at.port.cancel(told, sold.tickets)
    assert at.standing(order) is Standing.CANCELLED
    assert at.port.availability(at.performance.ref).left[at.area] == at.size


UNREADABLE = ["html-500", "truncated", "drop", "drip", "delay-after"]


@pytest.mark.parametrize("fault", UNREADABLE)
def test_a_sale_that_is_not_answered_is_unknown_and_known_when_asked(at, fault):
    order = at.lock(at.order())
    with at.unanswered(fault, "sell"):
        at.port.sell(order)
    assert at.standing(order) is Standing.SOLD


@pytest.mark.parametrize("fault", ["html-502", "delay-before"])
def test_a_lock_that_is_not_answered_is_never_taken_for_one(at, fault):
    order = at.order()
    with at.unanswered(fault, "lock"):
        at.port.lock(order)


def test_nobody_there_is_nothing_sent():
    for kind in SELLERS:
        there = simulator(kind)
        wire = Wire(Waits(0.3, 0.3))
        port = KINDS[kind](
            "http://127.0.0.1:9", settings(kind), credentials(kind, there), wire
        )
        with pytest.raises(NotReachedError):
            read(port)


def test_half_the_seats_are_told_as_half(at):
    order = at.order(count=4)
    with struck(at.there.faults, half={}):
        if "count" in at.there.tells:
            assert at.port.lock(order).quantity == 2
        elif "codes" in at.there.tells:
            assert len(at.port.sell(at.lock(order)).tickets) == 2


def test_the_price_there_is_told(at):
    if "price" not in at.there.tells:  # it has a least price, and says so at the sale
        order = at.lock(at.order())
        bump = struck(at.there.faults, **at.fault("price-bump", "sell"))
        with bump, pytest.raises(SaidNoError, match="price-changed"):
            at.port.sell(order)
        return
    with struck(at.there.faults, **at.fault("price-bump", "quote")):
        locked = at.port.lock(at.order())
    assert locked.total_minor == at.order().total_minor + 300


@pytest.mark.parametrize(
    "kind", ["vista", "cmts", "hfh"]
)  # JSON is UTF-8, nothing else
def test_gbk_declared_as_utf_8_is_read(kind):
    with reached(kind) as at, struck(at.there.faults, gbk={}):
        assert len(at.port.venues()) == 1
        assert at.port.venues()[0].name["en"] == "影院 1"


@pytest.mark.parametrize("kind", ["cmts", "hfh", "otsapi", "cgr", "pretix", "tiqets"])
def test_a_wrong_signature_is_permanent(kind):
    with reached(kind) as at, struck(at.there.faults, signature={}):
        with pytest.raises(SaidNoError) as refused:
            read(at.port)
        assert refused.value.is_permanent


def test_an_ended_token_is_fetched_anew_and_nothing_is_done_twice():
    with reached("cmts") as at:
        at.there.end_tokens()
        at.port.lock(at.order())
        assert len(at.there.house.locks()) == 1


@pytest.mark.parametrize("fault", ["drop", "html-502", "signature"])
def test_a_sale_whose_tickets_cannot_be_asked_for_is_not_a_refusal(fault):
    with reached("cmts") as at:
        at.port.lock(at.order())
        asking = struck(at.there.faults, **at.fault(fault, "ask"))
        with asking, pytest.raises(NoAnswerError, match="sold"):
            at.port.sell(at.order())
        assert at.port.ask(at.order()).standing is Standing.SOLD


def test_what_is_issued_later_is_pending_until_then():
    there = simulator("cmts", issue_s=0.5)
    with serving(there.app()) as url:
        at = At("cmts", there, url)
        order = at.order()
        at.port.lock(order)
        with pytest.raises(NoAnswerError, match="not issued"):
            at.port.sell(order)
        assert at.port.ask(order).standing is Standing.PENDING
        there.house.issue_s = 0
        there.house.orders[order.key].ready_at = 0
        assert at.port.ask(order).standing is Standing.SOLD
        at.wire.close()
