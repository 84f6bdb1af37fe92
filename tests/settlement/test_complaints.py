"""The five complaints most seen elsewhere, and closing while agents sell."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from hub.kernel.db import snapshot, transaction
from settlement.api import statements as edge
from settlement.queries import broken_laws
from settlement.services.proving import prove
from tests.hubs import ZONE, percent
from tests.settlement.months import (
    begin_month,
    closed,
    drafted,
    end_month,
    lines,
    table,
)


def sell(hub, who="ann", tickets=1):
    return hub.confirm(who, hub.hold(who, [(hub.offer, tickets)]))


def next_month(hub):
    """Let the month that is open now end, and close it."""
    hub.period = hub.get("operator", "/v1/clock")["now"][:7]
    end_month(hub)
    return closed(hub)


@pytest.fixture
def month(hub):
    begin_month(hub)
    hub.offer = hub.offer_id("ann", hub.on_sale(days=300)["id"])
    return hub


def test_the_lines_of_every_statement_sum_to_it_whatever_is_rounded(month):
    """Rounding: a third of a cent in every line, and parts of lines coming back."""
    now = datetime.fromisoformat(month.get("operator", "/v1/clock")["now"])
    later = (now + timedelta(hours=1)).isoformat()
    odd = percent(0) | {"commission": {"kind": "percent", "rate": "1/30"}}
    month.agree("ann", odd, valid_from=later)
    month.move_clock(days=1)
    for tickets in (1, 2, 3, 3):
        order = sell(month, tickets=tickets)
        month.cancel("ann", order, [order["tickets"][0]["id"]])
    end_month(month)
    for who, statement in closed(month).items():
        rows = table(month, "finance", statement)
        for name, total in statement["totals"].items():
            said = len(rows) if name == "lines" else sum(int(r[name]) for r in rows)
            assert said == total, (who, name)
    month.assert_lawful()


def test_a_full_refund_after_close_leaves_nothing_and_no_cent_behind(month):
    order = sell(month, tickets=3)
    end_month(month)
    before = closed(month)
    for ticket in order["tickets"]:
        month.cancel("ann", order, [ticket["id"]])
    after = next_month(month)
    for who in ("ann", "sup"):
        assert after[who]["totals"]["due_minor"] == -before[who]["totals"]["due_minor"]
        assert after[who]["closing_minor"] == 0, who
    month.assert_lawful()


def test_a_statement_run_again_is_byte_for_byte_the_same(month):
    """After later sales, refunds, new terms, memos and another version of the code."""
    order = sell(month, tickets=2)
    end_month(month)
    statement = closed(month)["ann"]
    before = lines(month, "finance", statement)
    sell(month)
    month.cancel("ann", order)
    old = {"valid_from": "2010-01-01T00:00:00Z", "valid_until": "2011-01-01T00:00:00Z"}
    month.agree("ann", percent(9_999), **old)
    wanted = {
        "kind": "debit",
        "corrects": "service-fee",
        "reason": "fee",
        "note": "forgotten",
        "amount_minor": 5,
    }
    made = month.post("finance", f"/v1/statements/{statement['id']}/memos", wanted, 201)
    issue = {"decision": "issue"}
    month.post("auditor", f"/v1/memos/{made['id']}/decision", issue, 200)
    next_month(month)
    drafted(month)
    assert lines(month, "finance", statement) == before
    assert month.get("finance", f"/v1/statements/{statement['id']}") == statement
    with snapshot() as session:
        proofs = list(
            prove(session, world="test", period=statement["period"], zone=ZONE)
        )
    assert [proof for proof in proofs if proof.broken] == []


YEAR = datetime.now(UTC).year + 1
MIDNIGHTS = [
    pytest.param((YEAR, 3, 31, 23, 59, 59), f"{YEAR}-03", id="summer-time-began"),
    pytest.param((YEAR, 10, 31, 23, 59, 59), f"{YEAR}-10", id="summer-time-ended"),
    pytest.param((YEAR, 11, 1, 0, 0, 1), f"{YEAR}-11", id="first-second"),
]


@pytest.mark.parametrize(("at", "period"), MIDNIGHTS)
def test_a_sale_beside_midnight_is_in_one_month_and_counted_once(hub, at, period):
    """Zones: the contract's own clock decides, also on the day it is changed."""
    hub.offer = hub.offer_id("ann", hub.on_sale(days=800)["id"])
    moment = datetime(*at, tzinfo=ZoneInfo(ZONE))
    hub.call("operator", "PUT", "/v1/clock", {"now": moment.isoformat()})
    hold = hub.hold("ann", [(hub.offer, 1)])
    hub.call("operator", "PUT", "/v1/clock", {"now": moment.isoformat()})
    hub.confirm("ann", hold)
    hub.move_clock(days=70)
    found = {}
    for number in (2, 3, 4, 9, 10, 11):
        hub.period = name = f"{YEAR}-{number:02}"
        if moment.strftime("%Y-%m") >= name or name == period:
            found[name] = drafted(hub)["ann"]["totals"]["tickets"]
    assert found[period] == 1
    assert sum(found.values()) == 1


def test_terms_agreed_for_the_past_change_nothing_that_was_sold(month):
    """Retroactive rates: what was quoted is frozen; a correction is a memo."""
    sell(month, tickets=2)
    before = drafted_totals(month)
    now = month.get("operator", "/v1/clock")["now"]
    refused = month.agree("ann", percent(100), valid_from=now, expect=409)
    assert refused["code"] == "terms-overlap"
    old = {"valid_from": "2010-01-01T00:00:00Z", "valid_until": "2011-01-01T00:00:00Z"}
    month.agree("ann", percent(100), **old)
    assert drafted_totals(month) == before
    month.assert_lawful()


def drafted_totals(hub):
    path = f"/v1/contracts/{hub.ids['ann-contract']}/preview?period={hub.period}"
    found = hub.get("finance", path)
    return {name: found[name] for name in ("tickets", "commission_minor", "due_minor")}


def test_closing_while_agents_sell_loses_and_doubles_nothing(month):
    """The month that is closed holds still; what is sold meanwhile is the next's."""
    for _ in range(4):
        sell(month)
    end_month(month)
    halt, sold = threading.Event(), []

    def go_on():
        line = [{"offer_id": month.offer, "quantity": 1}]
        while not halt.is_set():
            hold = month.call(
                "bob", "POST", "/v1/holds", {"lines": line}, key=str(uuid4())
            )
            if hold.status_code == 201:  # else somebody else is at it: ask again
                sold.append(month.confirm("bob", hold.get_json())["id"])

    sellers = [threading.Thread(target=go_on) for _ in range(2)]
    for seller in sellers:
        seller.start()
    try:
        first = closed(month)
    finally:
        halt.set()
        for seller in sellers:
            seller.join()
    assert sold
    second = next_month(month)
    told = [
        row["entry_id"]
        for statements in (first, second)
        for row in table(month, "finance", statements["sup"])
    ]
    assert len(told) == len(set(told)) == 4 + len(sold)
    with transaction() as session:
        entries = session.scalar(text("SELECT count(*) FROM journal_entry"))
    assert entries == len(told)
    for who, statement in second.items():
        assert statement["opening_minor"] == first[who]["closing_minor"]
    month.assert_lawful()


IN_FLIGHT = """
WITH old AS (SELECT * FROM journal_entry WHERE kind = 'sale' LIMIT 1), new AS (
  INSERT INTO journal_entry (id, world, legal_entity, kind, order_id, line_no, sequence,
    tickets, happened_at, supplier_contract_id, agent_contract_id, supplier_amounts,
    agent_amounts)
  SELECT gen_random_uuid(), world, legal_entity, kind, order_id, line_no, 99, tickets,
    happened_at, supplier_contract_id, agent_contract_id, supplier_amounts,
    agent_amounts FROM old RETURNING id)
INSERT INTO posting SELECT new.id, p.no, p.account, p.party_id, p.what, p.currency,
  p.amount_minor FROM new, old, posting p WHERE p.entry_id = old.id
"""
LOST = "every entry of a closed time is in a statement of each side"


@pytest.mark.parametrize("is_fenced", [True, False])
def test_a_sale_in_flight_is_waited_for_and_without_the_fence_is_lost(
    month, monkeypatch, is_fenced
):
    sell(month)
    end_month(month)
    found = drafted(month)["ann"]
    month.review("finance", found["id"])
    month.approve_statement("auditor", found["id"])
    if not is_fenced:
        monkeypatch.setattr(edge, "fence", lambda _: 1)
    answers = []
    closer = threading.Thread(
        target=lambda: answers.append(
            month.call("auditor", "POST", f"/v1/statements/{found['id']}/closing", None)
        )
    )
    with transaction() as session:
        session.execute(text(IN_FLIGHT))
        closer.start()
        closer.join(1.5)
        assert closer.is_alive() is is_fenced
    closer.join()
    (answer,) = answers
    if is_fenced:
        assert answer.get_json()["code"] == "changed-since-review"
        return
    assert answer.status_code == 200
    with snapshot() as session:
        assert LOST in {fact["law"] for fact in broken_laws(session)}
