"""Credit: reserved at the hold, exposure at confirm, and nothing above the limit."""

import threading
from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from hub.kernel.db import transaction
from hub.sales.services.lapse import lapse_due
from settlement.rules.credit import CreditLine, aged, suggested_limit
from tests.hubs import percent

EACH = 4_500 + 150 + 100 - 360  # what ann owes for an adult ticket on the floor


@pytest.fixture
def offer_id(hub):
    return hub.offer_id("ann", hub.on_sale()["id"])


def line(hub, ref="ann"):
    found = hub.credit(ref)
    return (found["reserved_minor"], found["exposure_minor"], found["free_minor"])


def test_a_hold_reserves_and_a_confirm_turns_it_into_exposure(hub, offer_id):
    assert line(hub) == (0, 0, None)  # no limit is agreed
    hub.limit("ann", 10 * EACH)
    hold = hub.hold("ann", [(offer_id, 3)])
    assert line(hub) == (3 * EACH, 0, 7 * EACH)
    order = hub.confirm("ann", hold)
    assert line(hub) == (0, 3 * EACH, 7 * EACH)
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    assert line(hub) == (0, 2 * EACH, 8 * EACH)
    hub.cancel("ann", order)
    assert line(hub) == (0, 0, 10 * EACH)
    hub.assert_lawful()


def test_holds_stop_at_the_limit_and_resume_when_money_arrives(hub, offer_id):
    hub.limit("ann", 3 * EACH)
    hub.confirm("ann", hub.hold("ann", [(offer_id, 2)]))
    refused = hub.hold("ann", [(offer_id, 2)], expect=409)
    assert refused["code"] == "credit-exhausted"
    assert refused["retry"] == "later"
    assert refused["needed_minor"] == 2 * EACH
    assert refused["free_minor"] == EACH
    assert refused["limit_minor"] == 3 * EACH
    assert refused["exposure_minor"] == 2 * EACH
    assert refused["currency"] == "EUR"
    assert (
        hub.areas("ann", hub.get("ann", "/v1/performances")["items"][0]["id"])["floor"][
            "available"
        ]
        == 148
    )
    hub.book("ann", event="remittance", amount_minor=EACH)
    hold = hub.hold("ann", [(offer_id, 2)])
    assert line(hub) == (2 * EACH, EACH, 0)
    hub.hold("bob", [(offer_id, 2)])  # another agent's credit is its own
    hub.confirm("ann", hold)
    hub.assert_lawful()


def test_a_deposit_counts_before_the_limit_and_can_be_applied(hub, offer_id):
    hub.limit("ann", 0)
    assert hub.hold("ann", [(offer_id, 1)], expect=409)["code"] == "credit-exhausted"
    hub.book("ann", event="deposit", amount_minor=2 * EACH)
    hub.confirm("ann", hub.hold("ann", [(offer_id, 2)]))
    assert hub.hold("ann", [(offer_id, 1)], expect=409)["deposit_minor"] == 2 * EACH
    hub.book("ann", event="deposit-applied", amount_minor=EACH)
    found = hub.credit("ann")
    assert (found["deposit_minor"], found["exposure_minor"]) == (EACH, EACH)
    assert found["free_minor"] == 0
    short = hub.book("ann", 409, event="deposit-returned", amount_minor=EACH + 1)
    assert short["code"] == "deposit-short"
    hub.assert_lawful()


def test_a_buyer_who_has_paid_is_not_refused_for_credit(hub, offer_id):
    hub.limit("ann", 2 * EACH)
    hold = hub.hold("ann", [(offer_id, 2)])
    hub.limit("ann", 0)
    hub.confirm("ann", hold)
    assert line(hub) == (0, 2 * EACH, 0)
    hub.assert_lawful()


def test_what_lapses_or_is_released_is_free_again(hub, offer_id):
    hub.limit("ann", 3 * EACH)
    hold = hub.hold("ann", [(offer_id, 1)])
    hub.hold("ann", [(offer_id, 2)])
    hub.call("ann", "DELETE", f"/v1/holds/{hold['id']}")
    assert line(hub) == (2 * EACH, 0, EACH)
    hub.move_clock(seconds=1_000)
    hub.hold("ann", [(offer_id, 3)])  # no sweeper was needed
    assert line(hub) == (3 * EACH, 0, 0)
    hub.move_clock(seconds=1_000)
    with transaction() as session:
        lapse_due(session)
    assert line(hub) == (0, 0, 3 * EACH)
    hub.assert_lawful()


def test_a_refused_hold_leaves_no_seats_and_no_credit_behind(hub):
    performance = hub.on_sale()
    hub.limit("ann", 8_000)
    seats = hub.offer_id("ann", performance["id"], "stalls")
    hub.hold("ann", [(seats, 2)], expect=409)
    assert line(hub) == (0, 0, 8_000)
    assert hub.areas("ann", performance["id"])["stalls"]["available"] == 30
    hub.assert_lawful()


def test_thresholds_are_told_once_each_on_the_way_up(hub, offer_id):
    hub.limit("ann", 10 * EACH)

    def reached():
        return [a["threshold_bp"] for a in hub.credit("ann")["alerts"]]

    hub.hold("ann", [(offer_id, 4)])
    assert reached() == []
    hub.hold("ann", [(offer_id, 1)])
    assert reached() == [5_000]
    hub.hold("ann", [(offer_id, 1)])
    assert reached() == [5_000]
    hold = hub.hold("ann", [(offer_id, 3)])
    assert reached() == [9_000, 5_000]
    hub.call("ann", "DELETE", f"/v1/holds/{hold['id']}")
    assert hub.credit("ann")["level_bp"] == 5_000
    hub.hold("ann", [(offer_id, 2)])
    assert reached() == [7_500, 9_000, 5_000]
    hub.limit("ann", 8 * EACH)
    assert reached()[0] == 9_000


def test_an_agent_sees_its_own_credit(hub, offer_id):
    hub.limit("ann", 10 * EACH)
    hub.hold("ann", [(offer_id, 1)])
    [own] = hub.get("ann", "/v1/credit")["items"]
    assert own["free_minor"] == 9 * EACH
    [other] = hub.get("bob", "/v1/credit")["items"]
    assert (other["limit_minor"], other["reserved_minor"]) == (None, 0)
    path = f"/v1/contracts/{hub.ids['ann-contract']}/credit"
    hub.get("ann", path, 403)
    hub.get(
        "finance", path.replace(hub.ids["ann-contract"], hub.ids["sup-contract"]), 404
    )
    assert hub.limit("ann", -1, 422)["code"] == "invalid-request"


def rush(hub, offer_id, callers=8, tries=4):
    """Hold one ticket each as fast as can be; return how many were placed."""
    placed, barrier = [], threading.Barrier(callers)

    def hold(caller):
        client, mine = hub.app.test_client(), 0
        barrier.wait()
        for no in range(tries):
            said = client.post(
                "/v1/holds",
                json={"lines": [{"offer_id": offer_id, "quantity": 1}]},
                headers={
                    "Authorization": f"Bearer {hub.keys['ann']}",
                    "Idempotency-Key": f"{caller}-{no}",
                },
            )
            mine += said.status_code == 201
        placed.append(mine)

    threads = [threading.Thread(target=hold, args=(n,)) for n in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(placed)


def test_a_rush_stops_exactly_at_the_limit(hub, offer_id):
    hub.limit("ann", 10 * EACH + 7)
    assert rush(hub, offer_id) == 10
    assert line(hub) == (10 * EACH, 0, 7)
    hub.assert_lawful()


def test_without_the_guard_the_rush_runs_past_it(hub, offer_id, monkeypatch):
    """The control: it is the check under the lock that stops it."""

    monkeypatch.setattr(CreditLine, "free_minor", property(lambda _: None))
    hub.limit("ann", 10 * EACH + 7)
    assert rush(hub, offer_id) == 32


def test_credit_that_does_not_add_up_is_found(hub, offer_id, owner_url):
    hub.confirm("ann", hub.hold("ann", [(offer_id, 1)]))
    with psycopg.connect(owner_url.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE credit SET exposure_minor = exposure_minor - 1")
    from hub.verify import verify  # noqa: PLC0415 - reads the database of this test

    assert "credit is what the journal and the holds say" in {
        fact["law"] for fact in verify().broken
    }


def test_iatas_holding_capacity():
    """Status A: 35 days x the daily average of the three best periods, plus 100 %."""
    months = [(310_000, 31), (280_000, 28), (620_000, 31), (150_000, 30), (900_000, 30)]
    best = (900_000 + 620_000 + 280_000) / (30 + 31 + 28)
    assert suggested_limit(months, days=35) == round(best * 35 * 2)
    assert suggested_limit([], days=35) == 0
    assert suggested_limit([(-500, 30)], days=35) == 0


def test_a_limit_is_suggested_from_whole_months_of_sales(hub):
    performance = hub.on_sale(days=200)
    offer_id = hub.offer_id("ann", performance["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 10)]))
    assert hub.credit("ann")["suggested_limit_minor"] == 0  # the month is not over
    hub.move_clock(days=40)
    with transaction() as session:
        days = session.scalar(
            text(
                "SELECT extract(day FROM date_trunc('month', day) + interval '1 month - 1 day') FROM total_delta LIMIT 1"
            )
        )
    expected = suggested_limit([(10 * EACH, int(days))], days=30 + 14)
    assert hub.credit("ann")["suggested_limit_minor"] == expected


DAY = date(2026, 1, 1)


def test_payments_go_to_the_oldest_debt():
    moves = [
        (DAY, 100),
        (DAY + timedelta(days=40), 200),
        (DAY + timedelta(days=80), 300),
        (DAY + timedelta(days=81), -150),
    ]
    found = aged(moves, as_of=DAY + timedelta(days=90), days=14)
    assert dict(found.owed) == {0: 300, 30: 0, 60: 150, 90: 0, None: 0}
    assert found.total_minor == 450
    assert aged([(DAY, 50), (DAY, -70)], as_of=DAY, days=0).unapplied_minor == 20


@given(
    moves=st.lists(
        st.tuples(st.dates(date(2025, 1, 1), date(2026, 1, 1)), st.integers(-999, 999))
    ),
    days=st.integers(0, 90),
)
def test_ages_sum_to_the_balance(moves, days):
    found = aged(moves, as_of=DAY, days=days)
    assert found.total_minor == sum(minor for _, minor in moves)
    assert all(minor >= 0 for _, minor in found.owed)
    assert found.unapplied_minor == 0 or sum(m for _, m in found.owed) == 0


def test_ageing_over_the_api(hub):
    performance = hub.on_sale(days=200)
    offer_id = hub.offer_id("ann", performance["id"])
    hub.agree(
        "ann", percent(800, 100) | {"payment_days": 20}, scope={"channel": "trade"}
    )
    hub.confirm("ann", hub.hold("ann", [(offer_id, 2)]))
    path = f"/v1/contracts/{hub.ids['ann-contract']}/ageing"
    fresh = hub.get("finance", path)
    assert (fresh["payment_days"], fresh["total_minor"]) == (14, 2 * EACH)
    assert fresh["buckets"][0] == {"overdue_days": 0, "minor": 2 * EACH}
    hub.move_clock(days=50)
    hub.book("ann", event="remittance", amount_minor=EACH)
    old = {b["overdue_days"]: b["minor"] for b in hub.get("finance", path)["buckets"]}
    assert old == {0: 0, 30: 0, 60: EACH, 90: 0, None: 0}


def test_a_line_knows_its_levels():
    def level(used, limit=1_000):
        made = CreditLine(UUID(int=1), "w", "EUR", limit, 0, used, 0)
        return made.level_bp

    levels = [level(n) for n in (0, 499, 500, 750, 900, 2_000)]
    assert levels == [0, 0, 5_000, 7_500, 9_000, 9_000]
    assert level(5, None) == 0
    assert level(0, 0) == 0
    assert level(1, 0) == 9_000
