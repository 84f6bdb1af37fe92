"""pretix: what is counted together, whose seats are whose, keys that are burnt."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.errors import NoAnswerError, SaidNoError
from connectors.ports import LineWanted, OrderWanted, SeatWanted, Standing
from connectors.suppliers.pretix import PretixPort, schedule, shows, words
from connectors.suppliers.pretix.shows import Show
from connectors.suppliers.pretix.words import PretixSettings
from connectors.suppliers.settings import read
from connectors.suppliers.soap import Waits, Wire
from tests.simulators.faults import struck
from tests.simulators.hubs import opened
from tests.simulators.kinds import credentials, settings, simulator
from tests.simulators.serving import serving

OWN = read(PretixSettings, settings("pretix"))
SELL = {"only": {"order"}}


@pytest.fixture
def there():
    return simulator("pretix")


@pytest.fixture
def port(there):
    wire = Wire(Waits(0.5, 10))
    with serving(there.app()) as url:
        own = credentials("pretix", there)
        yield PretixPort(url + there.base, settings("pretix"), own, wire)
        wire.close()


def order(codes=("1-0-0", "1-0-1"), item="1:11", key="a" * 32):
    seats = tuple(SeatWanted(code, "A", code[-1]) for code in codes)
    line = LineWanted(1, "s1", "adult", item, len(seats), 1100, "EUR", seats)
    return OrderWanted(key, "HO00001/1", (line,), 900)


def item(no, **more):
    return {
        "id": no,
        "name": {"en": f"Item {no}", "de": f"Produkt {no}"},
        "active": True,
        "admission": True,
        "all_sales_channels": True,
        "limit_sales_channels": [],
        "require_voucher": False,
        "hide_without_voucher": False,
        "default_price": "25.00",
        "tax_rate": "19.00",
        "min_per_order": None,
        "max_per_order": None,
        "variations": [],
    } | more


def quota(no, items, size=100, left=None, **more):
    return {
        "id": no,
        "name": f"Quota {no}",
        "size": size,
        "items": items,
        "variations": [],
        "subevent": None,
        "closed": False,
        "available_number": size if left is None else left,
    } | more


def event(**more):
    return {
        "slug": "concert",
        "name": {"en": "Concert"},
        "location": {"en": "Hall, Street 1"},
        "timezone": "Europe/Berlin",
        "currency": "EUR",
        "date_from": "2027-01-29T19:00:00+01:00",
        "date_to": None,
        "presale_start": None,
        "presale_end": None,
        "seating_plan": None,
        "seat_category_mapping": {},
    } | more


def show(items, quotas, **more):
    return Show(event(**more), None, items, quotas)


def told(found):
    return {ref: [one for one, _ in sold] for ref, sold in found.items()}


def test_what_shares_its_quotas_is_one_area():
    one = show([item(1), item(2), item(3)], [quota(7, [1, 2]), quota(8, [3], 20)])
    assert told(shows.areas(one, OWN)) == {
        "a1.0": [(1, None), (2, None)],
        "a3.0": [(3, None)],
    }
    made = schedule.performance(one, {}, OWN)
    assert [(a.area, a.capacity) for a in made.areas] == [("a1.0", 100), ("a3.0", 20)]
    assert {o.code for o in made.offers} == {"1", "2", "3"}
    assert made.offers[0].tax_bp == 1900
    assert (made.ends_at - made.starts_at).total_seconds() == 7_200  # it says no end


def test_each_quota_must_have_one_left():
    one = show([item(1)], [quota(7, [1], 100, 40), quota(8, [1], 30, 12)])
    assert schedule.left(one, {}, frozenset(), OWN).left == {"a1.0": 12}
    shut = show([item(1)], [quota(7, [1]), quota(8, [1], closed=True)])
    assert schedule.left(shut, {}, frozenset(), OWN).left == {"a1.0": 0}
    endless = show([item(1)], [quota(7, [1], None)])
    assert schedule.left(endless, {}, frozenset(), OWN).left == {"a1.0": None}
    [area] = schedule.performance(endless, {}, OWN).areas
    assert area.capacity == 0  # what was agreed for what is not counted


@pytest.mark.parametrize(
    "more",
    [
        {"active": False},
        {"admission": False},
        {"require_voucher": True},
        {"hide_without_voucher": True},
        {"all_sales_channels": False, "limit_sales_channels": ["api.other"]},
    ],
)
def test_what_is_not_for_us_to_sell_is_not_offered(more):
    one = show([item(1), item(2, **more)], [quota(7, [1, 2])])
    assert told(shows.areas(one, OWN)) == {"a1.0": [(1, None)]}


def test_what_is_in_no_quota_is_not_sold():
    assert shows.areas(show([item(1)], []), OWN) == {}


def test_a_date_has_its_own_prices_and_leaves_some_out():
    two = [{"id": 21, "value": {"en": "Full"}, "active": True, "price": "25.00"}]
    two += [{"id": 22, "value": {"en": "Less"}, "active": True, "price": "18.00"}]
    date = {
        "id": 5,
        **{k: event()[k] for k in ("date_from", "date_to", "presale_start")},
        **{k: event()[k] for k in ("presale_end", "seating_plan")},
        "seat_category_mapping": {},
        "item_price_overrides": [{"item": 1, "price": "9.00", "disabled": False}],
        "variation_price_overrides": [
            {"variation": 22, "price": None, "disabled": True}
        ],
    }
    quotas = [quota(7, [1, 2], variations=[21, 22])]
    items = [item(1), item(2, variations=two)]
    made = schedule.performance(Show(event(), date, items, quotas), {}, OWN)
    prices = {offer.code: offer.face_minor for offer in made.offers}
    assert (made.ref, prices) == ("concert/5", {"1": 900, "2:21": 2500})


def test_rows_of_zones_are_told_apart():
    seats = [
        {
            "zone_name": zone,
            "row_name": "A",
            "row_label": None,
            "seat_number": str(n),
            "seat_label": None,
            "seat_guid": f"{zone}{n}",
            "product": 1,
        }
        for zone in ("Left", "Right")
        for n in (1, 2)
    ]
    seated = show(
        [item(1)], [quota(7, [1])], seating_plan=3, seat_category_mapping={"P": 1}
    )
    [area] = schedule.room(seated, seats, "v", OWN).areas
    assert area.ref == "s1"
    assert [(r.name, [s.number for s in r.seats]) for r in area.rows] == [
        ("Left A", ["1", "2"]),
        ("Right A", ["1", "2"]),
    ]


def test_a_seat_of_another_product_is_not_sold_though_it_would_be(there, port):
    """A pretix takes any seat for any product: see what it does without our look."""
    with pytest.raises(SaidNoError, match="changed: 1-5-0 is not of item 1"):
        port.lock(order(("1-5-0",)))
    assert there.house.orders == {}
    port._refuse_unless_offered = lambda _: None  # the control
    port.lock(order(("1-5-0",)))
    assert len(there.house.locks()) == 1


def test_order_codes_are_ours_and_spelt_as_it_wants_them():
    codes = {words.order_code(f"{n:032x}") for n in range(1_000)}
    assert len(codes) == 1_000
    assert {len(code) for code in codes} == {16}
    assert set("".join(codes)) <= set("ABCDEFGHJKLMNPQRSTUVWXYZ1234567890")


def test_one_ticket_is_cancelled_and_then_the_rest(there, port):
    wanted = order()
    port.lock(wanted)
    first, second = port.sell(wanted).tickets
    for _ in range(2):
        port.cancel(wanted, [first])
    left = port.ask(wanted)
    assert (left.standing, left.sold.tickets) == (Standing.SOLD, (second,))
    assert len(there.house.sold()) == 1
    port.cancel(wanted, [second])
    assert port.ask(wanted).standing is Standing.CANCELLED


def test_seats_that_others_have_are_named(port):
    port.lock(order(("1-0-1", "1-0-2"), key="b" * 32))
    with pytest.raises(SaidNoError) as refused:
        port.lock(order())
    assert (refused.value.code, refused.value.seats) == ("seats-taken", ("1-0-1",))


def test_what_comes_after_it_was_let_go_does_nothing(there, port):
    wanted = order()
    port.release(wanted)  # nothing has come there yet
    for late in (port.lock, port.sell):
        with pytest.raises(SaidNoError, match="lock-expired"):
            late(wanted)
    assert (there.house.locks(), there.house.sold()) == ([], {})


def test_control_a_key_that_is_not_burnt_sells_though_nothing_is_locked(there, port):
    assert len(port.sell(order()).tickets) == 2


def test_a_lock_whose_reply_was_lost_is_found_by_its_key(there, port):
    wanted = order()
    lost = struck(there.faults, drop={"only": {"lock"}})
    with lost, pytest.raises(NoAnswerError):
        port.lock(wanted)
    assert len(there.house.locks()) == 1
    port.release(wanted)
    assert there.house.locks() == []


def test_a_page_that_changes_while_it_is_read_is_no_list(there, port):
    real = there.do_seats

    def changing(said, asked, rest):
        found, status = real(said, asked, rest)
        return found | {"count": found["count"] + (asked.get("page") == "2")}, status

    there.do_seats = changing
    venue = port.venues()[0]
    with pytest.raises(NoAnswerError, match="60 of 61"):
        port.auditorium(venue, "HO00001~1", "HO00001/1")


def test_a_reply_that_says_another_order_is_unknown(there, port):
    wanted = order()
    port.lock(wanted)
    real = there._told
    there._told = lambda made, **more: real(made, **more) | {"code": "SOMEBODYS"}
    with pytest.raises(NoAnswerError, match="SOMEBODYS"):
        port.sell(wanted)


def test_a_ticket_of_an_order_is_given_back_here_and_there(hub):
    with opened(hub, "pretix") as cinemas:
        sold = hub.confirm("ann", hub.hold("ann", [(cinemas.offer(), 3)]))
        one = [sold["tickets"][0]["id"]]
        with struck(cinemas.faults, drop={"only": {"cancel"}, "times": 1}):
            hub.cancel("ann", sold, one, expect=202)
        assert cinemas.work() == 0
        assert cinemas.sold_here() == cinemas.sold_there()
        assert len(cinemas.sold_here()) == 2
        assert hub.cancel("ann", sold)["state"] == "cancelled"
        assert cinemas.sold_here() == cinemas.sold_there() == []
        hub.assert_lawful()


def test_what_was_agreed_is_what_it_costs_there(there, port):
    wanted = order()
    cheap = replace(wanted.lines[0], face_minor=900)
    locked = port.lock(replace(wanted, lines=(cheap,)))
    assert locked.total_minor == 2200  # it tells its own, and the hub refuses


def test_a_reading_tells_which_seats_its_box_office_has_sold(hub):
    with opened(hub, "pretix") as cinemas:
        sale = cinemas.performances()[0]

        def free():
            path = f"/v1/performances/{sale['id']}/seats"
            seats = hub.get("ann", path)["items"]
            return {s["number"] for s in seats if s["row"] == "A" and s["is_free"]}

        before = free()
        cinemas.house.lock("box", "0001", "1", [("STAL", "0001", [(0, 4)])])
        cinemas.sync()
        assert before - free() == {"5"}
        cinemas.house.release("box")
        cinemas.sync()
        assert free() == before


def test_codes_that_were_renewed_are_not_taken_for_cancelled(there, port):
    wanted = order()
    port.lock(wanted)
    tickets = port.sell(wanted).tickets
    made = there.house.orders[wanted.key]
    made.codes = {at: f"new{code}" for at, code in made.codes.items()}
    with pytest.raises(NoAnswerError, match="others by now"):
        port.cancel(wanted, tickets)


@pytest.mark.parametrize(("status", "left"), [(404, 1), (409, 1), (400, 2)])
def test_a_refusal_of_a_cancellation_is_looked_at_again(there, port, status, left):
    """One of two positions may be gone already: it is not told as refused."""
    wanted = order(("1-0-0", "1-0-1", "1-0-2"))
    port.lock(wanted)
    tickets = port.sell(wanted).tickets[:2]
    real, calls = there.do_cancel, []

    def cancel(said, asked, rest):
        calls.append(rest)
        if len(calls) > 1 or left == 2:
            return {"detail": "race"}, status
        return real(said, asked, rest)

    there.do_cancel = cancel
    expected = SaidNoError if left == 2 and status == 400 else NoAnswerError
    with pytest.raises(expected):
        port.cancel(wanted, tickets)
    there.do_cancel = real
    port.cancel(wanted, tickets)
    assert len(there.house.sold()) == 1


def test_what_is_sold_for_a_time_is_offered_then_only():
    early = item(1, available_until="2027-01-10T00:00:00+01:00")
    late = item(2, available_from="2027-01-10T00:00:00+01:00")
    own = [{"id": 31, "value": {"en": "Box"}, "active": True, "price": "25.00"}]
    own[0] |= {"all_sales_channels": False, "limit_sales_channels": ["pos"]}
    quotas = [quota(7, [1, 2, 3], variations=[31])]

    def at(day):
        moment = datetime(2027, 1, day, tzinfo=UTC)
        items = [early, late, item(3, variations=own)]
        return Show(event(), None, items, quotas, at=moment)

    assert told(shows.areas(at(5), OWN)) == {"a1.0": [(1, None)]}
    assert told(shows.areas(at(20), OWN)) == {"a1.0": [(2, None)]}  # and the same area


def test_prices_without_the_tax_are_told_with_it():
    net = item(1, tax_rule=9, default_price="10.00")
    one = Show(event(), None, [net], [quota(7, [1])], frozenset({9}))
    [offer] = schedule.performance(one, {}, OWN).offers
    assert (offer.face_minor, offer.tax_bp) == (1190, 1900)


def test_names_that_are_alike_are_told_apart():
    own = [
        {"id": 20 + n, "value": {"zh": name}, "active": True, "price": "25.00"}
        for n, name in enumerate("大中小")
    ]
    variations = [one["id"] for one in own]
    one = show([item(1, variations=own)], [quota(7, [1], variations=variations)])
    names = [offer.price_type for offer in schedule.performance(one, {}, OWN).offers]
    assert len(set(names)) == 3


def test_another_language_more_is_no_other_place():
    one, two = event(), event(location={"en": "Hall, Street 1", "de": "Saal"})
    assert schedule.where(one, OWN) == schedule.where(two, OWN)
    assert schedule.where(event(location={"en": "Elsewhere"}), OWN) != schedule.where(
        one, OWN
    )


def test_it_is_read_no_faster_than_it_bears_and_looked_at_at_once(there):
    own = settings("pretix") | {"calls_per_minute": 1_200}
    with serving(there.app()) as url:
        wire = Wire(Waits(0.5, 10))
        slow = PretixPort(url + there.base, own, credentials("pretix", there), wire)
        began = time.monotonic()
        venue = slow.venues()[0]  # two lists
        slow.auditorium(venue, "HO00001~1", "HO00001/1")  # six
        assert time.monotonic() - began >= 7 * 60 / 1_200
        wire.close()
