"""From a cent on a statement to the rule, version and inputs that made it."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from tests.hubs import percent
from tests.servers import environment
from tests.settlement.months import begin_month, closed, end_month, table


@pytest.fixture
def month(hub):
    begin_month(hub)
    performance = hub.on_sale(days=200)
    hub.offer = hub.offer_id("ann", performance["id"])
    order = hub.confirm("ann", hub.hold("ann", [(hub.offer, 3)]))
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    end_month(hub)
    hub.statements = closed(hub)
    return hub


def explained(hub, who, statement, no, expect=200):
    path = f"/v1/statements/{statement['id']}/lines/{no}/explanation"
    return hub.get(who, path, expect)


def test_finance_sees_every_amount_with_its_rule_and_postings(month):
    statement = month.statements["ann"]
    found = explained(month, "finance", statement, 1)
    assert found["is_as_posted"] is True
    named = {(r["side"], r["what"]): r for r in found["reasons"]}
    commission = named["agent", "commission"]
    assert commission["agreed_minor"] == 1_080  # 8 % of 135.00
    assert commission["inputs"]["rate"] == 800
    assert commission["inputs"]["base_minor"] == 13_500
    assert "half-even" in commission["rule"]
    assert commission["terms_version"] == 1
    assert {p["account"] for p in commission["postings"]} == {
        "receivable:agent",
        "expense:commission",
    }
    assert named["supplier", "commission"]["agreed_minor"] == 1_620
    by_reason = [p for r in found["reasons"] for p in r["postings"]]
    assert by_reason == found["postings"]
    versions = {t["id"]: t["clauses"]["commission"] for t in found["terms"]}
    assert versions[commission["terms_id"]]["rate"] == 800
    due = sum(
        p["amount_minor"]
        for p in found["postings"]
        if p["account"] in {"receivable:agent", "payable:agent"}
    )
    assert due == found["line"]["due_minor"]


def test_a_cancellation_says_which_share_came_back_and_from_what(month):
    statement = month.statements["ann"]
    found = explained(month, "finance", statement, 2)
    sale = table(month, "finance", statement)[0]
    assert found["line"]["origin_entry_id"] == sale["entry_id"]
    assert found["share"] == {
        "quantity": 3,
        "cancelled_before": 0,
        "cancelled_after": 1,
    }
    assert found["is_as_posted"] is True


def test_a_partner_sees_its_own_side_and_no_more(month):
    mine = explained(month, "ann", month.statements["ann"], 1)
    assert {r["side"] for r in mine["reasons"]} <= {"", "agent"}
    assert {p["party_id"] for p in mine["postings"]} == {month.ids["ann"]}
    assert len(mine["terms"]) == 1
    assert "1620" not in json.dumps(mine)
    theirs = explained(month, "sup", month.statements["sup"], 1)
    assert {r["side"] for r in theirs["reasons"]} <= {"", "supplier"}
    assert "1080" not in json.dumps(theirs)
    explained(month, "bob", month.statements["ann"], 1, 404)
    explained(month, "ann", month.statements["ann"], 99, 404)


def test_a_memo_is_explained_by_its_detail(month):
    statement = month.statements["ann"]
    wanted = {
        "kind": "credit",
        "corrects": "commission",
        "reason": "rate",
        "note": "by letter",
        "amount_minor": 33,
        "line": 1,
    }
    made = month.post("finance", f"/v1/statements/{statement['id']}/memos", wanted, 201)
    issue = {"decision": "issue"}
    month.post("auditor", f"/v1/memos/{made['id']}/decision", issue, 200)
    ends = datetime.fromisoformat(statement["ends_at"]) + timedelta(days=2)
    month.period = ends.strftime("%Y-%m")
    end_month(month)
    found = explained(month, "ann", closed(month)["ann"], 1)
    assert found["detail"]["origin_period"] == statement["period"]
    assert (found["is_as_posted"], found["reasons"]) == (None, [])
    assert [p["amount_minor"] for p in found["postings"]] == [-33]


def test_a_rate_agreed_later_does_not_change_what_is_explained(month):
    statement = month.statements["ann"]
    before = explained(month, "finance", statement, 1)
    old = {"valid_from": "2010-01-01T00:00:00Z", "valid_until": "2011-01-01T00:00:00Z"}
    month.agree("ann", percent(9_999), **old)
    assert explained(month, "finance", statement, 1) == before


def run(hub, *words):
    command = [sys.executable, "-m", "hub.cli", "settlement", "explain", *words]
    keyed = {
        **os.environ,
        **environment(hub.settings),
        "HUB_API_KEY": hub.keys["finance"],
    }
    return subprocess.run(
        command, env=keyed, capture_output=True, text=True, check=False
    )


def test_the_command_explains_an_entry_on_each_side_it_is_stated(month):
    row = table(month, "finance", month.statements["ann"])[0]
    told = run(month, row["entry_id"])
    assert told.returncode == 0, told.stderr
    assert "agent statement" in told.stdout
    assert "supplier statement" in told.stdout
    assert "agent commission 10.80 EUR by percent of gross, half-even" in told.stdout
    assert told.stdout.count("leg for leg what was posted") == 2
    one = run(month, f"{month.statements['sup']['id']}/1")
    assert one.stdout.count("supplier statement") == 1
    wrong = run(month, "nonsense")
    assert wrong.returncode == 2
    assert "neither an entry's id nor STATEMENT_ID/NUMBER" in wrong.stderr
    unknown = run(month, month.ids["ann"])
    assert unknown.returncode != 0
    assert "it is on no closed statement" in unknown.stderr
