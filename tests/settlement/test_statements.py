"""Drafting, reviewing and closing a month; closed is closed."""

import csv
import hashlib
import io
import threading
import time
from datetime import datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from hub.kernel import db
from hub.kernel.db import transaction
from settlement.cli.closing import review_period
from settlement.cli.keys import identify
from settlement.errors import ClosingWaitsError, NotDraftedError
from settlement.services.fencing import fence
from tests.hubs import SECRET, percent
from tests.settlement.months import begin_month, closed, drafted, end_month, lines


@pytest.fixture
def sold(hub):
    """A month with two orders, one of them cancelled in part; the month has ended."""
    begin_month(hub)
    performance = hub.on_sale(days=90)
    offer_id = hub.offer_id("ann", performance["id"])
    order = hub.confirm("ann", hub.hold("ann", [(offer_id, 3)]))
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    hub.confirm("bob", hub.hold("bob", [(offer_id, 2)]))
    hub.order, hub.offer = order, offer_id
    return hub


def test_totals_can_be_followed_by_hand(sold):
    end_month(sold)
    found = closed(sold)
    ann, bob, sup = (found[who]["totals"] for who in ("ann", "bob", "sup"))
    assert ann["tickets"] == 2
    assert ann["face_minor"] == 2 * 4_500
    assert ann["booking_fee_minor"] == 2 * 150
    assert ann["service_fee_minor"] == 2 * 100
    assert ann["commission_minor"] == 720  # 8 %
    assert ann["due_minor"] == 9_000 + 300 + 200 - 720
    assert bob["due_minor"] == 9_000 + 300 - 450
    assert sup["commission_minor"] == 2_160  # 12 % of 180.00
    assert sup["due_minor"] == 18_000 + 600 - 2_160
    assert [found[who]["state"] for who in ("ann", "bob", "sup")] == ["closed"] * 3
    assert found["ann"]["number"] is None  # a sandbox draws no numbers
    sold.assert_lawful()


def test_lines_are_csv_and_their_hash_is_on_the_statement(sold):
    end_month(sold)
    statement = closed(sold)["ann"]
    text_ = lines(sold, "ann", statement)
    assert hashlib.sha256(text_.encode()).hexdigest() == statement["lines_sha256"]
    table = list(csv.DictReader(io.StringIO(text_)))
    assert [row["kind"] for row in table] == ["sale", "cancellation"]
    assert (
        sum(int(row["due_minor"]) for row in table) == statement["totals"]["due_minor"]
    )
    assert {row["order_id"] for row in table} == {sold.order["id"]}


def test_a_month_is_closed_only_when_it_has_ended(sold):
    refused = sold.post("finance", f"/v1/periods/{sold.period}/drafts", None, 409)
    assert refused["code"] == "period-open"
    assert refused["retry"] == "later"
    bad = sold.post("finance", "/v1/periods/2026-13/drafts", None, 422)
    assert bad["code"] == "unknown-period"


def test_who_approves_neither_drafted_nor_reviewed(sold):
    end_month(sold)
    path = f"/v1/statements/{drafted(sold)['ann']['id']}"
    early = sold.post("finance", f"{path}/closing", None, 409)
    assert early["code"] == "statement-state"
    stale = sold.post("finance", f"{path}/review", {"lines_sha256": "0" * 64}, 409)
    assert stale["code"] == "changed-since-draft"
    sold.review("finance", path.rpartition("/")[2])
    early = sold.post("auditor", f"{path}/closing", None, 409)
    assert (early["code"], early["wanted"]) == ("statement-state", "approved")
    own = sold.post("finance", f"{path}/approval", None, 409)
    assert (own["code"], own["done_by"]) == ("own-work", "finance")
    approved = sold.post("auditor", f"{path}/approval", None, 200)
    assert (approved["state"], approved["closing_minor"]) == ("approved", None)
    assert sold.post("auditor", f"{path}/closing", None, 200)["state"] == "closed"
    again = sold.post("finance", f"{path}/closing", None, 409)
    assert again["code"] == "statement-state"
    assert sold.review("finance", path.rpartition("/")[2], 409)["code"] == again["code"]


def test_two_keys_of_one_person_are_one_person(sold):
    end_month(sold)
    statement = drafted(sold)["ann"]
    sold.review("finance", statement["id"])
    rotation = f"/v1/credentials/{sold.ids['finance-key']}/rotation"
    second = sold.post("operator", rotation, {"overlap_s": 60})["key"]
    path = f"/v1/statements/{statement['id']}/approval"
    assert sold.post(second, path, None, 409)["code"] == "own-work"
    wanted = {"kind": "finance", "name": "finance"}
    third = sold.post("operator", "/v1/credentials", wanted)["key"]
    assert sold.post(third, path, None, 409)["code"] == "own-work"


def test_partners_see_their_own_once_it_is_closed(sold):
    end_month(sold)
    draft = drafted(sold)["ann"]
    sold.get("ann", f"/v1/statements/{draft['id']}", 404)
    assert sold.get("ann", "/v1/statements")["items"] == []
    found = closed(sold)
    mine = sold.get("ann", "/v1/statements")["items"]
    assert [item["id"] for item in mine] == [found["ann"]["id"]]
    sold.get("ann", f"/v1/statements/{found['bob']['id']}", 404)


def test_a_closed_statement_stays_as_it_is_whatever_comes_later(sold):
    end_month(sold)
    statement = closed(sold)["ann"]
    before = lines(sold, "finance", statement)
    sold.cancel("ann", sold.order)
    old = {"valid_from": "2010-01-01T00:00:00Z", "valid_until": "2011-01-01T00:00:00Z"}
    sold.agree("ann", percent(9_999), **old)
    assert drafted(sold)["ann"]["state"] == "closed"
    assert lines(sold, "finance", statement) == before
    assert sold.get("finance", f"/v1/statements/{statement['id']}") == statement
    sold.period = (
        datetime.fromisoformat(statement["ends_at"]) + timedelta(days=2)
    ).strftime("%Y-%m")
    end_month(sold)
    following = closed(sold)["ann"]
    assert following["totals"]["tickets"] == -2  # the rest of the order came back
    assert following["totals"]["due_minor"] == -statement["totals"]["due_minor"]
    sold.assert_lawful()


def test_a_draft_that_changed_since_its_review_is_not_closed(sold, session):
    end_month(sold)
    path = f"/v1/statements/{drafted(sold)['ann']['id']}"
    sold.review("finance", path.rpartition("/")[2])
    sold.approve_statement("auditor", path.rpartition("/")[2])
    session.execute(text("UPDATE statement SET lines_digest = '\\x00'"))
    session.commit()
    refused = sold.post("finance", f"{path}/closing", None, 409)
    assert refused["code"] == "changed-since-review"


def test_open_ended_terms_end_where_their_successor_begins(sold):
    made = sold.agree("ann", percent(1_000), valid_from="2099-01-01T00:00:00Z")
    assert (made["version"], made["valid_until"]) == (2, None)
    made = sold.agree("ann", percent(1_000), valid_from="2099-06-01T00:00:00Z")
    assert made["version"] == 3
    with transaction() as session:
        query = text(
            "SELECT upper(valid)::date::text FROM terms WHERE contract_id = :id"
            " ORDER BY version"
        )
        ends = session.scalars(query, {"id": sold.ids["ann-contract"]}).all()
    assert ends == ["2099-01-01", "2099-06-01", None]


def test_terms_never_overlap_and_the_edge_belongs_to_the_next(sold):
    path = f"/v1/contracts/{sold.ids['ann-contract']}/terms"
    once = {"valid_from": "2021-01-01T00:00:00Z", "valid_until": "2022-01-01T00:00:00Z"}
    refused = sold.agree("ann", percent(1), expect=409, **once)
    assert refused["code"] == "terms-overlap"
    assert refused["with_version"] == 1
    assert refused["overlaps_from"] == "2021-01-01T00:00:00+00:00"
    assert refused["overlaps_until"] == "2022-01-01T00:00:00+00:00"
    before = {
        "valid_from": "2019-01-01T00:00:00Z",
        "valid_until": "2020-01-01T00:00:00Z",
    }
    assert sold.agree("ann", percent(1), **before)["version"] == 3
    backwards = before | {"valid_until": "2018-01-01T00:00:00Z", "clauses": {}}
    assert sold.post("operator", path, backwards, 422)["field"] == "valid_until"


def test_sales_without_terms_are_refused(hub):
    performance = hub.on_sale()
    hub.post(
        "operator",
        "/v1/partners",
        {"kind": "agent", "ref": "eve", "name": "Eve", "channel": "online"},
    )
    found = hub.get("operator", "/v1/partners")["items"]
    hub.ids["eve"] = next(item["id"] for item in found if item["ref"] == "eve")
    wanted = {"kind": "agent", "partner_id": hub.ids["eve"], "name": "eve"}
    hub.keys["eve"] = hub.post("operator", "/v1/credentials", wanted)["key"]
    agents = [{"agent": ref, "kind": "free-sale"} for ref in ("ann", "bob", "eve")]
    hub.plan({"rules": [{"channel": "online", "kind": "free-sale", "rules": agents}]})
    offer_id = hub.offer_id("ann", performance["id"])
    assert hub.hold("eve", [(offer_id, 1)], expect=409)["code"] == "no-terms"
    assert hub.areas("eve", performance["id"])["floor"]["offers"] == []


IMMUTABLE = [
    "journal_entry",
    "posting",
    "seal_block",
    "statement_line",
    "terms",
    "plan",
    "tax_code",
    "account",
    "credit_change",
    "credit_alert",
    "world",
    "partner",
    "contract",
    "performance",
    "offer",
    "node",
    "seat",
]


@pytest.mark.parametrize("table", IMMUTABLE)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_application_cannot_undo_facts(session, table, statement):
    with pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text(statement.format(table)))


def test_not_even_the_owner_edits_the_journal(sold, owner_url):
    url = owner_url.replace("+psycopg", "")
    for statement in (
        "UPDATE posting SET amount_minor = amount_minor + 1",
        "DELETE FROM journal_entry",
        "UPDATE terms SET clauses = '{}'",
        "UPDATE terms SET decided_at = clock_timestamp()",
        "UPDATE credit_change SET reason = 'other'",
    ):
        with (
            psycopg.connect(url) as connection,
            pytest.raises(psycopg.errors.CheckViolation, match=r"immutable|only end"),
        ):
            connection.execute(statement)


UNBALANCED = """
WITH old AS (SELECT * FROM journal_entry LIMIT 1), new AS (
  INSERT INTO journal_entry (id, world, legal_entity, kind, order_id, line_no, sequence,
    tickets, happened_at, supplier_contract_id, agent_contract_id, supplier_amounts,
    agent_amounts)
  SELECT gen_random_uuid(), world, legal_entity, kind, order_id, line_no, 99, 0,
    happened_at, supplier_contract_id, agent_contract_id, supplier_amounts,
    agent_amounts FROM old RETURNING id)
INSERT INTO posting SELECT new.id, n, 'asset:bank', NULL, 'x', 'EUR', n FROM new,
  generate_series(1, {}) n
"""


def test_an_entry_that_does_not_balance_is_not_committed(sold, session):
    with pytest.raises(DBAPIError, match="does not balance"):
        session.execute(text(UNBALANCED.format(2)))


def test_a_statement_cannot_be_closed_past_its_way(sold, session):
    end_month(sold)
    drafted(sold)
    with pytest.raises(DBAPIError, match="a statement goes draft, reviewed, approved"):
        session.execute(text("UPDATE statement SET state = 'closed'"))


def test_an_entry_without_postings_is_not_committed(sold, session):
    session.execute(text(UNBALANCED.format(0)))
    with pytest.raises(DBAPIError, match="no postings"):
        session.commit()


def test_a_posting_cannot_join_an_older_entry(sold, session):
    late = "INSERT INTO posting SELECT entry_id, 99, account, NULL, what, 'EUR', 0 FROM posting LIMIT 1"
    with pytest.raises(DBAPIError, match="an entry of its own transaction"):
        session.execute(text(late))


def test_the_fence_waits_for_what_is_open_and_says_if_it_cannot(engine):
    with db.SessionFactory() as older:
        opened = int(older.scalar(text("SELECT pg_current_xact_id()::text")))
        with pytest.raises(ClosingWaitsError) as waited:
            fence(transaction, timeout_s=0.2)
        assert waited.value.facts["oldest"] <= opened
    assert fence(transaction) > opened


def test_closing_waits_for_a_sale_that_is_still_being_written(sold):
    end_month(sold)
    statement = drafted(sold)["ann"]
    sold.review("finance", statement["id"])
    sold.approve_statement("auditor", statement["id"])
    is_open, may_end = threading.Event(), threading.Event()

    def sell_slowly():
        with transaction() as session:
            session.execute(text("SELECT pg_current_xact_id()"))
            is_open.set()
            may_end.wait(10)

    seller = threading.Thread(target=sell_slowly)
    seller.start()
    is_open.wait(10)
    began = time.monotonic()
    threading.Timer(0.7, may_end.set).start()
    sold.post("finance", f"/v1/statements/{statement['id']}/closing", None, 200)
    seller.join()
    assert time.monotonic() - began > 0.6


def make_live(owner_url):
    """Turn the sandbox into the live world, which has no clock to move."""
    sockets = owner_url.partition("host=")[2]
    name = owner_url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(f"host={sockets} user=postgres dbname={name}") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE world SET clock_offset = (SELECT clock_offset FROM world"
            " WHERE name = 'test') WHERE name = 'live'"
        )
        tables = connection.execute(
            "SELECT table_name FROM information_schema.columns WHERE column_name ="
            " 'world' AND table_schema = 'public'"
            " AND table_name <> 'change_feed'"  # each world has one of its own
        ).fetchall()
        for (table,) in tables:
            connection.execute(f"UPDATE {table} SET world = 'live'")


def test_live_statements_are_numbered_without_gaps(sold, owner_url):
    end_month(sold)
    make_live(owner_url)
    found = drafted(sold)
    assert {item["number"] for item in found.values()} == {None}
    for statement in found.values():
        sold.review("finance", statement["id"])
        sold.close("auditor", statement["id"], 409)  # draws no number
        sold.approve_statement("auditor", statement["id"])
        sold.close("auditor", statement["id"])
    assert sorted(item["number"] for item in drafted(sold).values()) == [1, 2, 3]
    sold.assert_lawful()


def test_months_are_closed_in_order_so_that_each_opens_with_the_last(sold):
    end_month(sold)
    first = sold.period
    sold.confirm("ann", sold.hold("ann", [(sold.offer, 1)]))
    sold.period = sold.get("operator", "/v1/clock")["now"][:7]
    assert sold.period != first
    end_month(sold)
    later = drafted(sold)["ann"]
    sold.review("finance", later["id"])
    sold.approve_statement("auditor", later["id"])
    early = sold.close("auditor", later["id"], 409)
    assert early["code"] == "earlier-open"
    second, sold.period = sold.period, first
    before = closed(sold)
    sold.period = second
    sold.close("auditor", later["id"])
    closed(sold)
    for who, statement in drafted(sold).items():
        assert statement["opening_minor"] == before[who]["closing_minor"], who
        assert statement["closing_minor"] == (
            statement["opening_minor"] + statement["totals"]["due_minor"]
        ), who
    sold.assert_lawful()


def test_bounded_terms_do_not_cut_open_ended_ones_short(sold):
    bounded = {
        "valid_from": "2099-01-01T00:00:00Z",
        "valid_until": "2099-02-01T00:00:00Z",
    }
    refused = sold.agree("ann", percent(1), expect=409, **bounded)
    assert refused["code"] == "terms-overlap"


def test_what_a_stopped_drafting_has_left_is_not_passed_over(sold, owner_url):
    end_month(sold)
    drafted(sold)
    sockets = owner_url.partition("host=")[2]
    name = owner_url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(f"host={sockets} user=postgres dbname={name}") as connection:
        gone = "DELETE FROM statement WHERE partner_id = %s"
        assert connection.execute(gone, [sold.ids["bob"]]).rowcount == 1
    who = identify(sold.keys["finance"], SECRET)
    with pytest.raises(NotDraftedError) as refused:
        review_period(who, sold.period)
    assert refused.value.facts["contracts"] == 1
    drafted(sold)
    assert len(review_period(who, sold.period)) == 3
