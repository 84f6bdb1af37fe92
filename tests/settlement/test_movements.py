"""What happens to money alone, over the API: booked once, balanced, explained."""

import pytest
from sqlalchemy import text

from hub.kernel.db import transaction
from settlement.services import releases
from settlement.services.releases import release_due
from tests.hubs import percent

NOBODY = "00000000-0000-0000-0000-000000000000"
SERVICES = {
    "billables": [
        {"name": "banner", "kind": "advertising", "unit_minor": 10_000},
        {"name": "listing", "kind": "value-added", "unit_minor": 5_000},
    ],
    "taxes": {"billable": "vat"},
    "withholding": [{"leg": "billable", "rate": 1_000}],
}


def balances(hub, ref):
    path = f"/v1/contracts/{hub.ids[f'{ref}-contract']}/balances"
    found = hub.get("finance", path)["items"]
    return {b["account"]: b["balance_minor"] for b in found}


def test_an_event_is_booked_once_under_its_reference(hub):
    made = hub.book("ann", reference="bank-1", event="deposit", amount_minor=5_000)
    assert [p["amount_minor"] for p in made["postings"]] == [5_000, -5_000]
    assert made["detail"] == {"event": "deposit", "amount_minor": 5_000}
    again = hub.book("ann", 409, "bank-1", event="deposit", amount_minor=5_000)
    assert again["code"] == "reference-used"
    hub.book("ann", reference="bank-1", event="remittance", amount_minor=1)
    assert balances(hub, "ann") == {"deposit:agent": -5_000, "receivable:agent": -1}
    listed = hub.get("finance", f"/v1/contracts/{hub.ids['ann-contract']}/entries")
    assert [e["kind"] for e in listed["items"]] == ["deposit", "remittance"]
    assert listed["items"][0]["postings"] == made["postings"]
    hub.seal(2)
    hub.assert_lawful()


@pytest.mark.parametrize(
    ("ref", "event", "code"),
    [
        ("sup", {"event": "deposit", "amount_minor": 1}, "not-its-side"),
        (
            "ann",
            {"event": "release", "amount_minor": 1, "performance_id": NOBODY},
            "not-its-side",
        ),
        ("ann", {"event": "bill", "name": "banner"}, "not-billed"),
        ("ann", {"event": "deposit", "amount_minor": 0}, "terms-refused"),
        ("ann", {"event": "deposit", "amount_minor": -5}, "terms-refused"),
        ("ann", {"event": "deposit", "amount_minor": 5.5}, "terms-refused"),
        ("ann", {"event": "depot", "amount_minor": 5}, "terms-refused"),
        ("ann", {"event": "deposit", "amount_minor": 5, "x": 1}, "terms-refused"),
        ("ann", {"amount_minor": 5}, "terms-refused"),
    ],
)
def test_what_cannot_be_booked_is_refused(hub, ref, event, code):
    path = f"/v1/contracts/{hub.ids[f'{ref}-contract']}/movements"
    said = hub.call("finance", "POST", path, {"reference": "r", "event": event})
    assert said.status_code in {409, 422}
    assert said.get_json()["code"] == code
    assert balances(hub, ref) == {}


def test_services_are_billed_as_the_terms_price_them(hub):
    tax = {"code": "vat", "valid_from": "2020-01-01", "rate": 600, "method": "on-top"}
    hub.post("finance", "/v1/legal-entities/hub-eu/tax-codes", tax)
    hub.agree("ann", percent(800, 100) | SERVICES, scope={"channel": "online"})
    made = hub.book("ann", event="bill", name="banner")
    told = {p["account"]: p["amount_minor"] for p in made["postings"]}
    assert told == {
        "receivable:agent": 9_600,
        "tax:withholding-claim": 1_000,
        "income:advertising": -10_000,
        "tax:output": -600,
    }
    assert made["detail"]["charge"]["gross_minor"] == 10_600
    hub.book("ann", event="bill", name="listing", units=3)
    assert balances(hub, "ann")["receivable:agent"] == 9_600 + 14_400
    assert hub.credit("ann")["exposure_minor"] == 24_000
    hub.assert_lawful()


def test_a_debt_paid_in_dollars_and_revalued(hub):
    hub.book(
        "ann",
        event="foreign-remittance",
        amount_minor=1_859,
        paid_currency="USD",
        rate="7.2000",
        spread=200,
        rate_source="bank",
        rate_at="2026-01-31T12:00:00Z",
    )
    path = "/v1/legal-entities/hub-eu/revaluations"
    wanted = {
        "reference": "jan",
        "currency": "USD",
        "home_currency": "EUR",
        "rate": "7.1800",
        "rate_source": "bank",
        "rate_at": "2026-01-31T12:00:00Z",
    }
    found = hub.post("finance", path, wanted)
    assert found["gain_minor"] == -7
    assert hub.post("finance", path, wanted | {"reference": "again"})["gain_minor"] == 0
    other = hub.post("finance", path, wanted | {"rate": "7.5"}, 409)
    assert other["code"] == "reference-used"
    bad = hub.post("finance", path, wanted | {"currency": "QQQ"}, 422)
    assert bad["field"] == "currency"
    assert balances(hub, "ann") == {"receivable:agent": -1_859}
    with transaction() as session:
        sums = session.execute(
            text("SELECT currency, sum(amount_minor) FROM posting GROUP BY currency")
        )
        assert {row[0]: int(row[1]) for row in sums} == {"USD": 0, "EUR": 0}
    hub.assert_lawful()
    bad = hub.book(
        "ann",
        422,
        event="foreign-remittance",
        amount_minor=1,
        paid_currency="QQQ",
        rate="1",
        rate_source="x",
        rate_at="2026-01-31T12:00:00Z",
    )
    assert bad["field"] == "paid_currency"


def release():
    with transaction() as session:
        return release_due(session)


def test_deferred_money_is_released_when_it_was_performed(hub):
    payout = {"when": "performed", "days": 2, "retention": 1_000, "retention_days": 5}
    hub.agree("sup", percent(0) | {"payout": payout}, scope={"channel": "online"})
    offer_id = hub.offer_id("ann", hub.on_sale(days=10)["id"])
    order = hub.confirm("ann", hub.hold("ann", [(offer_id, 2)]))
    assert balances(hub, "sup") == {
        "payable:deferred": -8_370,
        "payable:reserve": -930,
        "payable:supplier": 0,
        "tickets:supplier": -2,
    }
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    assert release() == 0
    hub.move_clock(days=11)
    assert release() == 0  # performed, but not two days ago
    hub.move_clock(days=2)
    assert release() == 1
    assert release() == 0
    found = balances(hub, "sup")
    assert (found["payable:deferred"], found["payable:supplier"]) == (0, -4_185)
    hub.move_clock(days=5)
    assert release() == 1
    assert balances(hub, "sup")["payable:supplier"] == -4_650
    hub.assert_lawful()


def test_a_performance_that_was_cancelled_releases_nothing(hub):
    from tests.hubs import performance  # noqa: PLC0415 - the record of it

    hub.agree(
        "sup",
        percent(0) | {"payout": {"when": "performed"}},
        scope={"channel": "online"},
    )
    offer_id = hub.offer_id("ann", hub.on_sale(days=10)["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 2)]))
    hub.deliver([performance(version=2, days=10, status="cancelled")])
    hub.move_clock(days=20)
    assert release() == 0


def test_the_accounts_of_the_code_are_those_of_the_database(session):
    from settlement.rules.accounts import CHART  # noqa: PLC0415 - compared here only

    stored = session.scalars(text("SELECT code FROM account ORDER BY code")).all()
    assert list(stored) == sorted(CHART)


def test_partners_contracts_are_listed(hub):
    [contract] = hub.get("finance", hub.of("ann", "contracts"))["items"]
    assert contract["id"] == hub.ids["ann-contract"]


def test_money_is_released_once_by_hand_or_by_the_job(hub):
    clauses = percent(0) | {"payout": {"when": "performed"}}
    hub.agree("sup", clauses, scope={"channel": "online"})
    performance = hub.on_sale(days=10)
    offer_id = hub.offer_id("ann", performance["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 2)]))
    event = {"event": "release", "performance_id": performance["id"]}
    refused = hub.book("sup", 409, **event, amount_minor=9_301)
    assert (refused["code"], refused["kept_minor"]) == ("not-kept-back", 9_300)
    hub.book("sup", **event, amount_minor=5_000)
    hub.move_clock(days=11)
    assert release() == 1
    found = balances(hub, "sup")
    assert (found["payable:deferred"], found["payable:supplier"]) == (0, -9_300)
    assert release() == 0
    hub.assert_lawful()


def test_references_of_the_hubs_own_events_are_its_own(hub):
    """Else whoever guessed one first would stop the job that releases money."""
    refused = hub.book("ann", 422, "hub:1/2/0", event="deposit", amount_minor=5_000)
    assert refused["reason"] == "hub: is the hub's own"


def test_what_is_not_due_does_not_keep_what_is_from_being_released(hub, monkeypatch):
    monkeypatch.setattr(releases, "RELEASED_MAX", 1)
    payout = {"when": "performed", "retention": 1_000, "retention_days": 90}
    hub.agree("sup", percent(0) | {"payout": payout}, scope={"channel": "online"})
    offer_id = hub.offer_id("ann", hub.on_sale(days=10)["id"])
    hub.confirm("ann", hub.hold("ann", [(offer_id, 2)]))
    hub.move_clock(days=11)
    assert release() == 1
    assert balances(hub, "sup")["payable:reserve"] == -930


def test_a_position_is_revalued_against_the_currency_it_was_booked_in(hub):
    hub.add_partner("cho", "agent", currency="CNY")
    paid = {
        "event": "foreign-remittance",
        "paid_currency": "USD",
        "rate_source": "bank",
        "rate_at": "2026-01-31T12:00:00Z",
    }
    hub.book("ann", **paid, amount_minor=10_000, rate="1")
    hub.book("cho", **paid, amount_minor=72_000, rate="7.2")
    wanted = {
        "reference": "r",
        "currency": "USD",
        "home_currency": "EUR",
        "rate": "1",
        "rate_source": "bank",
        "rate_at": "2026-01-31T12:00:00Z",
    }
    path = "/v1/legal-entities/hub-eu/revaluations"
    assert hub.post("finance", path, wanted)["gain_minor"] == 0
    for bad in ({"rate": "0"}, {"rate": "0.00"}, {"home_currency": "USD"}):
        hub.post("finance", path, wanted | bad, 422)
    refused = hub.book("ann", 422, **paid, amount_minor=5, rate="0")
    assert refused["code"] == "terms-refused"
    home = hub.book(
        "ann", 422, **paid | {"paid_currency": "EUR"}, amount_minor=5, rate="1"
    )
    assert home["field"] == "paid_currency"


def test_a_tax_rate_is_not_changed_backwards(hub):
    path = "/v1/legal-entities/hub-eu/tax-codes"
    first = {"code": "vat", "valid_from": "2020-01-01", "rate": 2_000}
    hub.post("finance", path, first)
    back = hub.post("finance", path, first | {"valid_from": "2021-01-01"}, 409)
    assert back["code"] == "tax-code-overlap"
    over = hub.post("finance", path, first | {"code": "x", "rate": "3/1"}, 422)
    assert over["clauses"] == [{"clause": "rate", "reason": "exceeds the whole by 2"}]


@pytest.mark.parametrize(
    ("said", "category", "wrong"),
    [
        ({"rate": 2_000}, "S", None),
        ({"rate": 0}, "Z", None),
        ({"rate": "0/5"}, "Z", None),
        ({"rate": 0, "category": "E", "exemption": "Art. 135"}, "E", None),
        ({"rate": 0, "category": "AE"}, None, "exemption"),
        ({"rate": 500, "category": "O", "exemption": "abroad"}, None, "category"),
        ({"rate": 0, "category": "S"}, None, "category"),
        ({"rate": 500, "exemption": "why"}, None, "exemption"),
    ],
)
def test_a_tax_code_says_what_invoices_call_it(hub, said, category, wrong):
    path = "/v1/legal-entities/hub-eu/tax-codes"
    wanted = {"code": "vat", "valid_from": "2020-01-01", **said}
    made = hub.post("finance", path, wanted, 422 if wrong else 201)
    if wrong:
        assert [one["clause"] for one in made["clauses"]] == [wrong]
    else:
        assert (made["category"], made["exemption"]) == (
            category,
            said.get("exemption", ""),
        )
