"""Running totals over the API: provisional now, folded, previewed, trued up at the end."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from hub.kernel.db import transaction
from settlement.services.folding import fold_totals
from tests.hubs import percent

TIERS = {
    "kind": "tiers",
    "shape": "whole-volume",
    "measure": "tickets",
    "tiers": [{"up_to": 4, "rate": 1_000}, {"rate": 2_000}],
}


@pytest.fixture
def month(hub):
    """A hub on the second of a month, with something to sell for long."""
    now = datetime.fromisoformat(hub.get("operator", "/v1/clock")["now"])
    first = (now.replace(day=1) + timedelta(days=32)).replace(day=2, hour=12)
    hub.call("operator", "PUT", "/v1/clock", {"now": first.isoformat()})
    hub.performance = hub.on_sale(days=300)["id"]
    hub.offer = hub.offer_id("ann", hub.performance)
    hub.period = first.strftime("%Y-%m")
    return hub


def sell(hub, tickets, who="ann"):
    return hub.confirm(who, hub.hold(who, [(hub.offer, tickets)]))


def fold():
    with transaction() as session:
        return fold_totals(session)


def preview(hub, ref="ann", period=None):
    path = f"/v1/contracts/{hub.ids[f'{ref}-contract']}/preview"
    return hub.get("finance", f"{path}?period={period or hub.period}")


def statement(hub, ref):
    """Draft the month and return a partner's statement."""
    hub.post("finance", f"/v1/periods/{hub.period}/drafts", None)
    found = hub.get("finance", f"/v1/statements?period={hub.period}&limit=50")["items"]
    return next(s for s in found if s["partner_id"] == hub.ids[ref])


def test_a_quote_on_a_running_total_is_provisional(month):
    month.agree("ann", {"commission": TIERS}, scope={"channel": "online"})
    first = sell(month, 3)
    assert first["lines"][0]["terms"]["state"] == "provisional"
    assert first["lines"][0]["commission_minor"] == 1_350
    second = month.hold("ann", [(month.offer, 2)])
    # Five tickets: 20 % of all five, less the 10 % of three that were accrued.
    assert second["commission_minor"] == 4_500 - 1_350
    offers = month.areas("ann", month.performance)["floor"]["offers"]
    adult = next(o for o in offers if o["price_type"] == "adult")
    assert adult["commission_minor"] == 450  # one more is the fourth: still 10 %
    assert adult["terms"]["state"] == "provisional"
    month.assert_lawful()


def test_preview_is_fold_plus_tail_whatever_is_folded(month):
    month.agree("ann", {"commission": TIERS}, scope={"channel": "online"})
    order = sell(month, 3)
    tail = preview(month)
    assert tail["tickets"] == 3
    assert tail["state"] == "provisional"
    assert fold() > 0
    assert fold() == 0
    assert preview(month) | {"as_of": ""} == tail | {"as_of": ""}
    month.cancel("ann", order, [order["tickets"][0]["id"]])
    both = preview(month)
    assert both["tickets"] == 2
    fold()
    assert preview(month) | {"as_of": ""} == both | {"as_of": ""}
    month.assert_lawful()
    assert preview(month, "bob")["tickets"] == 0
    assert preview(month, "sup")["state"] == "final"
    assert (
        month.get(
            "finance",
            f"/v1/contracts/{month.ids['sup-contract']}/preview?period=x",
            422,
        )["code"]
        == "unknown-period"
    )


def test_holds_priced_before_others_sold_are_trued_up_at_the_end(month):
    """Three holds priced at once each think they are the first tickets of the month."""
    month.agree("ann", {"commission": TIERS}, scope={"channel": "online"})
    holds = [month.hold("ann", [(month.offer, 2)]) for _ in range(3)]
    assert [hold["commission_minor"] for hold in holds] == [900, 900, 900]
    for hold in holds:
        month.confirm("ann", hold)
    found = preview(month)
    assert found["commission_minor"] == 2_700
    assert found["true_up_minor"] == 5_400 - 2_700  # six tickets: 20 % of 270.00
    month.move_clock(days=32)
    drafted = statement(month, "ann")
    assert drafted["totals"]["commission_minor"] == 5_400
    assert preview(month)["true_up_minor"] == 0
    again = statement(month, "ann")
    assert again == drafted
    lines = month.call("finance", "GET", f"/v1/statements/{drafted['id']}/lines")
    assert lines.get_data(as_text=True).count("true-up") == 1
    assert month.credit("ann")["exposure_minor"] == drafted["totals"]["due_minor"]
    month.assert_lawful()


@pytest.mark.parametrize(
    ("policy", "left"), [("true-up", 1_800), ("frozen-rate", 3_600)]
)
def test_a_refund_returns_the_frozen_rate_or_what_the_total_loses(month, policy, left):
    clauses = {"commission": TIERS, "refund": {"running": policy}}
    month.agree("ann", clauses, scope={"channel": "online"})
    order = sell(month, 6)
    assert order["lines"][0]["commission_minor"] == 5_400
    month.cancel("ann", order, [t["id"] for t in order["tickets"][:2]])
    month.move_clock(days=32)
    # Four of six are left: 10 % of four, or four sixths of the 20 % of six.
    assert statement(month, "ann")["totals"]["commission_minor"] == left
    month.assert_lawful()


def test_a_refund_after_the_month_trues_up_where_it_was_sold(month):
    clauses = {"commission": TIERS, "refund": {"running": "true-up"}}
    month.agree("ann", clauses, scope={"channel": "online"})
    order = sell(month, 6)
    month.move_clock(days=32)
    assert statement(month, "ann")["totals"]["commission_minor"] == 5_400
    month.cancel("ann", order, [t["id"] for t in order["tickets"][:2]])
    following = datetime.fromisoformat(f"{month.period}-01") + timedelta(days=32)
    month.period = following.strftime("%Y-%m")
    month.move_clock(days=32)
    assert statement(month, "ann")["totals"]["commission_minor"] == 1_800 - 5_400
    month.assert_lawful()


def test_a_suppliers_tiers_are_trued_up_too(month):
    month.agree("sup", {"commission": TIERS}, scope={"channel": "online"})
    for hold in [month.hold(who, [(month.offer, 3)]) for who in ("ann", "bob")]:
        month.confirm("ann" if hold["service_fee_minor"] else "bob", hold)
    month.move_clock(days=32)
    assert statement(month, "sup")["totals"]["commission_minor"] == 5_400
    month.assert_lawful()


def test_film_hire_over_the_house_cost_runs_by_week(month):
    hire = {
        "kind": "film-hire",
        "opens_on": "2026-01-02",
        "rates": [5_000],
        "over_rate": 9_000,
        "house_cost_minor": 10_000,
    }
    month.agree("sup", percent(0) | {"distribution": hire}, scope={"channel": "online"})
    sell(month, 4)  # 180.00: the floor of 90.00 is more than 90 % of 80.00
    sell(month, 4)  # 360.00: 90 % of 260.00 is more
    month.move_clock(days=32)
    found = statement(month, "sup")["totals"]
    assert found["other_minor"] == -23_400
    month.assert_lawful()


def test_a_minimum_guarantee_is_trued_up_once(month):
    floor = {"minimum_guarantee": {"amount_minor": 50_000}}
    month.agree("sup", percent(1_200) | floor, scope={"channel": "online"})
    sell(month, 2)  # the supplier is due 90.00 + 3.00 - 10.80
    month.move_clock(days=32)
    first = statement(month, "sup")
    assert first["totals"]["due_minor"] == 50_000
    assert first["totals"]["other_minor"] == 50_000 - 8_220
    assert statement(month, "sup") == first
    month.assert_lawful()


def test_a_guarantee_that_is_reached_costs_nothing(month):
    floor = {"minimum_guarantee": {"amount_minor": 5_000}}
    month.agree("sup", percent(1_200) | floor, scope={"channel": "online"})
    sell(month, 2)
    month.move_clock(days=32)
    assert statement(month, "sup")["totals"]["other_minor"] == 0


def test_an_agents_guarantee_is_owed_to_the_hub(month):
    least = {"minimum_guarantee": {"amount_minor": 20_000}}
    month.agree("ann", percent(800) | least, scope={"channel": "online"})
    sell(month, 2)
    month.move_clock(days=32)
    assert statement(month, "ann")["totals"]["due_minor"] == 20_000
    assert month.credit("ann")["exposure_minor"] == 20_000
    month.assert_lawful()


def test_sales_by_performance_date_are_stated_then(month):
    month.agree(
        "ann", percent(800) | {"basis": "performance-date"}, scope={"channel": "online"}
    )
    sell(month, 2)
    sell(month, 1, "bob")
    assert preview(month)["tickets"] == 0
    assert preview(month, "bob")["tickets"] == 1
    with transaction() as session:
        starts_at = session.scalar(text("SELECT starts_at FROM performance"))
    assert preview(month, period=starts_at.strftime("%Y-%m"))["tickets"] == 2
    month.move_clock(days=32)
    assert statement(month, "ann")["totals"]["tickets"] == 0
    month.assert_lawful()


def test_folding_while_agents_sell_loses_and_doubles_nothing(month):
    """The fold moves deltas in one commit, so every reader sees each of them once."""
    import threading  # noqa: PLC0415 - for this race only

    seen, done = [], threading.Event()

    def watch():
        while not done.is_set():
            fold()
            with transaction() as session:
                seen.append(
                    session.scalar(
                        text(
                            "SELECT sum(tickets) FROM (SELECT tickets, contract_id FROM total"
                            " UNION ALL SELECT tickets, contract_id FROM total_delta) t"
                            " WHERE contract_id = :id"
                        ),
                        {"id": month.ids["ann-contract"]},
                    )
                    or 0
                )

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(25):
        sell(month, 1)
    done.set()
    watcher.join()
    assert seen == sorted(seen)  # never less than before: nothing was missing
    assert max(seen) <= 25
    fold()
    assert preview(month)["tickets"] == 25
    month.assert_lawful()
