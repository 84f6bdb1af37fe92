"""Running totals over the API: provisional now, folded, previewed, trued up at the end."""

import threading
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


def renew(hub, ref, clauses):
    """Have new terms for the whole contract begin in a minute; wait for them."""
    now = datetime.fromisoformat(hub.get("operator", "/v1/clock")["now"])
    begins = (now + timedelta(minutes=1)).isoformat()
    made = hub.agree(ref, clauses, valid_from=begins)
    hub.move_clock(minutes=2)
    return made


def test_a_minimum_guarantee_is_trued_up_once(month):
    floor = {"minimum_guarantee": {"amount_minor": 50_000}}
    renew(month, "sup", percent(1_200) | floor)
    sell(month, 2)  # the supplier is due 90.00 + 3.00 - 10.80
    month.move_clock(days=32)
    assert preview(month, "sup")["guarantee_minor"] == 50_000 - 8_220
    first = statement(month, "sup")
    assert preview(month, "sup")["guarantee_minor"] == 0
    assert first["totals"]["due_minor"] == 50_000
    assert first["totals"]["other_minor"] == 50_000 - 8_220
    assert statement(month, "sup") == first
    month.assert_lawful()


def test_a_guarantee_that_is_reached_costs_nothing(month):
    floor = {"minimum_guarantee": {"amount_minor": 5_000}}
    renew(month, "sup", percent(1_200) | floor)
    sell(month, 2)
    month.move_clock(days=32)
    assert statement(month, "sup")["totals"]["other_minor"] == 0


def test_an_agents_guarantee_is_owed_to_the_hub(month):
    least = {"minimum_guarantee": {"amount_minor": 20_000}}
    renew(month, "ann", percent(800) | least)
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


def test_bills_do_not_count_towards_a_guarantee(month):
    banner = {"name": "banner", "kind": "advertising", "unit_minor": 5_000}
    floor = {"minimum_guarantee": {"amount_minor": 20_000}, "billables": [banner]}
    renew(month, "sup", percent(0) | floor)
    sell(month, 2)
    month.book("sup", event="bill", name="banner")
    month.move_clock(days=32)
    found = statement(month, "sup")["totals"]
    assert found["due_minor"] == 20_000 - 5_000
    month.assert_lawful()


@pytest.mark.parametrize("collector", ["agent", "hub", "venue"])
def test_a_guarantee_is_the_same_whoever_has_the_money(month, collector):
    least = {"minimum_guarantee": {"amount_minor": 20_000}}
    renew(month, "ann", percent(800) | {"collector": collector} | least)
    floor = {"minimum_guarantee": {"amount_minor": 50_000}}
    renew(month, "sup", percent(1_000) | floor)
    sell(month, 2)
    month.move_clock(days=32)
    month.post("finance", f"/v1/periods/{month.period}/drafts", None)
    with transaction() as session:
        booked = session.execute(
            text(
                "SELECT agent_contract_id IS NOT NULL AS is_agents,"
                " detail->>'amount_minor' AS minor"
                " FROM journal_entry WHERE kind = 'guarantee' ORDER BY 1"
            )
        ).all()
    assert [tuple(row) for row in booked] == [
        (False, str(50_000 - 8_400)),  # 93.00 less 10 % of 90.00
        (True, str(20_000 - 9_300 + 720)),
    ]
    month.assert_lawful()


def test_a_guarantee_is_the_whole_contracts(month):
    path = f"/v1/contracts/{month.ids['sup-contract']}/terms"
    wanted = {
        "valid_from": "2020-01-01T00:00:00Z",
        "scope": {"channel": "online"},
        "clauses": {"minimum_guarantee": {"amount_minor": 5}},
    }
    refused = month.post("operator", path, wanted, 422)
    assert refused["clauses"][0]["clause"] == "minimum_guarantee"


def test_a_total_goes_on_under_a_new_version(month):
    yearly = TIERS | {"period": "year", "shape": "marginal", "measure": "gross"}
    yearly["tiers"] = [{"up_to": 10_000, "rate": 1_000}, {"rate": 500}]
    renew(month, "ann", {"commission": yearly})
    assert sell(month, 2)["lines"][0]["commission_minor"] == 900
    renew(month, "ann", {"commission": yearly})
    # 90.00 are sold: 10.00 are left at 10 %, the other 80.00 earn 5 %.
    assert sell(month, 2)["lines"][0]["commission_minor"] == 100 + 400
    month.move_clock(days=32)
    assert statement(month, "ann")["totals"]["commission_minor"] == 1_400
    month.assert_lawful()


def test_a_true_up_has_the_tax_on_top_and_what_is_withheld(month):
    tax = {"code": "vat", "valid_from": "2020-01-01", "rate": 1_000, "method": "on-top"}
    month.post("finance", "/v1/legal-entities/hub-eu/tax-codes", tax)
    clauses = {
        "commission": TIERS,
        "taxes": {"commission": "vat"},
        "withholding": [{"leg": "commission", "rate": 1_000}],
    }
    month.agree("ann", clauses, scope={"channel": "online"})
    holds = [month.hold("ann", [(month.offer, 2)]) for _ in range(3)]
    assert holds[0]["commission_minor"] == 990  # 9.00 and 10 % on top
    for hold in holds:
        month.confirm("ann", hold)
    assert preview(month)["true_up_minor"] == 5_400 - 2_700
    month.move_clock(days=32)
    totals = statement(month, "ann")["totals"]
    assert totals["commission_minor"] == 5_400 + 540
    assert totals["other_minor"] == 540  # 10 % of 54.00 withheld
    assert preview(month)["true_up_minor"] == 0
    month.assert_lawful()


def test_drafting_twice_at_once_trues_up_once(month):
    month.agree("ann", {"commission": TIERS}, scope={"channel": "online"})
    for hold in [month.hold("ann", [(month.offer, 2)]) for _ in range(3)]:
        month.confirm("ann", hold)
    month.move_clock(days=32)
    path, answers = f"/v1/periods/{month.period}/drafts", []

    def draft():
        headers = {"Authorization": f"Bearer {month.keys['finance']}"}
        said = month.app.test_client().post(path, headers=headers)
        answers.append(said.status_code)

    threads = [threading.Thread(target=draft) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * 4
    with transaction() as session:
        count = text("SELECT count(*) FROM journal_entry WHERE kind = 'true-up'")
        assert session.scalar(count) == 1
    month.assert_lawful()
