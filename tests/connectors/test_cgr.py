"""A supplier that cannot be asked: one call sells, and silence has been taken back."""

import time
from urllib.request import Request, urlopen

import pytest

from connectors.errors import NoAnswerError, SaidNoError
from connectors.ports import LineWanted, OrderWanted, Read
from connectors.services import guarding
from connectors.suppliers.cgr import CgrPort, words
from connectors.suppliers.soap import Waits, Wire
from hub.kernel.db import transaction
from hub.tickets.queries.printing import printed
from tests.simulators.faults import struck
from tests.simulators.hubs import opened
from tests.simulators.kinds import credentials, settings, simulator
from tests.simulators.serving import serving

SELL = {"only": {"ReservationPassCulture"}}
AGREED = {"silence_is_refusal": True}
LISTENS_S, LATE_S = 3.0, 3.2


@pytest.fixture
def there():
    return simulator("cgr")


@pytest.fixture
def url(there):
    with serving(there.app()) as found:
        yield found + there.base


def opened_port(url, there, listens_s=LISTENS_S, **own):
    wire = Wire(Waits(0.5, listens_s))
    agreed = settings("cgr") | AGREED | own
    return CgrPort(url, agreed, credentials("cgr", there), wire)


def wanted(port, count=2, face=1100, key="a" * 32):
    performance = port.schedule(None, None, Read()).performances[0]
    line = LineWanted(1, "GA", "adult", "", count, face, "EUR")
    return OrderWanted(key, performance.ref, (line,), 900)


@pytest.mark.parametrize("fault", ["delay-before", "delay-after"])
def test_silence_is_a_refusal_for_it_has_taken_back_what_it_sold(there, url, fault):
    port = opened_port(url, there)
    there.faults.delay_s = LATE_S
    with struck(there.faults, **{fault: SELL}), pytest.raises(SaidNoError) as refused:
        port.sell(wanted(port))
    assert refused.value.code == "rolled-back"
    drain(there)
    assert there.house.sold() == {}


def test_silence_is_not_known_where_that_was_not_agreed(there, url):
    port = opened_port(url, there, silence_is_refusal=False)
    there.faults.delay_s = LATE_S
    with struck(there.faults, delay_after=SELL), pytest.raises(NoAnswerError):
        port.sell(wanted(port))
    drain(there)
    assert there.house.sold() == {}  # it was told to take it back all the same


def drain(there):
    """Wait until the simulator has ended what it was asked."""
    with serving(there.app()) as url, urlopen(Request(f"{url}/faults")):  # noqa: S310
        there.faults.wait()


def test_control_who_is_not_told_how_long_we_listen_sells_all_the_same(there, url):
    """Less than the time for the way there and back: nothing is taken back for us."""
    port = opened_port(url, there, listens_s=0.5)
    there.faults.delay_s = 0.7
    with struck(there.faults, delay_after=SELL), pytest.raises(NoAnswerError):
        port.sell(wanted(port))
    drain(there)
    assert len(there.house.sold()) == 2


@pytest.mark.parametrize("fault", ["drop", "html-500", "truncated", "drip"])
def test_a_reply_that_began_or_broke_is_no_silence(there, url, fault):
    port = opened_port(url, there)
    there.faults.delay_s = 2 * LISTENS_S
    with struck(there.faults, **{fault: SELL}), pytest.raises(NoAnswerError):
        port.sell(wanted(port))
    assert len(there.house.sold()) == 2  # so a person has to ask


def test_what_it_refuses_is_told_by_its_texts(there, url):
    port = opened_port(url, there)
    with pytest.raises(SaidNoError, match="seats-taken: 3 Impossible"):
        port.sell(wanted(port, count=61))
    with pytest.raises(NoAnswerError, match="not known: Tarif inconnu"):
        port.sell(wanted(port, face=900))
    gone = wanted(port)
    there.cinema.sessions.clear()
    with pytest.raises(SaidNoError, match="not-on-sale"):
        port.sell(gone)


def test_one_order_has_one_price(there, url):
    port = opened_port(url, there)
    two = wanted(port).lines + wanted(port, face=900).lines
    order = OrderWanted("a" * 32, wanted(port).performance, two, 900)
    with pytest.raises(SaidNoError, match="not-as-wanted"):
        port.lock(order)


@pytest.mark.parametrize(
    "said",
    [
        {"QrCode": "", "Placement": "F7,F8"},
        {"CodeErreur": 0, "Placement": ""},
    ],
)
def test_what_is_sold_without_a_code_is_not_known(said):
    with pytest.raises(NoAnswerError):
        words.sold(said, 2)


def test_one_code_lets_all_in_and_each_has_its_seat():
    found = words.sold({"QrCode": "Q1", "Placement": "F7, F8"}, 2)
    assert found.is_shared
    assert [(t.code, t.placement) for t in found.tickets] == [
        ("Q1", "F7"),
        ("Q1", "F8"),
    ]
    free = words.sold({"QrCode": "Q1", "Placement": ""}, 2)
    assert [t.placement for t in free.tickets] == [None, None]
    text = words.sold({"QrCode": "Q1", "Placement": "Placement libre"}, 2)
    assert [t.placement for t in text.tickets] == ["Placement libre"] * 2
    one = words.sold({"QrCode": "Q1", "Placement": "Rang D, place 8"}, 1)
    assert [t.placement for t in one.tickets] == ["Rang D, place 8"]


def test_another_cinema_at_the_address_is_no_schedule(there, url):
    own = settings("cgr") | {"number": 7}
    port = CgrPort(url, own, credentials("cgr", there), Wire(Waits(0.5, 10)))
    with pytest.raises(NoAnswerError, match="it is cinema 1"):
        port.schedule(None, None, Read())


def test_seats_the_cinema_chooses_are_on_the_tickets_and_in_print(hub):
    with opened(hub, "cgr") as cinemas:
        hold = hub.hold("ann", [(cinemas.offer(), 2)])
        order = hub.confirm("ann", hold, key="k1")
        assert [t["placement"] for t in order["tickets"]] == ["A1", "A2"]
        assert hub.confirm("ann", hold, order["reference"], key="k1") == order
        assert hub.get("ann", f"/v1/orders/{order['id']}") == order
        with transaction() as session:
            [page] = printed(session, order["id"])
        assert ("Seat", "A1, A2") in page.facts("en")


def test_a_hold_is_extended_though_nothing_is_locked(hub):
    with opened(hub, "cgr") as cinemas:
        hold = hub.hold("ann", [(cinemas.offer(), 1)])
        later = hub.post("ann", f"/v1/holds/{hold['id']}/extension", None, 200)
        assert later["version"] == hold["version"] + 1
        assert cinemas.parts()[0]["lock_until"] is None


def test_a_sale_nobody_answered_is_for_a_person_at_once(hub):
    with opened(hub, "cgr") as cinemas:
        hold = hub.hold("ann", [(cinemas.offer(), 2)])
        with struck(cinemas.faults, drop=SELL):
            order = hub.confirm("ann", hold, expect=202)
        cinemas.work(0.3)
        [case] = hub.get("operator", "/v1/supplier-cases")["items"]
        assert "it tells of no order" in case["said"]
        assert cinemas.work() == 0
        assert hub.get("ann", f"/v1/orders/{order['id']}")["state"] == "confirmed"
        assert hub.get("operator", "/v1/supplier-cases")["items"] == []


def test_a_sale_that_was_silent_there_is_refused_here(hub):
    with opened(hub, "cgr", operation_ms=3_000) as cinemas:
        cinemas.faults.delay_s = LATE_S
        path = f"/v1/sources/{cinemas.source_id}"
        body = {"settings": settings("cgr") | AGREED}
        assert hub.call("operator", "PUT", path, body).status_code == 200
        time.sleep(guarding.KNOWN_S)
        hold = hub.hold("ann", [(cinemas.offer(), 2)])
        with struck(cinemas.faults, delay_before=SELL):
            refused = hub.confirm("ann", hold, expect=409)
        assert refused["reason"] == "rolled-back"
        cinemas.faults.wait()
        assert cinemas.sold_here() == cinemas.sold_there() == []
        hub.assert_lawful()
