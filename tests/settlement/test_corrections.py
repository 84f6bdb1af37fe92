"""After the closing: payment, disputes, memos, refunds that come late; bad input."""

from datetime import datetime, timedelta

import pytest

from tests.hubs import percent
from tests.settlement.months import (
    begin_month,
    closed,
    drafted,
    end_month,
    pay,
    table,
)


@pytest.fixture
def month(hub):
    """A closed month: two orders by ann, one by bob."""
    begin_month(hub)
    performance = hub.on_sale(days=200)
    hub.offer = hub.offer_id("ann", performance["id"])
    hub.orders = [
        hub.confirm("ann", hub.hold("ann", [(hub.offer, count)])) for count in (2, 1)
    ]
    hub.confirm("bob", hub.hold("bob", [(hub.offer, 1)]))
    end_month(hub)
    hub.statements = closed(hub)
    return hub


def memo(**more):
    return {
        "kind": "credit",
        "corrects": "commission",
        "reason": "rate",
        "note": "it was agreed at 10 %, by letter",
        "amount_minor": 90,
        **more,
    }


def propose(hub, statement, expect=201, who="finance", **more):
    path = f"/v1/statements/{statement['id']}/memos"
    return hub.post(who, path, memo(**more), expect)


def decide(hub, found, expect=200, who="auditor", decision="issue"):
    path = f"/v1/memos/{found['id']}/decision"
    return hub.post(who, path, {"decision": decision}, expect)


def next_month(hub):
    """Go on to the month after, and close it; return its statements."""
    ends = datetime.fromisoformat(hub.statements["ann"]["ends_at"])
    hub.period = ends.strftime("%Y-%m")
    if ends.day > 27:  # the contract's midnight is an evening in UTC
        hub.period = hub.get("operator", "/v1/clock")["now"][:7]
    end_month(hub)
    return closed(hub)


def test_a_statement_is_paid_by_somebody_else_and_once(month):
    statement = month.statements["ann"]
    due = statement["totals"]["due_minor"]
    assert pay(month, "auditor", statement, due, 409)["code"] == "own-work"
    short = pay(month, "finance", statement, due - 1, 409)
    assert (short["code"], short["payable_minor"]) == ("other-amount", due)
    paid = pay(month, "finance", statement, due)
    assert (paid["state"], paid["closing_minor"]) == ("paid", due)
    assert pay(month, "finance", statement, due, 409)["code"] == "statement-state"
    following = next_month(month)["ann"]
    assert following["opening_minor"] == due
    assert (following["payments_minor"], following["closing_minor"]) == (due, 0)
    month.assert_lawful()


def test_what_is_due_to_a_supplier_is_handed_to_the_bank(month):
    statement = month.statements["sup"]
    due = statement["totals"]["due_minor"]
    pay(month, "finance", statement, due)
    path = f"/v1/contracts/{month.ids['sup-contract']}/balances"
    found = {
        i["account"]: i["balance_minor"] for i in month.get("finance", path)["items"]
    }
    assert found["payable:supplier"] == 0
    month.assert_lawful()


def test_a_disputed_line_is_not_payable_and_the_rest_is(month):
    statement = month.statements["ann"]
    rows = table(month, "ann", statement)
    path = f"/v1/statements/{statement['id']}/disputes"
    said = {"line": 2, "reason": "the customer never got the ticket"}
    opened = month.post("ann", path, said, 201)
    assert opened["state"] == "open"
    assert month.post("ann", path, said, 409)["code"] == "disputed"
    month.post("ann", path, said | {"line": 99}, 404)
    month.post("bob", path, said, 404)
    rest = int(rows[0]["due_minor"])
    assert month.get("ann", path)["payable_minor"] == rest
    whole = statement["totals"]["due_minor"]
    assert pay(month, "finance", statement, whole, 409)["payable_minor"] == rest
    part = pay(month, "finance", statement, rest)
    assert (part["state"], part["paid_minor"]) == ("closed", rest)
    late = month.post("ann", path, {"line": 1, "reason": "that too"}, 409)
    assert (late["code"], late["state"]) == ("statement-state", "paid in part")
    decision = f"/v1/disputes/{opened['id']}/decision"
    amount = int(rows[1]["due_minor"])
    upheld = month.post(
        "finance",
        decision,
        {
            "decision": "it was not delivered",
            "memo": memo(corrects="other", reason="dispute", amount_minor=amount),
        },
        200,
    )
    assert upheld["state"] == "upheld"
    again = month.post("finance", decision, {"decision": "no"}, 409)
    assert again["code"] == "statement-state"
    assert month.get("ann", path)["payable_minor"] == 0  # until the memo is issued
    decide(month, {"id": upheld["memo_id"]})
    assert pay(month, "finance", statement, 0)["state"] == "paid"
    following = next_month(month)["ann"]
    assert following["closing_minor"] == 0  # the rest was paid, the line is forgiven
    (line,) = table(month, "ann", following)
    assert line["origin_entry_id"] == rows[1]["entry_id"]
    assert following["totals"]["due_minor"] == -amount
    assert pay(month, "finance", following, 0)["state"] == "paid"  # it was withheld
    month.assert_lawful()


def test_a_memo_that_is_rejected_leaves_its_line_disputed(month):
    statement = month.statements["ann"]
    path = f"/v1/statements/{statement['id']}/disputes"
    opened = month.post("ann", path, {"line": 1, "reason": "twice"}, 201)
    said = {"decision": "it is so", "memo": memo(corrects="other", reason="dispute")}
    decision = f"/v1/disputes/{opened['id']}/decision"
    upheld = month.post("finance", decision, said, 200)
    decide(month, {"id": upheld["memo_id"]}, decision="reject")
    (now,) = month.get("ann", path)["items"]
    assert (now["state"], now["memo_id"]) == ("open", None)
    rest = month.get("ann", path)["payable_minor"]
    pay(month, "finance", statement, rest)
    month.post("finance", decision, {"decision": "it is as agreed"}, 200)
    left = month.get("ann", path)["payable_minor"]
    assert rest + left == statement["totals"]["due_minor"]
    paid = pay(month, "finance", statement, left, reference="bank-2")
    assert paid["state"] == "paid"
    month.assert_lawful()


def test_disputing_what_lowers_the_sum_does_not_raise_it(month):
    month.cancel("ann", month.orders[0])
    following = next_month(month)["ann"]
    path = f"/v1/statements/{following['id']}/disputes"
    assert following["totals"]["due_minor"] < 0
    month.post("ann", path, {"line": 1, "reason": "why"}, 201)
    assert month.get("ann", path)["payable_minor"] == 0


def test_what_was_paid_in_advance_is_not_paid_again(month):
    statement = month.statements["sup"]
    due = statement["totals"]["due_minor"]
    advance = {"event": "payout", "amount_minor": 1_000}
    path = f"/v1/contracts/{month.ids['sup-contract']}/movements"
    month.post("finance", path, {"reference": "early", "event": advance}, 201)
    asked = pay(month, "finance", statement, due, 409)
    assert asked["payable_minor"] == due - 1_000
    assert pay(month, "finance", statement, due - 1_000)["state"] == "paid"
    found = balances(month, "sup")
    assert found["payable:supplier"] == 0


def balances(hub, ref):
    path = f"/v1/contracts/{hub.ids[f'{ref}-contract']}/balances"
    return {i["account"]: i["balance_minor"] for i in hub.get("finance", path)["items"]}


def test_what_an_agent_owes_and_is_owed_is_netted_when_it_pays(hub):
    begin_month(hub)
    now = datetime.fromisoformat(hub.get("operator", "/v1/clock")["now"])
    gross = percent(1_000) | {"remit": "gross"}
    hub.agree("ann", gross, valid_from=(now + timedelta(hours=1)).isoformat())
    hub.move_clock(hours=2)
    offer = hub.offer_id("ann", hub.on_sale(days=200)["id"])
    hub.confirm("ann", hub.hold("ann", [(offer, 2)]))
    before = balances(hub, "ann")
    assert before["payable:agent"] == -900
    end_month(hub)
    statement = closed(hub)["ann"]
    due = statement["totals"]["due_minor"]
    assert due == before["receivable:agent"] - 900
    pay(hub, "finance", statement, due)
    after = balances(hub, "ann")
    assert (after["receivable:agent"], after["payable:agent"]) == (0, 0)
    hub.assert_lawful()


def test_a_rejected_dispute_leaves_the_line_due(month):
    statement = month.statements["sup"]
    path = f"/v1/statements/{statement['id']}/disputes"
    opened = month.post("sup", path, {"line": 1, "reason": "too little"}, 201)
    said = {"decision": "it is as agreed"}
    found = month.post("finance", f"/v1/disputes/{opened['id']}/decision", said, 200)
    assert (found["state"], found["memo_id"]) == ("rejected", None)
    due = statement["totals"]["due_minor"]
    assert month.get("sup", path)["payable_minor"] == due


def test_a_memo_is_a_line_of_the_month_it_is_issued_in_and_names_its_origin(month):
    statement = month.statements["ann"]
    rows = table(month, "finance", statement)
    early = drafted(month)["ann"]
    assert early["totals"] == statement["totals"]
    proposed = propose(month, statement, line=1)
    assert (proposed["state"], proposed["entry_id"]) == ("proposed", None)
    assert month.get("ann", f"/v1/statements/{statement['id']}/memos")["items"] == []
    assert decide(month, proposed, 409, who="finance")["code"] == "own-work"
    issued = decide(month, proposed)
    assert (issued["state"], issued["number"]) == ("issued", None)  # a sandbox
    assert decide(month, proposed, 409)["code"] == "statement-state"
    (shown,) = month.get("ann", f"/v1/statements/{statement['id']}/memos")["items"]
    assert shown["id"] == issued["id"]
    first = statement["period"]
    following = next_month(month)["ann"]
    (line,) = table(month, "ann", following)
    assert (line["kind"], line["origin_period"]) == ("memo", first)
    assert line["origin_entry_id"] == rows[0]["entry_id"]
    assert (line["commission_minor"], line["due_minor"]) == ("90", "-90")
    assert month.get("finance", f"/v1/statements/{statement['id']}") == statement
    month.assert_lawful()


def test_a_rejected_memo_moves_nothing(month):
    proposed = propose(month, month.statements["sup"], kind="debit", tax_minor=15)
    assert decide(month, proposed, decision="reject")["state"] == "rejected"
    assert next_month(month)["sup"]["totals"]["lines"] == 0


SIDES = [
    ("ann", "debit", "commission", {"commission_minor": -120, "due_minor": 120}),
    ("ann", "debit", "service-fee", {"service_fee_minor": 120, "due_minor": 120}),
    ("sup", "debit", "commission", {"commission_minor": 120, "due_minor": -120}),
    ("sup", "credit", "commission", {"commission_minor": -120, "due_minor": 120}),
    ("sup", "credit", "other", {"other_minor": 120, "due_minor": 120}),
]


@pytest.mark.parametrize(("who", "kind", "corrects", "shown"), SIDES)
def test_a_memo_corrects_the_column_that_was_wrong(month, who, kind, corrects, shown):
    wanted = {"kind": kind, "corrects": corrects, "amount_minor": 120, "tax_minor": 20}
    decide(month, propose(month, month.statements[who], **wanted))
    (line,) = table(month, "finance", next_month(month)[who])
    for name in ("commission_minor", "service_fee_minor", "other_minor", "due_minor"):
        assert int(line[name]) == shown.get(name, 0), name
    month.assert_lawful()


def test_a_memo_outside_what_the_terms_allow_is_refused(month):
    statement = month.statements["ann"]
    now = datetime.fromisoformat(month.get("operator", "/v1/clock")["now"])
    starts = (now + timedelta(hours=1)).isoformat()
    clauses = percent(800) | {
        "memos": {"window_days": 60, "floor_minor": 50, "reasons": ["rate"]}
    }
    month.agree("ann", clauses, valid_from=starts)
    month.move_clock(hours=2)
    other = propose(month, statement, 422, reason="tax")
    assert (other["code"], other["agreed"]) == ("memo-reason", ["rate"])
    little = propose(month, statement, 409, amount_minor=49)
    assert (little["code"], little["floor_minor"]) == ("memo-floor", 50)
    assert propose(month, statement, 422, tax_minor=91)["field"] == "tax_minor"
    propose(month, statement, 404, line=77)
    propose(month, statement, amount_minor=50)
    month.move_clock(days=60)
    late = propose(month, statement, 409)
    assert (late["code"], late["period"]) == ("memo-window", statement["period"])


def test_a_memo_needs_a_closed_statement(hub):
    begin_month(hub)
    performance = hub.on_sale(days=90)
    hub.confirm("ann", hub.hold("ann", [(hub.offer_id("ann", performance["id"]), 1)]))
    end_month(hub)
    statement = drafted(hub)["ann"]
    assert propose(hub, statement, 409)["code"] == "statement-state"
    path = f"/v1/statements/{statement['id']}"
    early = hub.post("finance", f"{path}/disputes", {"line": 1, "reason": "x"}, 409)
    assert early["code"] == "statement-state"
    assert pay(hub, "finance", statement, 1, 409)["code"] == "statement-state"


def test_a_refund_after_close_is_a_line_of_its_own_month_that_names_its_sale(month):
    statement = month.statements["ann"]
    sale = table(month, "ann", statement)[0]
    month.cancel("ann", month.orders[0])
    following = next_month(month)
    (line,) = table(month, "ann", following["ann"])
    assert line["kind"] == "cancellation"
    assert line["origin_entry_id"] == sale["entry_id"]
    assert line["origin_period"] == statement["period"]
    assert int(line["due_minor"]) == -int(sale["due_minor"])
    assert month.get("finance", f"/v1/statements/{statement['id']}") == statement
    month.assert_lawful()


def test_before_it_is_closed_a_statement_can_be_opened_again_and_not_after(hub):
    begin_month(hub)
    performance = hub.on_sale(days=90)
    hub.confirm("ann", hub.hold("ann", [(hub.offer_id("ann", performance["id"]), 1)]))
    end_month(hub)
    statement = drafted(hub)["ann"]
    path = f"/v1/statements/{statement['id']}"
    assert hub.post("finance", f"{path}/reopening", None, 409)["state"] == "draft"
    approvals = []
    for _ in range(2):
        hub.review("finance", statement["id"])
        approvals.append(hub.approve_statement("auditor", statement["id"]))
        opened = hub.post("auditor", f"{path}/reopening", None, 200)
        assert (opened["state"], opened["approval_id"]) == ("draft", None)
    assert approvals[0]["approval_id"] != approvals[1]["approval_id"]
    closed(hub)
    late = hub.post("auditor", f"{path}/reopening", None, 409)
    assert (late["code"], late["state"]) == ("statement-state", "closed")
