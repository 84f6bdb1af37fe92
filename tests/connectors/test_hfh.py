"""HFH: only what may not be sold is listed, and nothing listed is not all free."""

import subprocess
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from connectors.errors import NoAnswerError, SaidNoError
from connectors.ports import LineWanted, OrderWanted, Read, SeatWanted
from connectors.services.reading import KnownRooms
from connectors.suppliers.hfh import words
from connectors.suppliers.hfh.calls import signed
from connectors.suppliers.hfh.words import HfhSettings
from connectors.suppliers.kinds import KINDS
from connectors.suppliers.settings import Place
from connectors.suppliers.soap import Waits, Wire
from tests.simulators.kinds import credentials, settings, simulator
from tests.simulators.serving import serving

PLACE = Place(zone="Asia/Shanghai", country="CN", currency="CNY")
SHOW = "0001/1"


@pytest.fixture
def there():
    return simulator("hfh")


@pytest.fixture
def port(there):
    with serving(there.app()) as url:
        wire = Wire(Waits(1, 10))
        yield KINDS["hfh"](
            url + there.base, settings("hfh"), credentials("hfh", there), wire
        )
        wire.close()


def test_nothing_listed_is_all_free_if_it_is_proved_to_be_the_list(port):
    found = port.availability(SHOW)
    assert (found.left, found.gone) == ({"STAL": 40, "BALC": 20}, frozenset())


def test_nothing_listed_and_no_proof_is_no_answer(port, there):
    there.house.lock("box", "0001", "1", [("STAL", "0001", 3)])
    assert port.availability(SHOW).left["STAL"] == 37
    there.is_silent = True
    with pytest.raises(NoAnswerError, match="no sign"):
        port.availability(SHOW)


def test_control_read_naively_the_hall_would_be_all_free(port, there):
    there.house.lock("box", "0001", "1", [("STAL", "0001", 3)])
    seats = port._seats("0001", "1")
    assert words.left_of(seats, []).left["STAL"] == 40


@pytest.mark.parametrize("echo", ["cinemaId", "hallId", "showSeqNo"])
def test_the_list_of_something_else_is_no_answer(port, there, echo):
    real = there.do_qryTicket
    there.do_qryTicket = lambda said: real(said).replace(
        f"<{echo}>{said[echo]}<", f"<{echo}>other<"
    )
    with pytest.raises(NoAnswerError, match="something else"):
        port.availability(SHOW)


def test_a_show_that_has_moved_is_asked_for_anew(port, there):
    rooms = KnownRooms(lambda _: {"STAL": 40, "BALC": 20}, None)
    port.schedule(port.venues()[0], rooms, Read())
    there.house.cinemas["0001"].sessions["1"].screen = 2
    seats = (SeatWanted("STAL/0:0", "A", "1"),)
    line = LineWanted(1, "STAL", "adult", "", 1, 1_100, "EUR", seats)
    wanted = OrderWanted("a" * 32, SHOW, (line,), 900)
    with pytest.raises(SaidNoError) as refused:
        port.lock(wanted)
    assert refused.value.code == "not-on-sale"
    assert port.lock(wanted).quantity == 1


def test_two_sections_are_not_locked_at_once_and_nothing_is_sent(port, there):
    lines = tuple(
        LineWanted(no, area, "adult", "", 1, 1, "EUR", (SeatWanted(code, "A", "1"),))
        for no, (area, code) in enumerate([("STAL", "STAL/0:0"), ("BALC", "BALC/5:9")])
    )
    with pytest.raises(SaidNoError, match="one section"):
        port.lock(OrderWanted("a" * 32, SHOW, lines, 900))
    assert there.faults.calls["webLockSeat"] == 0


@pytest.mark.parametrize(
    ("said", "hour", "minute", "day"),
    [("205", 2, 5, 6), ("1905", 19, 5, 6), ("5", 0, 5, 6), ("2530", 1, 30, 7)],
)
def test_a_show_time_is_a_number_and_may_be_past_midnight(said, hour, minute, day):
    row = {
        "hallId": "1",
        "showSeqNo": "7",
        "filmId": "f",
        "filmName": "F",
        "duration": "90",
        "showDate": "20270106",
        "showTime": said,
        "updateType": "U",
        "sectionIds": "A",
        "prices": "45.00",
    }
    config = HfhSettings(place=PLACE)
    venue = words.venue({"cinemaId": "1", "cinemaName": "K"}, config)
    found = words.performance(row, venue, {"A": 10}, config)
    local = found.starts_at.astimezone(ZoneInfo(PLACE.zone))
    assert (local.day, local.hour, local.minute) == (day, hour, minute)
    assert found.offers[0].face_minor == 4_500


def test_an_aisle_is_no_seat_and_a_pair_is_one():
    base = {"sectionId": "A", "rowId": "0", "rowName": "A", "colName": "1"}
    seats = [
        base | {"colId": "1", "type": "love", "pairValue": "1"},
        base | {"colId": "2", "type": "road", "pairValue": ""},
        base | {"colId": "3", "type": "danren", "pairValue": ""},
    ]
    room = words.room("v", "v/1", "1", seats, HfhSettings(place=PLACE))
    [area] = room.areas
    assert [(s.code, s.pair) for s in area.rows[0].seats] == [
        ("A/0:1", "1"),
        ("A/0:3", None),
    ]
    assert words.left_of(seats, []).left == {"A": 2}


def test_a_form_is_signed_in_its_order_as_an_outsider_finds():
    form = signed([("userId", "hub"), ("userPass", "p w"), ("cinemaId", "影院")])
    sent, _, digest = form.rpartition("&checkValue=")
    assert sent == "userId=hub&userPass=p+w&cinemaId=%E5%BD%B1%E9%99%A2"
    assert dict(parse_qsl(form))["cinemaId"] == "影院"
    try:
        found = subprocess.run(
            ["openssl", "md5"], input=sent.encode(), capture_output=True, check=True
        )
    except FileNotFoundError:
        pytest.skip("openssl is not there")
    assert found.stdout.decode().split()[-1] == digest
