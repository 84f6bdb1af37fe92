"""A supplier that signs: what is not signed by it is not taken for its word."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree
from sqlalchemy import text

from connectors.errors import NoAnswerError, SaidNoError
from connectors.feed.records import VenueRecord
from connectors.ports import LineWanted, OrderWanted, SeatWanted, Standing
from connectors.suppliers import xml
from connectors.suppliers.otsapi import OtsapiPort, words
from connectors.suppliers.otsapi.signing import checked, signed
from connectors.suppliers.otsapi.words import OtsapiSettings
from connectors.suppliers.settings import read
from connectors.suppliers.soap import Waits, Wire
from hub.kernel.db import transaction
from tests.simulators import dsig
from tests.simulators.faults import struck
from tests.simulators.hubs import opened
from tests.simulators.kinds import credentials, settings, simulator
from tests.simulators.serving import serving


@pytest.fixture
def there():
    return simulator("otsapi")


@pytest.fixture
def port(there):
    wire = Wire(Waits(0.5, 10))
    with serving(there.app()) as url:
        own = credentials("otsapi", there)
        yield OtsapiPort(url + there.base, settings("otsapi"), own, wire)
        wire.close()


def order(codes=("0000000100010000", "0000000100010001")):
    seats = tuple(SeatWanted(code, "A", code[-1]) for code in codes)
    line = LineWanted(1, "STAL", "adult", "", len(seats), 1100, "EUR", seats)
    return OrderWanted("a" * 32, "0001/1", (line,), 900)


def locked(port):
    wanted = order()
    return replace(wanted, theirs=port.lock(wanted).theirs)


def test_a_signature_of_ours_is_good_by_hand():
    key, certificate = dsig.pair("hub")
    document = etree.fromstring("<Q Version='1.0'><A Id='ID_A' B='座'/><!-- c --></Q>")
    made = etree.fromstring(signed(document, "ID_A", key))
    assert dsig.is_signed(made, made[0], certificate)
    made[0].set("B", "位")
    assert not dsig.is_signed(made, made[0], certificate)


def reply(signer="cinema", name="AReply"):
    document = etree.fromstring(
        f"<R Datetime='2026-01-01T00:00:00'><{name} Id='ID_A' Status='Success'/></R>"
    )
    return dsig.signed(document, document[0], dsig.pair(signer)[0])


def text_of(document):
    return etree.tostring(document, encoding="unicode")


def test_a_signature_by_hand_is_good():
    found = checked(text_of(reply()), "AReply", dsig.pair("cinema")[1])
    assert found.get("Status") == "Success"


def changed(document):
    document[0].set("Status", "Failure")
    return document


def unsigned(document):
    document.remove(document[1])
    return document


def wrapped(document):
    """What was signed is there, but not where it is looked for."""
    real = document[0]
    fake = deepcopy(real)
    fake.set("Status", "Failure")
    del fake.attrib["Id"]
    document.replace(real, fake)
    etree.SubElement(document, "Other").append(real)
    return document


def without_a_value(document):
    document[1][1].text = ""
    return document


def by_sha_256(document):
    text = etree.tostring(document).replace(b"rsa-sha1", b"rsa-sha256")
    return etree.fromstring(text)


FORGED = [changed, unsigned, without_a_value, by_sha_256]


@pytest.mark.parametrize("forge", FORGED)
def test_what_was_changed_after_it_was_signed_is_no_answer(forge):
    with pytest.raises(NoAnswerError):
        checked(text_of(forge(reply())), "AReply", dsig.pair("cinema")[1])


def test_what_somebody_else_has_signed_is_no_answer():
    with pytest.raises(NoAnswerError, match="not its own"):
        checked(text_of(reply("somebody")), "AReply", dsig.pair("cinema")[1])


def test_what_was_signed_is_taken_and_not_what_stands_beside_it():
    found = checked(text_of(wrapped(reply())), "AReply", dsig.pair("cinema")[1])
    assert found.get("Status") == "Success"
    with pytest.raises(NoAnswerError, match="is not what was signed"):
        checked(text_of(reply(name="BReply")), "AReply", dsig.pair("cinema")[1])


@pytest.mark.parametrize("forge", FORGED)
def test_a_forged_reply_to_a_sale_is_unknown(there, port, forge):
    wanted = locked(port)
    there.tamper = forge
    with pytest.raises(NoAnswerError):
        port.sell(wanted)
    there.tamper = lambda document: document
    assert port.ask(wanted).standing is Standing.SOLD


def test_a_reply_to_another_question_is_no_answer(there, port):
    """A signed reply that was kept and given again."""
    kept, wanted = [], locked(port)

    def keep(document):
        kept.append(deepcopy(document))
        return document

    there.tamper = keep
    port.sell(wanted)
    port.ask(wanted)
    other = order(("0000000100010002",))
    other = replace(other, theirs=port.lock(other).theirs)
    for asked, old in ((port.sell, kept[0]), (port.ask, kept[1])):
        there.tamper = lambda _, old=old: deepcopy(old)
        with pytest.raises(
            NoAnswerError, match=r"not asked for|something else|other seats"
        ):
            asked(other)


def test_its_clock_says_until_when_it_locks(there, port):
    there.house.lock_s = 600
    until = port.lock(order()).until
    assert abs(until - there.house.now() - timedelta(seconds=600)) < timedelta(
        seconds=2
    )


def test_a_lock_whose_reply_was_lost_cannot_be_let_go(there, port):
    lost = struck(there.faults, drop={"only": {"LockSeat"}})
    with lost, pytest.raises(NoAnswerError):
        port.lock(order())
    for what in (port.release, port.ask, port.sell):
        with pytest.raises(NoAnswerError, match="its key was in a reply that was lost"):
            what(order())


def test_what_is_given_back_twice_is_given_back_once(there, port):
    wanted = locked(port)
    tickets = port.sell(wanted).tickets
    assert len({ticket.code for ticket in tickets}) == 1
    port.cancel(wanted, tickets)
    port.cancel(wanted, tickets)
    assert port.ask(wanted).standing is Standing.CANCELLED
    assert there.faults.calls["RefundTicket"] == 1


def test_prices_below_the_least_are_refused(there, port):
    wanted = locked(port)
    cheap = replace(wanted.lines[0], face_minor=900)
    with pytest.raises(SaidNoError, match="price-changed"):
        port.sell(replace(wanted, lines=(cheap,)))


DOUBLE = """
<Session ScreenCode="1"><Code>7</Code><StartTime>2027-01-05T23:30:00</StartTime>
<PlaythroughFlag>Yes</PlaythroughFlag><Films>
<Film><Code>F2</Code><Name>Second</Name><Duration>90</Duration><Sequence>2</Sequence></Film>
<Film><Code>F1</Code><Name>First</Name><Duration>60</Duration><Sequence>1</Sequence></Film>
</Films><Price><LowestPrice>30.00</LowestPrice><StandardPrice>45.50</StandardPrice></Price>
</Session>"""


def test_two_films_shown_as_one_are_one_performance():
    session = xml.parse(DOUBLE)
    films = words.films_of(session)
    assert [film["Name"] for film in films] == ["First", "Second"]
    assert (words.film_ref(films), words.runtime(films)) == ("F1+F2", 150)
    place = VenueRecord(
        ref="0001",
        version=0,
        name={"en": "Cinema"},
        zone="Asia/Shanghai",
        country="CN",
        city="Beijing",
        business_day_starts="06:00",
    )
    own = read(OtsapiSettings, settings("otsapi"))
    made = words.performance(session, place, {"A": 40}, own)
    assert made.ends_at - made.starts_at == timedelta(minutes=150)
    assert made.starts_at.isoformat() == "2027-01-05T15:30:00+00:00"
    assert made.offers[0].face_minor == 4550


def test_a_session_without_a_film_is_none():
    with pytest.raises(ValueError, match="no film"):
        words.films_of(xml.parse("<Session><Films/></Session>"))


def left(cinemas):
    sale = cinemas.performances()[0]
    told = cinemas.hub.get("ann", f"/v1/performances/{sale['id']}/availability")
    return next(a["available"] for a in told["areas"] if a["area"] == "STAL")


def test_a_lost_lock_keeps_its_seats_from_others_until_it_has_run_out(hub):
    with opened(hub, "otsapi") as cinemas:
        with struck(cinemas.faults, drop={"only": {"LockSeat"}}):
            hub.hold("ann", [(cinemas.offer(), 2)], expect=503)
        assert cinemas.work(0.3) == 1
        assert left(cinemas) == 38  # of forty, two of which nobody is sure
        [part] = cinemas.parts()
        assert part["next_at"] - part["sent_at"] >= timedelta(seconds=900)
        past = "UPDATE supplier_order SET sent_at = sent_at - interval '910 s',"
        past += " next_at = clock_timestamp()"
        with transaction() as session:
            session.execute(text(past))
        assert cinemas.work(0.3) == 1  # a moment before its end it is no case
        assert cinemas.parts()[0]["case_since"] is None
        assert cinemas.faults.calls["ReleaseSeat"] == 0
        cinemas.let_locks_lapse()
        assert cinemas.work() == 0
        assert left(cinemas) == 40
        hub.assert_lawful()
