"""The Tiqets supplier API: what is for us, codes by variant, and its own mock server."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import NoAnswerError, SaidNoError
from connectors.ports import LineWanted, OrderWanted, Read
from connectors.suppliers.rest import Reply
from connectors.suppliers.settings import read
from connectors.suppliers.soap import Waits, Wire
from connectors.suppliers.tiqets import TiqetsPort, words
from connectors.suppliers.tiqets.words import TiqetsSettings
from tests.simulators.faults import struck
from tests.simulators.hubs import opened
from tests.simulators.kinds import settings

OWN = read(TiqetsSettings, settings("tiqets"))
MOCK = os.environ.get("HUB_TIQETS_URL")
SLOT = "2027-03-05T17:30"
KEY = {"api_key": "secret"}


def product(**more):
    return {
        "id": "A300",
        "name": "Museum",
        "use_timeslots": True,
        "is_refundable": True,
        "cutoff_time": 0,
    } | more


def slot(price="12.45", left=9):
    variant = {"id": "1", "name": "Adult", "available_tickets": left}
    if price is not None:
        variant["price"] = {"amount": price, "currency": "EUR"}
    return {"available_tickets": left, "variants": [variant]}


def wanted(performance, code="1", count=2, face=1245, theirs=None):
    line = LineWanted(1, "GA", "adult", code, count, face, "EUR")
    return OrderWanted("a" * 32, performance, (line,), 900, theirs=theirs)


def test_a_slot_is_local_and_a_product_without_slots_is_open_all_day():
    made = words.performance(product(), SLOT, slot(), OWN)
    assert made.ref == f"A300|{SLOT}"
    assert made.starts_at == datetime(2027, 3, 5, 16, 30, tzinfo=UTC)
    assert (made.offers[0].face_minor, made.offers[0].code) == (1245, "1")
    whole = words.performance(
        product(use_timeslots=False), "2027-03-05T00:00", slot(), OWN
    )
    assert whole.open_dated
    assert whole.ends_at - whole.starts_at == timedelta(days=1)


def test_what_wants_data_of_visitors_is_not_for_us():
    assert words.is_ours(product())
    assert not words.is_ours(product(required_visitor_data=["full_name"]))
    assert not words.is_ours(product(required_order_data=["nationality"]))


def test_what_tells_no_price_is_sold_at_the_agreed_one_or_not_at_all():
    assert not words.is_priced(product(), slot(None), OWN)
    agreed = read(TiqetsSettings, settings("tiqets") | {"prices": {"A300/1": 900}})
    assert words.is_priced(product(), slot(None), agreed)
    made = words.performance(product(), SLOT, slot(None), agreed)
    assert (made.offers[0].face_minor, made.offers[0].currency) == (900, "EUR")
    assert not words.is_priced(product(), {}, OWN)  # a day on which nothing is on


def test_codes_are_by_variant_in_the_order_of_the_lines():
    lines = tuple(
        LineWanted(no, "GA", name, code, count, 100, "EUR")
        for no, name, code, count in ((1, "child", "2", 1), (2, "adult", "1", 2))
    )
    order = OrderWanted("a" * 32, f"A300|{SLOT}", lines, 900)
    said = {"booking_id": "B1", "barcode_scope": "ticket", "barcode": ""}
    said["tickets"] = {"1": ["a1", "a2"], "2": ["c1"]}
    found = words.sold(order, said)
    assert [t.code for t in found.tickets] == ["c1", "a1", "a2"]
    assert not found.is_shared
    one = words.sold(order, said | {"barcode_scope": "order", "barcode": "all"})
    assert one.is_shared
    assert {t.code for t in one.tickets} == {"all"}
    with pytest.raises(NoAnswerError):
        words.sold(order, said | {"barcode_scope": "order"})
    with pytest.raises(NoAnswerError):
        words.sold(order, said | {"tickets": {}})
    with pytest.raises(NoAnswerError, match="booking B1 has a file"):
        words.sold(order, said | {"barcode_format": "PDF"})


def test_what_a_person_settled_is_not_cancelled_by_its_reservation():
    """A booking of somebody else may have that number."""
    port = TiqetsPort("http://127.0.0.1:9", settings("tiqets"), KEY, Wire(Waits(1, 1)))
    with pytest.raises(SaidNoError, match="not-allowed"):
        port.cancel(wanted(f"A300|{SLOT}", theirs="78940"), ())


def test_a_slot_that_is_sold_out_is_still_told():
    told = {"available_tickets": 0, "variants": []}
    assert words.is_sold_out(told)
    assert words.left(told).left == {"GA": 0}


def test_references_are_twelve_digits():
    found = {words.reference(f"{n:032x}") for n in range(1_000)}
    assert len(found) == 1_000
    assert all(len(one) == 12 and one.isdigit() for one in found)


@pytest.mark.parametrize(
    ("code", "reason"),
    [(3000, "seats-taken"), (3001, "lock-expired"), (3004, "past-cancellation")],
)
def test_its_numbers_are_our_reasons(code, reason):
    said = {"error_code": code, "error": "x", "message": "y"}
    assert words.refused(Reply(400, said)).code == reason


def test_a_refusal_without_a_number_is_not_known():
    with pytest.raises(NoAnswerError):
        words.refused(Reply(400, {"error": "x"}))


def test_a_sale_nobody_answered_is_for_a_person_who_knows_its_reservation(hub):
    with opened(hub, "tiqets") as cinemas:
        hold = hub.hold("ann", [(cinemas.offer(), 2)])
        with struck(cinemas.faults, drop={"only": {"booking"}}):
            order = hub.confirm("ann", hold, expect=202)
        assert cinemas.work() == 0
        assert hub.get("ann", f"/v1/orders/{order['id']}")["state"] == "confirmed"
        assert cinemas.sold_here() == cinemas.sold_there()
        hub.assert_lawful()


def test_a_lock_whose_reply_was_lost_is_not_sold(hub):
    with opened(hub, "tiqets") as cinemas:
        with struck(cinemas.faults, drop={"only": {"reservation"}}):
            hub.hold("ann", [(cinemas.offer(), 2)], expect=503)
        assert cinemas.work() == 0
        assert [part["state"] for part in cinemas.parts()] == ["ended"]
        assert len(cinemas.house.locks()) == 1  # until it has run out
        assert cinemas.locks_left() == []


@pytest.fixture
def mock():
    if not MOCK:
        pytest.skip("no mock server of Tiqets: HUB_TIQETS_URL is not set")
    wire = Wire(Waits(1, 10))
    yield TiqetsPort(MOCK, settings("tiqets"), {"api_key": "secret"}, wire)
    wire.close()


def on_sale(port, name):
    told = port.schedule(None, None, Read())
    assert told.skipped == []
    return told, [p for p in told.performances if p.production == name]


def test_its_mock_server_is_read_reserved_booked_and_cancelled(mock):
    told, found = on_sale(mock, "A300-FX")
    products = {one.production for one in told.performances}
    assert products == {"A300-FX"}  # the others want data of visitors, or tell no price
    later = [p for p in found if p.starts_at > datetime.now(UTC) + timedelta(days=3)]
    show = next(p for p in later if told.available[p.ref].left["GA"] >= 5)
    offer = show.offers[0]
    order = wanted(show.ref, offer.code, 2, offer.face_minor)
    locked = mock.lock(order)
    assert (locked.quantity, locked.total_minor) == (2, 2 * offer.face_minor)
    assert locked.until > datetime.now(UTC) + timedelta(minutes=15)
    sold = mock.sell(replace(order, theirs=locked.theirs))
    assert len({t.code for t in sold.tickets}) == 2
    done = replace(order, theirs=sold.theirs)
    for _ in range(2):
        mock.cancel(done, sold.tickets)
    left = mock.availability(show.ref).left["GA"]
    assert left == told.available[show.ref].left["GA"]  # it is made up, and so the same


def test_its_mock_server_refuses_as_it_says(mock):
    _, found = on_sale(mock, "A300-FX")
    with pytest.raises(SaidNoError, match="seats-taken: 3000"):
        mock.lock(wanted(found[0].ref, "1", 99))
    with pytest.raises(SaidNoError, match="lock-expired: 3002"):
        mock.sell(wanted(found[0].ref, theirs="nobodys"))
    with pytest.raises(SaidNoError, match="not-on-sale: 1001"):
        mock.lock(wanted(f"nobodys|{SLOT}"))
    stranger = TiqetsPort(
        MOCK, settings("tiqets"), {"api_key": "nobodys"}, Wire(Waits(1, 10))
    )
    with pytest.raises(SaidNoError) as refused:
        stranger.schedule(None, None, Read())
    assert refused.value.is_permanent
