"""Periods: cut anywhere they say the same; weeks of cinemas; who has nothing to state."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.kernel.db import transaction
from partners.models import Contract
from settlement.queries.lines import balances_of, lines_of
from settlement.rules.periods import Period, month
from settlement.rules.running import Bucket
from tests.hubs import ZONE, percent
from tests.settlement.months import begin_month, closed, drafted, end_month, table

VIENNA = ZoneInfo(ZONE)


@pytest.fixture
def sold(hub):
    """A month in which time goes on between sales, money and what goes back."""
    begin_month(hub)
    hub.offer = hub.offer_id("ann", hub.on_sale(days=200)["id"])
    for tickets in (1, 2, 3):
        order = hub.confirm("ann", hub.hold("ann", [(hub.offer, tickets)]))
        hub.move_clock(days=3)
        hub.cancel("ann", order, [order["tickets"][0]["id"]])
        hub.book("ann", event="remittance", amount_minor=1_000 * tickets)
        hub.move_clock(hours=7)
    end_month(hub)
    return hub


@pytest.mark.parametrize("who", ["ann", "sup"])
def test_a_period_that_is_cut_says_the_same_in_parts(sold, who):
    """Lines, sums and balances: opening + movements = closing = the next opening."""
    side = "supplier" if who == "sup" else "agent"
    whole = month(sold.period, ZONE)
    with transaction() as session:
        contract = session.get_one(Contract, sold.ids[f"{who}-contract"])
        rows = lines_of(session, contract, side, whole).rows()
        assert len(rows) == 6
        edges = [row.happened_at for row in rows]  # a cut on a line is the next part's
        dice = random.Random(7)  # noqa: S311 - the same cuts each time
        length = (whole.ends_at - whole.starts_at) / timedelta(microseconds=1)
        anywhere = [
            whole.starts_at + timedelta(microseconds=int(dice.random() * length))
            for _ in range(20)
        ]
        for cut in [*edges, *anywhere]:
            parts = (
                Period("first", whole.starts_at, cut),
                Period("second", cut, whole.ends_at),
            )
            found = [lines_of(session, contract, side, part) for part in parts]
            told = [row for lines in found for row in lines.rows()]
            assert [replace(row, no=0) for row in told] == [
                replace(row, no=0) for row in rows
            ]
            sums = lines_of(session, contract, side, whole).totals()
            for name, total in sums.items():
                assert sum(lines.totals()[name] for lines in found) == total
            opening, paid = balances_of(session, contract, side, whole)
            first, second = (
                balances_of(session, contract, side, part) for part in parts
            )
            due = [lines.totals()["due_minor"] for lines in found]
            assert first[0] == opening
            assert first[0] + due[0] - first[1] == second[0]
            assert second[0] + due[1] - second[1] == opening + sum(due) - paid


def weeks_change():
    """Return the last Sunday of an October whose cinema week ends in November."""
    year = datetime.now(UTC).year + 1
    while True:
        last = date(year, 10, 31)
        sunday = last - timedelta(days=(last.weekday() + 1) % 7)
        if sunday.day >= 28:
            return sunday
        year += 1


def at(day, hour, minute=0, second=0):
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=VIENNA)


def test_a_cinema_week_over_two_months_and_a_change_of_clocks_is_one_week(hub):
    """T(6) of the week is T(4) in October and T(6) - T(4) in November."""
    sunday = weeks_change()
    friday, thursday = sunday - timedelta(days=2), sunday + timedelta(days=5)
    tiers = {
        "kind": "tiers",
        "shape": "whole-volume",
        "measure": "tickets",
        "period": "cinema-week",
        "tiers": [{"up_to": 4, "rate": 1_000}, {"rate": 2_000}],
    }
    week = {"starts": "friday", "at": "06:00"}
    hub.agree("ann", {"commission": tiers, "week": week}, scope={"channel": "online"})
    hub.offer = hub.offer_id("ann", hub.on_sale(days=1_700)["id"])
    first = date(sunday.year, 11, 1)
    for moment, tickets in (
        (at(friday, 5, 59, 30), 1),  # the week before
        (at(friday, 6), 2),
        (at(date(sunday.year, 10, 31), 23, 59, 30), 2),
        (at(first, 0), 1),
        (at(thursday, 5, 59, 30), 1),
        (at(thursday, 6), 1),  # the week after
    ):
        hub.call("operator", "PUT", "/v1/clock", {"now": moment.isoformat()})
        hub.confirm("ann", hub.hold("ann", [(hub.offer, tickets)]))
    end_month(hub)
    found = {}
    for period in (f"{sunday.year}-10", f"{sunday.year}-11"):
        hub.period = period
        found[period[-2:]] = closed(hub)["ann"]
    earned = {no: one["totals"]["commission_minor"] for no, one in found.items()}
    assert earned == {"10": 450 + 4 * 450, "11": 6 * 900 - 4 * 450 + 450}
    entries = [r["entry_id"] for s in found.values() for r in table(hub, "ann", s)]
    assert len(entries) == len(set(entries))
    hub.assert_lawful()


@pytest.mark.parametrize("days", [-7, 0, 7])
def test_weeks_are_an_hour_longer_or_shorter_when_clocks_change(days):
    bucket = Bucket("cinema-week", ZONE, starts="friday", at="06:00")
    friday = weeks_change() - timedelta(days=2 + days)
    edge = at(friday, 6).astimezone(UTC)
    after = bucket.key(edge, None, "")
    assert after == f"week:{friday}"
    instant = timedelta(microseconds=1)
    assert bucket.key(edge - instant, None, "") != after
    following = at(friday + timedelta(days=7), 6).astimezone(UTC)
    assert bucket.key(following - instant, None, "") == after
    hours = (following - edge) / timedelta(hours=1)
    assert hours == (169 if days == 0 else 168)


def test_a_partner_without_terms_has_nothing_to_state_and_holds_nobody_up(hub):
    begin_month(hub)
    hub.offer = hub.offer_id("ann", hub.on_sale(days=200)["id"])
    hub.confirm("ann", hub.hold("ann", [(hub.offer, 1)]))
    wanted = {"kind": "agent", "ref": "cy", "name": "Cy", "channel": "online"}
    cy = hub.post("operator", "/v1/partners", wanted)["id"]
    said = {"legal_entity": "hub-eu", "currency": "EUR", "zone": ZONE}
    signed = hub.post("operator", f"/v1/partners/{cy}/contracts", said)
    end_month(hub)
    path = f"/v1/contracts/{signed['id']}/preview?period={hub.period}"
    assert hub.get("finance", path)["due_minor"] == 0
    hub.post("finance", f"/v1/periods/{hub.period}/drafts", None)
    listed = hub.get("finance", f"/v1/statements?period={hub.period}")["items"]
    assert cy not in {one["partner_id"] for one in listed}
    assert {one["state"] for one in closed(hub).values()} == {"closed"}


def test_money_of_a_partner_without_terms_is_stated_all_the_same(hub):
    """What was booked under a contract is owed, whether or not terms hold now."""
    begin_month(hub)
    wanted = {"kind": "agent", "ref": "cy", "name": "Cy", "channel": "online"}
    hub.ids["cy"] = hub.post("operator", "/v1/partners", wanted)["id"]
    said = {"legal_entity": "hub-eu", "currency": "EUR", "zone": ZONE}
    path = hub.of("cy", "contracts")
    hub.ids["cy-contract"] = hub.post("operator", path, said)["id"]
    hub.book("cy", event="chargeback", amount_minor=700)
    end_month(hub)
    hub.post("finance", f"/v1/periods/{hub.period}/drafts", None)
    listed = hub.get("finance", f"/v1/statements?period={hub.period}")["items"]
    (own,) = [one for one in listed if one["partner_id"] == hub.ids["cy"]]
    assert own["totals"]["due_minor"] == 700


@pytest.mark.parametrize("period", ["2026-13", "2026-1", "2026", "2026-11-01", "x"])
def test_only_months_are_periods_so_that_none_overlap(hub, period):
    path = f"/v1/periods/{period}/drafts"
    assert hub.post("finance", path, None, 422)["code"] == "unknown-period"


def test_a_contracts_month_is_drafted_once_however_often(hub):
    begin_month(hub)
    hub.offer = hub.offer_id("ann", hub.on_sale(days=200)["id"])
    hub.agree("bob", percent(900), scope={"channel": "online"})
    hub.confirm("ann", hub.hold("ann", [(hub.offer, 1)]))
    end_month(hub)
    first, second = drafted(hub), drafted(hub)
    assert {w: s["id"] for w, s in first.items()} == {
        w: s["id"] for w, s in second.items()
    }
