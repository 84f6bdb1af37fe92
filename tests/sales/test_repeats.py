"""Requests, reports, repeats and baskets: what is kept between two calls, and what not."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from hub.kernel import db
from hub.kernel.db import transaction
from hub.kernel.errors import OverloadedError
from hub.kernel.hot import hot_calls
from hub.sales.api import holds
from hub.sales.services.lapse import lapse_due
from tests.hubs import (
    TODAY,
    auditorium,
    offer,
    performance,
    production,
    season,
    venue,
)


def agent(ref, kind="free-sale", **more):
    return {"agent": ref, "kind": kind, **more}


def floor(*agents, **more):
    channel = {"channel": "online", "rules": list(agents)}
    return {"rules": [{"area": "floor", "rules": [channel]}], **more}


BOTH = (agent("ann"), agent("bob"))


def ask(hub, who, lines, *, expect=202, key="ask", **more):
    return hub.post(who, "/v1/holds", {"lines": lines, **more}, expect, key=key)


def accept(hub, asked, expect=200):
    path = f"/v1/requests/{asked['id']}/decision"
    return hub.post("sup", path, {"decision": "accept"}, expect)


# Requests


def test_a_request_is_granted_for_its_buyer(hub):
    caps = [{"of": "buyer", "most": 6}]
    sold = hub.on_sale(floor(agent("ann", mode="on-request"), agent("bob"), caps=caps))
    line = {"offer_id": hub.offer_id("ann", sold["id"]), "quantity": 4}
    ask(hub, "ann", [line], expect=422)
    asked = ask(hub, "ann", [line], buyer="zoe")
    assert accept(hub, asked)["state"] == "held"
    refused = ask(hub, "bob", [line], expect=409, buyer="zoe")
    assert (refused["cap"], refused["taken"]) == ("buyer", 4)
    ask(hub, "bob", [line], expect=201, buyer="kim")
    with transaction() as session:
        kept = session.scalar(
            text("SELECT wanted::text FROM hold WHERE kind='request'")
        )
    assert "zoe" not in kept
    hub.assert_lawful()


def test_a_request_is_granted_with_the_seats_it_asked_for(hub):
    hall = auditorium(rows=1, seats_in_row=6)
    seats = hall["areas"][1]["rows"][0]["seats"]
    seats[2] |= {"kind": "wheelchair"}
    seats[3] |= {"kind": "companion"}
    hub.deliver([venue(), hall, production(), performance(stalls=6)])
    rule = agent("ann", mode="on-request")
    hub.plan({"rules": [{"channel": "online", "rules": [rule, agent("bob")]}]})
    sold = hub.get("ann", "/v1/performances")["items"][0]
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    asked = ask(hub, "ann", [{"offer_id": offer_id, "quantity": 2, "accessible": 1}])
    accept(hub, asked)
    (line,) = hub.get("ann", f"/v1/holds/{asked['id']}")["lines"]
    assert [seat["number"] for seat in line["seats"]] == ["3", "4"]


def test_the_agents_look_to_book_does_not_refuse_the_suppliers_answer(hub):
    holding = {"look_to_book": 1, "looks_free": 1}
    rule = agent("ann", mode="on-request", holding=holding)
    sold = hub.on_sale(floor(rule, agent("bob")))
    line = {"offer_id": hub.offer_id("ann", sold["id"]), "quantity": 1}
    asked = ask(hub, "ann", [line])
    assert ask(hub, "ann", [line], expect=429, key="b")["code"] == "look-to-book"
    assert accept(hub, asked)["state"] == "held"


# Reports


def report(hub, offer_id, reference, expect=201, quantity=4):
    lines = [{"offer_id": offer_id, "quantity": quantity}]
    body = {"lines": lines, "reference": reference}
    return hub.post("ann", "/v1/sales-reports", body, expect, key=reference)


@pytest.fixture
def reporting(hub):
    rule = agent("ann", mode="sell-and-report", ceiling=5)
    return hub.on_sale(floor(rule, agent("bob")), floor=12)


def test_what_was_sold_is_booked_though_the_sale_is_stopped_since(hub, reporting):
    offer_id = hub.offer_id("ann", reporting["id"])
    said = {"severity": "hard", "reason": "fire", "supplier_id": hub.ids["sup"]}
    hub.post("operator", "/v1/stops", said, 201)
    assert report(hub, offer_id, "r1")["state"] == "confirmed"
    hub.deliver([performance(version=2, floor=12, status="cancelled")])
    assert report(hub, offer_id, "r2")["state"] == "confirmed"
    hub.assert_lawful()


def test_a_report_that_was_interrupted_goes_on_hours_later(hub, reporting, monkeypatch):
    offer_id = hub.offer_id("ann", reporting["id"])

    def full(*_):
        raise OverloadedError(waiting=1)

    with monkeypatch.context() as broken:
        broken.setattr(holds, "submit", full)
        assert report(hub, offer_id, "r1", 503)["code"] == "overloaded"
    hub.move_clock(hours=12)
    with transaction() as session:
        assert lapse_due(session) == 0
    assert report(hub, offer_id, "r1")["state"] == "confirmed"
    assert hub.areas("bob", reporting["id"])["floor"]["available"] == 8
    hub.assert_lawful()


def test_an_over_committed_agent_closes_nothing_that_is_not_below_it(hub):
    rule = agent("ann", mode="sell-and-report", ceiling=5)
    channel = {"channel": "online", "rules": [rule, agent("bob")]}
    sold = hub.on_sale({"rules": [channel]}, floor=12)
    offer_id = hub.offer_id("ann", sold["id"])
    report(hub, offer_id, "r1", quantity=6)  # one more than ann may ever have
    hub.hold("bob", [(offer_id, 6)])
    report(hub, offer_id, "r2", quantity=1)  # and now one more than there is
    refused = hub.hold("bob", [(offer_id, 1)], expect=409)
    assert refused["code"] == "overcommitted"
    stalls = hub.offer_id("bob", sold["id"], "stalls")
    hub.hold("bob", [(stalls, 2)])
    hub.assert_lawful()


# Repeats


def test_a_repeat_is_answered_though_it_may_not_look_any_more(hub):
    holding = {"look_to_book": 1, "looks_free": 2}
    sold = hub.on_sale(floor(agent("ann", holding=holding), agent("bob")))
    offer_id = hub.offer_id("ann", sold["id"])
    hub.hold("ann", [(offer_id, 1)])
    last = hub.hold("ann", [(offer_id, 1)], key="last")
    hub.hold("ann", [(offer_id, 1)], expect=429)
    assert hub.hold("ann", [(offer_id, 1)], key="last")["id"] == last["id"]


def test_a_repeated_option_is_answered_though_the_plan_has_none_any_more(hub):
    holding = {"option_most": 50, "option_deadline": {"days_before": 14}}
    sold = hub.on_sale(floor(agent("ann", holding=holding), agent("bob")))
    line = {"offer_id": hub.offer_id("ann", sold["id"]), "quantity": 8}
    until = (TODAY + timedelta(days=5)).isoformat()
    made = ask(hub, "ann", [line], expect=201, option_until=until)
    hub.plan(floor(*BOTH))
    again = ask(hub, "ann", [line], expect=201, option_until=until)
    assert again["id"] == made["id"]
    ask(hub, "ann", [line], expect=422, option_until=until, key="new")


def test_an_option_into_the_past_is_refused(hub):
    holding = {"option_most": 50, "option_deadline": {"days_before": 14}}
    sold = hub.on_sale(floor(agent("ann", holding=holding), agent("bob")))
    line = {"offer_id": hub.offer_id("ann", sold["id"]), "quantity": 8}
    until = (TODAY - timedelta(days=1)).isoformat()
    refused = ask(hub, "ann", [line], expect=422, option_until=until)
    assert (refused["field"], refused["reason"]) == ("option_until", "lies in the past")


# Baskets


def test_r20_a_basket_over_performances_is_all_or_nothing(hub):
    hub.deliver([*season(floor=10), performance(ref="p2", floor=2, days=31)])
    hub.plan()
    listed = hub.get("ann", "/v1/performances")["items"]
    one, two = sorted(listed, key=lambda sold: sold["starts_at"])
    offers = [hub.offer_id("ann", sold["id"]) for sold in (one, two)]
    refused = hub.hold("ann", [(offers[0], 4), (offers[1], 3)], expect=409)
    assert (refused["code"], refused["free"]) == ("allotment-exhausted", 2)
    assert hub.areas("ann", one["id"])["floor"]["available"] == 10
    hub.hold("ann", [(offers[0], 4), (offers[1], 2)])
    assert hub.areas("ann", one["id"])["floor"]["available"] == 6
    hub.assert_lawful()


def test_named_seats_of_a_basket_are_taken_before_the_best_there_are(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    best = hub.hold("ann", [(offer_id, 2)])
    named = [seat["id"] for seat in best["lines"][0]["seats"]]
    hub.call("ann", "DELETE", f"/v1/holds/{best['id']}")
    held = hub.hold("ann", [(offer_id, 2), (offer_id, named[:1])])
    assert [seat["id"] for seat in held["lines"][1]["seats"]] == named[:1]
    assert named[0] not in [seat["id"] for seat in held["lines"][0]["seats"]]
    hub.assert_lawful()


def test_a_seat_named_twice_is_refused(hub):
    sold = hub.on_sale()
    offer_id = hub.offer_id("ann", sold["id"], "stalls")
    seat = hub.get("ann", f"/v1/performances/{sold['id']}/seats")["items"][0]["id"]
    refused = hub.hold("ann", [(offer_id, [seat]), (offer_id, [seat])], expect=422)
    assert refused["reason"] == "a seat is named twice"


# What comes back, and what stays shut


def test_r11_what_is_held_may_be_confirmed_though_there_is_less_now(hub):
    sold = hub.on_sale()
    held = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 5)])
    hub.deliver([performance(version=2, floor=3)])
    refused = hub.hold("bob", [(hub.offer_id("bob", sold["id"]), 1)], expect=409)
    assert (refused["code"], refused["over_by"]) == ("overcommitted", 2)
    hub.confirm("ann", held)
    hub.assert_lawful()


def test_house_seats_are_released_and_sold_after_everything_is(hub):
    sold = hub.on_sale(floor=10)
    offer_id = hub.offer_id("ann", sold["id"])
    path = f"/v1/performances/{sold['id']}/blocks"
    said = {"area": "floor", "kind": "house", "seats": 6, "reason": "guests"}
    made = hub.post("operator", path, said, 201)
    hub.confirm("ann", hub.hold("ann", [(offer_id, 4)]))
    hub.hold("ann", [(offer_id, 1)], expect=409)
    freed = {"seats": 4, "reason": "nobody came"}
    hub.post("operator", f"/v1/blocks/{made['id']}/release", freed, 200)
    hub.hold("ann", [(offer_id, 4)])
    hub.hold("ann", [(offer_id, 1)], expect=409)
    hub.assert_lawful()


def test_a_performance_without_a_plan_is_nobodys(hub):
    hub.deliver(season())
    sold = hub.get("ann", "/v1/performances")["items"][0]
    told = hub.areas("ann", sold["id"])["floor"]
    assert (told["available"], told["nothing_because"]) == (0, "not-allotted")
    refused = hub.hold("ann", [(told["offers"][0]["offer_id"], 1)], expect=409)
    assert refused["code"] == "not-allotted"


def test_r1_an_exclusive_quota_of_nothing_is_nothing(hub):
    sold = hub.on_sale(
        floor(agent("ann", "fixed", seats=0, is_exclusive=True), agent("bob"))
    )
    walk = hub.areas("ann", sold["id"])["floor"]["walk"][0]
    assert (walk["guarantee"], walk["ceiling"]) == (0, 0)
    offer_id = hub.offer_id("ann", sold["id"])
    refused = hub.hold("ann", [(offer_id, 1)], expect=409)
    assert (refused["code"], refused["bound_by"]) == ("allotment-exhausted", "agent")


def test_protection_of_an_area_without_seats_protects_nothing(hub):
    classes = [
        {
            "price_type": "adult",
            "price_minor": 4_500,
            "demand_mean": 60,
            "demand_sd": 9,
        },
        {
            "price_type": "child",
            "price_minor": 2_250,
            "demand_mean": 90,
            "demand_sd": 9,
        },
    ]
    protection = [{"area": "floor", "classes": classes}]
    sold = hub.on_sale(floor(*BOTH, protection=protection))
    hub.deliver([performance(version=2, floor=0)])
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 0
    stalls = hub.areas("ann", sold["id"])["stalls"]["offers"][0]["offer_id"]
    assert hub.hold("ann", [(stalls, 1)], expect=409)["code"] == "not-allotted"


# What reading does


def test_reading_availability_writes_nothing(hub):
    sold = hub.on_sale(offers=[offer(), offer("stalls", face_minor=8_000)])
    hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    count = text(
        "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables"
    )

    def written():
        with transaction() as session:
            session.execute(text("SELECT pg_stat_force_next_flush()"))
        with transaction() as session:
            session.execute(text("SELECT pg_stat_clear_snapshot()"))
            return session.scalar(count)

    before = written()
    for who in ("ann", "bob"):  # bob has no leaf yet, and reading makes him none
        hub.areas(who, sold["id"])
        hub.get(who, f"/v1/performances/{sold['id']}/explanation")
        hub.get(who, f"/v1/performances/{sold['id']}/seats")
    assert written() == before


def test_every_path_reads_what_is_committed(hub):
    """A snapshot of before the lock would sell the last seat twice."""
    show = "SHOW transaction_isolation"
    for opened in (transaction, db.hot_transaction):
        with opened() as session:
            assert session.scalar(text(show)) == "read committed"
    with hot_calls() as calls:
        said = calls.begin("SELECT current_setting('transaction_isolation')")
        assert said == "read committed"
