"""Agreeing terms over the API: two people, no overlap, the most specific wins."""

import threading

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from hub.kernel.db import transaction
from tests.hubs import percent

FOREVER = {"valid_from": "2020-01-01T00:00:00Z"}


def propose(hub, clauses, who="operator", ref="ann", expect=201, **more):
    path = f"/v1/contracts/{hub.ids[f'{ref}-contract']}/terms"
    return hub.post(who, path, FOREVER | more | {"clauses": clauses}, expect)


def test_one_proposes_and_another_approves(hub):
    made = propose(hub, percent(500), scope={"channel": "online"})
    assert made["state"] == "proposed"
    assert made["warnings"] == []
    decision = f"/v1/terms/{made['id']}/decision"
    refused = hub.post("operator", decision, {"decision": "approve"}, 409)
    assert refused["code"] == "own-work"
    approved = hub.approve("finance", made["id"])
    assert approved["state"] == "approved"
    assert approved["decided_by"] == hub.ids["finance-key"]
    assert hub.get("finance", f"/v1/terms/{made['id']}") == approved
    again = hub.post("auditor", decision, {"decision": "reject"}, 409)
    assert again["code"] == "terms-state"
    listed = hub.get("operator", f"/v1/contracts/{hub.ids['ann-contract']}/terms")
    assert [item["version"] for item in listed["items"]] == [1, 2]
    hub.assert_lawful()


def test_what_is_only_proposed_or_rejected_does_not_hold(hub):
    offer_id = hub.offer_id("ann", hub.on_sale()["id"])
    proposed = propose(hub, percent(9_000), scope={"price_type": "adult"})
    assert hub.hold("ann", [(offer_id, 1)])["commission_minor"] == 360
    path = f"/v1/terms/{proposed['id']}/decision"
    hub.post("finance", path, {"decision": "reject"}, 200)
    assert hub.hold("ann", [(offer_id, 1)])["commission_minor"] == 360


def test_the_database_keeps_maker_and_checker_apart(hub, session):
    made = propose(hub, percent(1), scope={"channel": "online"})
    forged = text(
        "UPDATE terms SET state = 'approved', decided_by = created_by,"
        " decided_at = clock_timestamp() WHERE id = :id"
    )
    with pytest.raises(DBAPIError, match="two people"):
        session.execute(forged, {"id": made["id"]})


def test_the_database_keeps_approved_terms_apart(hub, session):
    made = propose(hub, percent(1))
    forged = text(
        "UPDATE terms SET state = 'approved', decided_by = (SELECT id FROM credential"
        " WHERE name = 'finance'), decided_at = clock_timestamp() WHERE id = :id"
    )
    with pytest.raises(DBAPIError, match="ex_terms_valid"):
        session.execute(forged, {"id": made["id"]})


def approve_at_once(hub, ids):
    answers = []

    def approve(terms_id):
        path = f"/v1/terms/{terms_id}/decision"
        client = hub.app.test_client()
        headers = {"Authorization": f"Bearer {hub.keys['finance']}"}
        said = client.post(path, json={"decision": "approve"}, headers=headers)
        answers.append(said.status_code)

    threads = [threading.Thread(target=approve, args=(i,)) for i in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers)


def test_of_overlapping_terms_approved_at_once_one_holds(hub):
    scope = {"scope": {"channel": "online"}, "valid_until": "2099-01-01T00:00:00Z"}
    ids = [propose(hub, percent(n), **scope)["id"] for n in range(1, 6)]
    assert approve_at_once(hub, ids) == [200, 409, 409, 409, 409]


def test_without_the_guard_all_of_them_would(hub, owner_url):
    """The control: what keeps them apart is the database's constraint."""
    import psycopg  # noqa: PLC0415 - for this control only

    with psycopg.connect(owner_url.replace("+psycopg", "")) as connection:
        connection.execute("ALTER TABLE terms DROP CONSTRAINT ex_terms_valid")
    scope = {"scope": {"channel": "online"}, "valid_until": "2099-01-01T00:00:00Z"}
    ids = [propose(hub, percent(n), **scope)["id"] for n in range(1, 6)]
    assert approve_at_once(hub, ids) == [200] * 5


def test_a_sale_takes_the_most_specific_terms_of_both_sides(hub):
    performance = hub.on_sale()
    hub.agree("ann", percent(1_000), scope={"supplier": hub.ids["sup"]})
    hub.agree("ann", percent(1_500), scope={"performance": performance["id"]})
    hub.agree(
        "ann", percent(2_000), scope={"performance": performance["id"], "area": "floor"}
    )
    hub.agree("sup", percent(3_000), scope={"channel": "online", "price_type": "child"})
    adult = hub.offer_id("ann", performance["id"])
    seat = hub.offer_id("ann", performance["id"], "stalls")
    child = hub.offer_id("ann", performance["id"], price_type="child")
    found = hub.hold("ann", [(adult, 1), (seat, 1), (child, 1)])
    assert [line["commission_minor"] for line in found["lines"]] == [900, 1_200, 450]
    order = hub.confirm("ann", found)
    with transaction() as session:
        query = text(
            "SELECT a->>'minor' FROM order_line, jsonb_array_elements(quote->'amounts') a"
            " WHERE order_id = :id AND a->>'what' = 'commission'"
            " AND a->>'side' = 'supplier' ORDER BY no"
        )
        earned = session.scalars(query, {"id": order["id"]}).all()
    assert earned == ["540", "960", "675"]
    offers = hub.areas("ann", performance["id"])["floor"]["offers"]
    assert {o["price_type"]: o["commission_minor"] for o in offers} == {
        "adult": 900,
        "child": 450,
    }
    hub.assert_lawful()


def test_terms_that_contradict_themselves_are_refused_when_written(hub):
    wrong = {"commission": {"kind": "percent", "rate": 8.5}}
    refused = propose(hub, wrong, expect=422)
    assert refused["code"] == "terms-refused"
    assert refused["clauses"][0]["clause"] == "commission.rate"
    both = {"capacity": "principal", "taxes": {"commission": "vat"}}
    refused = propose(hub, both, expect=422)
    assert {wrong["clause"] for wrong in refused["clauses"]} == {
        "capacity",
        "taxes.commission",
    }
    assert propose(hub, {}, expect=422, scope={"town": "x"})["code"] == "terms-refused"


def test_what_is_worth_a_second_look_is_said(hub):
    falling = {"booking_fees": [{"brackets": [{"below": 100, "fixed_minor": 9}, {}]}]}
    made = propose(hub, falling)
    assert made["warnings"][0]["clause"] == "booking_fees[0].brackets[1]"


def test_tax_codes_are_dated_and_on_the_sales_day(hub):
    path = "/v1/legal-entities/hub-eu/tax-codes"
    first = {"code": "vat", "valid_from": "2020-01-01", "rate": 2_000}
    made = hub.post("finance", path, first)
    assert made["valid_until"] is None
    later = first | {"valid_from": "2999-01-01", "rate": "1/5"}
    hub.post("finance", path, later)
    ends = [item["valid_until"] for item in hub.get("finance", path)["items"]]
    assert ends == ["2999-01-01", None]
    over = first | {"valid_from": "2021-01-01", "valid_until": "2022-01-01"}
    assert hub.post("finance", path, over, 409)["code"] == "tax-code-overlap"
    bad = hub.post("finance", path, first | {"rate": 8.5}, 422)
    assert bad["clauses"][0]["clause"] == "rate"
    hub.get("finance", "/v1/legal-entities/nobody/tax-codes")
    hub.post("finance", "/v1/legal-entities/nobody/tax-codes", first, 404)
    fees = percent(800, 120) | {"taxes": {"service_fee": "vat"}}
    hub.agree("ann", fees, scope={"channel": "online"})
    hold = hub.hold("ann", [(hub.offer_id("ann", hub.on_sale()["id"]), 1)])
    told = {a["what"]: a for a in hold["lines"][0]["terms"]["amounts"]}
    assert told["service-fee"]["tax_minor"] == 20
    assert told["service-fee"]["tax"] == "vat 2000 included"
    hub.confirm("ann", hold)
    hub.assert_lawful()


LINE = {
    "quantity": 3,
    "currency": "EUR",
    "face_minor": 5_000,
    "sold_at": "2026-01-05T12:00:00Z",
}


def what_if(hub, ref="ann", expect=200, **body):
    path = f"/v1/contracts/{hub.ids[f'{ref}-contract']}/quotes"
    return hub.post("finance", path, {"lines": [LINE]} | body, expect)


def test_a_what_if_quotes_under_the_contract_or_other_clauses(hub):
    agreed = what_if(hub)
    assert agreed["totals"]["commission/agent/agent"] == 1_200
    assert agreed["state"] == "final"
    other = what_if(hub, clauses=percent(1_000))
    assert other["totals"]["commission/agent/agent"] == 1_500
    venue = what_if(hub, "sup")
    assert venue["totals"]["commission/supplier/hub"] == 1_800
    wrong = what_if(hub, expect=422, lines=[LINE, LINE | {"quantity": 0}])
    assert wrong["lines"] == [{"line": "[1].quantity", "reason": "Expected `int` >= 1"}]
    wrong = what_if(hub, expect=422, lines=[LINE | {"sold_at": "2019-01-01T00:00:00Z"}])
    assert wrong["lines"] == [{"line": "[0]", "reason": "no terms cover it"}]
    wrong = what_if(hub, expect=422, clauses={"x": 1})
    assert wrong["code"] == "terms-refused"


def test_schemas_are_served(hub):
    found = hub.call(None, "GET", "/v1/schemas/terms")
    assert found.status_code == 200
    assert found.content_type == "application/schema+json"
    assert hub.call(None, "GET", "/v1/schemas/other").status_code == 404


def test_per_order_amounts_and_discounts_reach_the_hold(hub):
    clauses = percent(1_000) | {
        "commission": {"kind": "fixed", "per_order_minor": 100},
        "booking_fees": [{"per": "order", "fixed_minor": 250, "to": "hub"}],
        "discount": {
            "rate": 1_000,
            "funding": [
                {"funder": "hub", "rate": 5_000},
                {"funder": "supplier", "residual": True},
            ],
        },
    }
    hub.agree("ann", clauses, scope={"channel": "online"})
    performance = hub.on_sale()
    lines = [
        (hub.offer_id("ann", performance["id"]), 2),
        (hub.offer_id("ann", performance["id"], "stalls"), 1),
    ]
    hold = hub.hold("ann", lines)
    assert hold["commission_minor"] == 100
    assert sum(line["booking_fee_minor"] for line in hold["lines"]) == 250 + 300
    assert [line["discount_minor"] for line in hold["lines"]] == [900, 800]
    assert hold["price_minor"] == 9_000 + 8_000 - 1_700 + 550
    order = hub.confirm("ann", hold)
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    hub.cancel("ann", order)
    assert hub.credit("ann")["exposure_minor"] == 0
    hub.assert_lawful()


def test_availability_reads_tax_codes_once_whatever_it_offers(hub, engine):
    tax = {"code": "vat", "valid_from": "2020-01-01", "rate": 600}
    hub.post("finance", "/v1/legal-entities/hub-eu/tax-codes", tax)
    taxed = percent(800) | {"taxes": {"commission": "vat"}}
    hub.agree("ann", taxed, scope={"channel": "online"})
    performance_id = hub.on_sale()["id"]
    sent = []
    event.listen(engine, "before_cursor_execute", lambda *said: sent.append(said[2]))
    areas = hub.areas("ann", performance_id)
    offers = [offer for area in areas.values() for offer in area["offers"]]
    assert len(offers) > 1
    told = [a for offer in offers for a in offer["terms"]["amounts"]]
    assert {a["tax"] for a in told if a["what"] == "commission"} == {"vat 600 included"}
    assert sum("FROM tax_code" in statement for statement in sent) == 1
