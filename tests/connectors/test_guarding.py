"""Suppliers that hang, fail or refuse: bounded, left alone for a while, stopped."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from connectors.errors import (
    CredentialsKeyError,
    NoAnswerError,
    NotReachedError,
    SaidNoError,
)
from connectors.rules import breaking
from connectors.rules.breaking import Breaker
from connectors.rules.measuring import BUCKETS, bucket, quantile_ms
from connectors.services import guarding
from connectors.services.guarding import BusyError, Suppliers
from connectors.services.sealing import Sealer, rekey
from connectors.suppliers import xml
from hub.kernel.db import transaction
from tests.hubs import CREDENTIALS_KEY
from tests.simulators.faults import struck
from tests.simulators.hubs import opened, set_up
from tests.simulators.kinds import simulator
from tests.simulators.serving import serving


def ask(suppliers, source_id, performance="0001/1"):
    with suppliers.asking(source_id, "availability") as port:
        return port.availability(performance)


def test_a_breaker_opens_probes_and_closes():
    breaker, now = Breaker(), 0.0
    for _ in range(breaking.FAILURES_MOST):
        assert breaker.waits_s(now) is None
        breaker = breaker.asked(now).failed(now)
    assert (breaker.state, breaker.waits_s(now)) == ("open", breaking.PAUSE_S)
    now += breaking.PAUSE_S
    assert breaker.waits_s(now) is None
    probing = breaker.asked(now)
    assert (probing.state, probing.waits_s(now) is None) == ("half-open", False)
    worse = probing.failed(now)
    assert worse.waits_s(now) == 2 * breaking.PAUSE_S
    assert probing.answered().state == "closed"


@given(st.lists(st.sampled_from(["ok", "fail", "wait"]), max_size=60))
def test_a_breaker_never_waits_for_ever_and_only_after_failures(steps):
    breaker, now, failed = Breaker(), 0.0, 0
    for step in steps:
        if step == "wait":
            now += breaking.PAUSE_MOST_S
        elif breaker.waits_s(now) is None:
            breaker = breaker.asked(now)
            breaker = breaker.answered() if step == "ok" else breaker.failed(now)
            failed = 0 if step == "ok" else failed + 1
        waits = breaker.waits_s(now)
        assert waits is None or (failed >= 5 and waits <= breaking.PAUSE_MOST_S)


@given(st.lists(st.floats(0, 600), min_size=1, max_size=200))
def test_quantiles_of_buckets_are_above_what_they_are_of(seconds):
    buckets = [0] * BUCKETS
    for took in seconds:
        buckets[bucket(took)] += 1
    middle = sorted(seconds)[(len(seconds) - 1) // 2]
    assert min(middle, 524) * 1000 <= quantile_ms(buckets, 50) + 1
    assert quantile_ms(buckets, 50) <= quantile_ms(buckets, 90)
    assert quantile_ms([0] * BUCKETS, 50) is None


def test_a_source_that_does_not_answer_is_left_alone_and_tried_again(hub, monkeypatch):
    monkeypatch.setattr(breaking, "PAUSE_S", 3.0)
    with opened(hub, "vista") as cinemas:
        with struck(cinemas.faults, html_502={}):
            for _ in range(breaking.FAILURES_MOST):
                with pytest.raises(NoAnswerError):
                    ask(cinemas.suppliers, cinemas.source_id)
            asked = len(cinemas.faults.seen)
            with pytest.raises(BusyError):
                ask(cinemas.suppliers, cinemas.source_id)
            assert len(cinemas.faults.seen) == asked
            refused = hub.hold("ann", [(cinemas.offer(), 1)], expect=503)
            assert refused["code"] == "supplier-unavailable"
        time.sleep(3.1)
        assert ask(cinemas.suppliers, cinemas.source_id).left["STAL"] == 40
        assert cinemas.suppliers.state(cinemas.source_id) == "closed"
        assert len(hub.hold("ann", [(cinemas.offer(), 1)])["lines"]) == 1


def test_calls_are_bounded_for_each_source_and_for_all_together(hub, engine):
    first, second = simulator("vista"), simulator("vista")
    for there in (first, second):
        there.faults.delay_s = 60.0
        there.faults.set("delay-before")
    suppliers = Suppliers(Sealer([CREDENTIALS_KEY]), most=5)
    with serving(first.app()) as a, serving(second.app()) as b:
        one = set_up(hub, "vista", a, first, name="a", at_once=3, operation_ms=60_000)
        two = set_up(hub, "vista", b, second, name="b", at_once=3, operation_ms=60_000)
        outcomes = []

        def work(source_id):
            try:
                ask(suppliers, source_id)
                outcomes.append((source_id, "answered"))
            except BusyError:
                outcomes.append((source_id, "busy"))

        with ThreadPoolExecutor(12) as pool:
            for source_id in [one] * 6 + [two] * 6:
                pool.submit(work, source_id)
                time.sleep(0.01)
            while len(outcomes) < 12 - 5:  # the others hang
                time.sleep(0.01)
            for there in (first, second):
                there.faults.let_all_through()
        suppliers.close()
    assert outcomes.count((one, "answered")) == 3
    assert outcomes.count((two, "answered")) == 2  # five in all


def test_the_kill_switch_stops_it_everywhere_within_a_second(hub, monkeypatch):
    with opened(hub, "vista") as cinemas:
        path = f"/v1/sources/{cinemas.source_id}/stop"
        body = {"reason": "it sells twice"}
        assert hub._answer(hub.call("operator", "PUT", path, body), 200)["is_stopped"]
        time.sleep(guarding.KNOWN_S)
        with pytest.raises(BusyError, match="it sells twice"):
            ask(cinemas.suppliers, cinemas.source_id)
        assert hub.hold("ann", [(cinemas.offer(), 1)], expect=503)["retry"] == "later"
        hub._answer(hub.call("operator", "DELETE", path), 200)
        time.sleep(guarding.KNOWN_S)
        assert ask(cinemas.suppliers, cinemas.source_id)


def test_a_signature_that_is_refused_stops_the_source_by_itself(hub):
    with opened(hub, "cmts") as cinemas:
        with struck(cinemas.faults, signature={}), pytest.raises(SaidNoError):
            ask(cinemas.suppliers, cinemas.source_id)
        [told] = hub.get("operator", "/v1/sources")["items"]
        assert told["is_stopped"]
        assert told["stopped_because"].startswith("not-allowed: 2")


def test_time_outs_hold_for_connecting_and_for_all_of_an_answer(hub):
    with opened(hub, "vista", operation_ms=300) as cinemas:
        cinemas.faults.delay_s = 60.0
        with struck(cinemas.faults, delay_before={}), pytest.raises(NoAnswerError):
            ask(cinemas.suppliers, cinemas.source_id)
        assert cinemas.faults.under_way == 1  # it has not been answered to this moment
        cinemas.faults.let_all_through()


def test_a_supplier_that_hangs_does_not_slow_another(hub):
    there, other = simulator("vista"), simulator("vista")
    there.faults.delay_s = 60.0
    there.faults.set("delay-before")
    suppliers = Suppliers(Sealer([CREDENTIALS_KEY]), most=16)
    with serving(there.app()) as a, serving(other.app()) as b:
        slow = set_up(hub, "vista", a, there, name="slow", operation_ms=60_000)
        fast = set_up(hub, "vista", b, other, name="fast", at_once=4)
        hanging = [
            threading.Thread(target=_quietly, args=(suppliers, slow)) for _ in range(4)
        ]
        for thread in hanging:
            thread.start()
        while there.faults.under_way < len(hanging):
            time.sleep(0.01)
        for _ in range(10):
            ask(suppliers, fast)
        is_hanging = there.faults.under_way == len(hanging)
        there.faults.let_all_through()
        for thread in hanging:
            thread.join()
        suppliers.close()
    assert is_hanging


def _quietly(suppliers, source_id):
    try:
        ask(suppliers, source_id)
    except (NoAnswerError, NotReachedError):
        return


def test_credentials_are_sealed_opened_and_sealed_anew(hub, caplog):
    old, new = CREDENTIALS_KEY, Fernet.generate_key().decode()
    with opened(hub, "cmts") as cinemas:
        sealed = text("SELECT credentials FROM source")
        with transaction() as session:
            before = session.scalar(sealed)
        assert cinemas.there.check_key.encode() not in bytes(before)
        with transaction() as session:
            assert rekey(session, Sealer([new, old])) == 1
            after = session.scalar(sealed)
        assert Sealer([new]).open(after)["check_key"] == cinemas.there.check_key
        with pytest.raises(CredentialsKeyError):
            Sealer([old]).open(after)
        with pytest.raises(CredentialsKeyError):
            Sealer([]).seal({})
        assert cinemas.there.check_key not in caplog.text


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><x/>',
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
        "<x><y></x>",
        "<x>" + "\N{REPLACEMENT CHARACTER}" + "</x>",
    ],
)
def test_xml_with_dtds_entities_or_lost_text_is_refused(document):
    with pytest.raises(NoAnswerError):
        xml.parse(document.encode())


def test_text_is_read_by_what_is_declared_then_utf_8_then_gb_18030():
    word = "大光明电影院"  # long enough to be one thing only
    declared = f'<?xml version="1.0" encoding="GB2312"?><x>{word}</x>'.encode("gb18030")
    lying = f'<?xml version="1.0" encoding="UTF-8"?><x>{word}</x>'.encode("gb18030")
    plain = f"<x>{word}</x>".encode()
    for document in (declared, lying, plain):
        assert xml.parse(document).text == word


def test_what_a_kind_cannot_use_is_refused_by_name(hub):
    path = hub.of("sup", "sources")
    place = {"zone": "Europe/Vienna", "country": "AT", "currency": "EUR"}
    good = {
        "name": "a",
        "kind": "vista",
        "url": "http://127.0.0.1:9",
        "settings": {"place": place},
        "credentials": {"client_id": "x"},
    }
    for change, field in (
        ({"settings": {}}, "settings"),
        ({"settings": {"place": place, "tpyo": 1}}, "settings"),
        ({"credentials": {}}, "credentials"),
        ({"url": "ftp://x"}, "url"),
        ({"kind": "nothing"}, "kind"),
    ):
        refused = hub.post("operator", path, {**good, **change}, 422)
        assert field in str(refused)
    made = hub.post("operator", path, good)
    assert hub.post("operator", path, good, 409)["code"] == "source-exists"
    changed = hub._answer(
        hub.call("operator", "PUT", f"/v1/sources/{made['id']}", {"operation_ms": 250}),
        200,
    )
    assert (changed["operation_ms"], changed["every_s"]) == (250, 1_800)
