"""The other half of the story: those who bring, allot, watch over and settle."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text

from connectors.models import Source
from hub.kernel.db import transaction
from tests.hubs import (
    FREE_SALE,
    TODAY,
    ZONE,
    auditorium,
    ndjson,
    percent,
    performance,
    production,
    season,
    venue,
)
from tests.simulators.faults import struck
from tests.simulators.hubs import Cinemas
from tests.simulators.kinds import settings, simulator
from tests.simulators.serving import serving


def tell(story):
    """Tell what suppliers, operators and finance ask, of a hub that has sold a little."""
    _take_on(story)
    _feed(story)
    _plan(story)
    sold = _open(story)
    _steer(story, sold)
    _hand_on(story, sold)
    _request_and_report(story, sold)
    _merge(story)
    _ask_suppliers(story)
    _agree(story)
    _book(story)
    _settle(story)


def _take_on(story):
    ask, hub = story.ask, story.hub
    wanted = {"kind": "agent", "ref": "cat", "name": "Cat Tickets", "channel": "online"}
    made = ask("operator", "POST", "/v1/partners", wanted, expect=201)
    own = f"/v1/partners/{made['id']}"
    ask("operator", "GET", "/v1/partners")
    ask("operator", "GET", own)
    contract = {"legal_entity": "hub-eu", "currency": "EUR", "zone": ZONE}
    ask("operator", "POST", f"{own}/contracts", contract, expect=201)
    ask("operator", "GET", f"{own}/contracts")
    key = {"kind": "agent", "partner_id": made["id"], "name": "the shop's"}
    first = ask("operator", "POST", "/v1/credentials", key, expect=201)
    ask("operator", "GET", "/v1/credentials")
    path = f"/v1/credentials/{first['id']}"
    ask("operator", "POST", f"{path}/rotation", {"overlap_s": 3_600}, expect=201)
    ask("operator", "DELETE", path, expect=204)
    named = {"name": "late-changes"}
    ask("operator", "POST", hub.of("sup", "feeds"), named, expect=201)
    hub.add_partner("dan", "agent", commission_bp=500)
    hub.add_partner("eva", "agent", parent="ann", commission_bp=300)


def _feed(story):
    ask, hub = story.ask, story.hub
    shows = [performance(f"q{no}", days=40 + no, stalls=0) for no in range(11)]
    sent = [venue(), auditorium(), production(), *shows, {"kind": "nothing"}]
    full = [venue(), auditorium(), production(), *shows[:2]]
    made = {}
    for mode, records in (("delta", sent), ("full", full)):
        made = ask(
            "sup",
            "POST",
            f"/v1/feeds/season/deliveries?mode={mode}",
            expect=202,
            data=ndjson(records),
            content_type="application/x-ndjson",
        )
        hub.work()
        ask("sup", "GET", f"/v1/deliveries/{made['id']}")
    ask("operator", "GET", "/v1/deliveries?state=quarantined")
    decision = {"decision": "discard"}
    ask("operator", "POST", f"/v1/deliveries/{made['id']}/decision", decision)


def _plan(story):
    ask, hub = story.ask, story.hub
    rules = [{"agent": "ann", "kind": "fixed", "seats": 40}, {"agent": "bob"}]
    channel = {"channel": "online", "rules": rules}
    draft = {
        "plan": {"rules": [{"area": "floor", "rules": [channel]}]},
        "scope": {"performance": "q0"},
        "name": "A first night",
        "draft": True,
    }
    made = ask("operator", "POST", hub.of("sup", "plans"), draft, expect=201)
    own = f"/v1/plans/{made['id']}"
    ask("operator", "GET", f"{own}/simulation")
    soon = {"effective_at": (TODAY + timedelta(days=2)).isoformat()}
    ask("operator", "PUT", f"{own}/schedule", soon, expect=201)
    ask("operator", "GET", hub.of("sup", "plans"))
    ask("operator", "DELETE", f"{own}/schedule")
    ask("operator", "POST", f"{own}/publication", expect=201)
    hub.work()
    ask("operator", "DELETE", f"{own}/publication")
    hub.work()


def _open(story):
    """Share one performance out in every way there is; return it."""
    hub = story.hub
    agents = [
        {
            "agent": "ann",
            "kind": "fixed",
            "seats": 40,
            "recall_notice_h": 24,
        },
        {"agent": "bob", "mode": "sell-and-report", "ceiling": 9},
        {"agent": "dan", "mode": "on-request"},
    ]
    channel = {"channel": "online", "rules": agents}
    pace = {"dead_band": 5, "step_bp": 2_000, "half_life_h": 24}
    rules = [{"area": "floor", "rules": [channel]}]
    hub.plan({"rules": rules, "rebalancing": pace})
    found = hub.get("ann", "/v1/performances")["items"]
    return found[-1]


def _steer(story, sold):
    ask, hub = story.ask, story.hub
    ask("ann", "GET", f"/v1/venues/{sold['venue_id']}")
    ask("ann", "GET", f"/v1/auditoriums/{sold['auditorium_id']}")
    notice = hub.get("ann", "/v1/notices")["items"][0]
    ask("ann", "GET", f"/v1/notices/{notice['id']}")
    here = f"/v1/performances/{sold['id']}"
    other = hub.get("ann", "/v1/performances")["items"][0]["id"]
    stop = {
        "severity": "soft",
        "reason": "smoke in the foyer",
        "performance_id": other,
    }
    made = ask("sup", "POST", "/v1/stops", stop, expect=201)
    ask("sup", "GET", "/v1/stops")
    ask("sup", "DELETE", f"/v1/stops/{made['id']}")
    house = {"area": "floor", "kind": "house", "seats": 6, "reason": "guests"}
    made = ask("sup", "POST", f"{here}/blocks", house, expect=201)
    ask("sup", "GET", f"{here}/blocks")
    freed = {"seats": 4, "reason": "nobody came"}
    ask("sup", "POST", f"/v1/blocks/{made['id']}/release", freed)
    moved = {"area": "floor", "from_agent": "ann", "to_agent": "dan", "seats": 5}
    moved |= {"reason": "a group of dan's"}
    ask("operator", "POST", f"{here}/transfers", moved, expect=201)
    back = {"area": "floor", "agent": "ann", "seats": 5, "reason": "for the press"}
    made = ask("sup", "POST", f"{here}/recalls", back, expect=201)
    ask("sup", "GET", "/v1/recalls")
    ask("sup", "DELETE", f"/v1/recalls/{made['id']}")
    ask("operator", "POST", f"{here}/rebalancing", {"dry_run": True})


def _hand_on(story, sold):
    ask, hub = story.ask, story.hub
    path = f"/v1/performances/{sold['id']}/areas/floor/sub-agents"
    ask("ann", "PUT", path, {"parts": [{"sub_agent": "eva", "guarantee": 10}]})
    told = hub.get("ann", f"/v1/performances/{sold['id']}/explanation")["areas"]
    floor = next(area for area in told if area["area"] == "floor")
    ask("ann", "GET", f"/v1/nodes/{floor['walk'][0]['node_id']}/history")


def _request_and_report(story, sold):
    ask, hub = story.ask, story.hub
    lines = [{"offer_id": hub.offer_id("bob", sold["id"]), "quantity": 2}]
    report = {"lines": lines, "reference": "B-77"}
    ask("bob", "POST", "/v1/sales-reports", report, expect=201)
    wish = {"lines": [{"offer_id": lines[0]["offer_id"], "quantity": 4}]}
    asked = ask("dan", "POST", "/v1/holds", wish, expect=202)
    ask("sup", "GET", "/v1/requests")
    decision = {"decision": "accept"}
    ask("sup", "POST", f"/v1/requests/{asked['id']}/decision", decision)


def _merge(story):
    ask, hub = story.ask, story.hub
    [main] = hub.get("ann", "/v1/productions")["items"]
    hub.add_partner("other", "supplier", commission_bp=1_000)
    hub.post("operator", hub.of("other", "feeds"), {"name": "season"})
    same = production(title={"en": "The same"})
    shows = [*season()[:2], same, performance("r", days=31)]
    hub.deliver(shows, who="other")
    found = hub.get("ann", "/v1/productions")["items"]
    other = next(one["id"] for one in found if one["id"] != main["id"])
    path = f"/v1/productions/{other}/merge"
    ask("operator", "PUT", path, {"into": main["id"]})
    ask("operator", "DELETE", path)


def _ask_suppliers(story):
    """A cinema chain whose own system sells: set up, read, sold from, a case settled."""
    ask, hub = story.ask, story.hub
    there = simulator("vista")
    suppliers = hub.app.extensions["suppliers"]
    with serving(there.app()) as url:
        ask("operator", "GET", "/v1/source-kinds")
        wanted = {
            "name": "chain",
            "kind": "vista",
            "url": "https://vista.example.org/WSVistaWebClient",
            "settings": settings("vista"),
            "credentials": {"client_id": "hub"},
        }
        hub.add_partner("kino", "supplier", commission_bp=1_000)
        path = hub.of("kino", "sources")
        made = ask("operator", "POST", path, wanted, expect=201)
        own = f"/v1/sources/{made['id']}"
        ask("operator", "PUT", f"{own}/stop", {"reason": "it moves to a new server"})
        ask("operator", "PUT", own, {"operation_ms": 5_000})
        ask("operator", "DELETE", f"{own}/stop")
        with transaction() as session:
            found = session.get_one(Source, made["id"])
            found.url, found.version = url + there.base, found.version + 1
        cinemas = Cinemas(hub, there, url, found.id, suppliers)
        cinemas.sync()
        with struck(there.faults, shrunken={}):
            cinemas.sync()
            held = cinemas.sync()
        hub.work()
        suppliers.write()
        with transaction() as session:  # what was measured differs from time to time
            session.execute(text("DELETE FROM source_measured"))
            session.get_one(Source, made["id"]).url = wanted["url"]
            session.execute(_PLAIN, {"id": made["id"]})
        ask("operator", "POST", f"{own}/syncs", expect=202)
        ask("kino", "GET", own)
        ask("kino", "GET", "/v1/sources")
        ask("operator", "GET", f"{own}/syncs?limit=1")
        decision = {"decision": "discard"}
        ask("operator", "POST", f"/v1/syncs/{held['id']}/decision", decision)
        _settle_case(story, cinemas)
        suppliers.close()


_PLAIN = text("UPDATE source SET next_sync_at = NULL WHERE id = :id")


def _settle_case(story, cinemas):
    hub, ask = story.hub, story.ask
    with transaction() as session:
        found = session.get_one(Source, cinemas.source_id)
        found.url, found.version = cinemas.url + cinemas.there.base, found.version + 1
    hub.post("operator", hub.of("kino", "plans"), {"plan": FREE_SALE})
    hub.work()
    shown = hub.get("ann", "/v1/performances?limit=100")["items"]
    sale = next(one for one in shown if one["title"].get("en", "").startswith("Film"))
    offer = hub.offer_id("ann", sale["id"], "STAL")
    hold = hub.hold("ann", [(offer, 2)])
    only = {"CompleteOrder", "QueryOrderBookingStatus"}
    with struck(cinemas.faults, html_502={"only": only}):
        hub.confirm("ann", hold, "MORNING-7", expect=202)
        with transaction() as session:
            session.execute(
                text("UPDATE supplier_order SET sent_at = sent_at - interval '1 hour'")
            )
        cinemas.work(0.3)
    with transaction() as session:
        session.execute(text("UPDATE supplier_order SET attempts = 4"))
    ask("operator", "GET", "/v1/supplier-cases")
    [case] = hub.get("operator", "/v1/supplier-cases")["items"]
    path = f"/v1/supplier-cases/{case['id']}/decision"
    ask("operator", "POST", path, {"outcome": "not-sold"})
    cinemas.work()


def _agree(story):
    ask, hub = story.ask, story.hub
    own = f"/v1/contracts/{hub.ids['dan-contract']}"
    wanted = {
        "valid_from": (TODAY + timedelta(days=60)).isoformat(),
        "scope": {"channel": "online"},
        "clauses": percent(700, 50),
    }
    made = ask("operator", "POST", f"{own}/terms", wanted, expect=201)
    ask("operator", "GET", f"{own}/terms")
    ask("operator", "GET", f"/v1/terms/{made['id']}")
    ask("finance", "POST", f"/v1/terms/{made['id']}/decision", {"decision": "approve"})
    line = {
        "quantity": 2,
        "currency": "EUR",
        "face_minor": 5_000,
        "sold_at": "2026-01-05T12:00:00Z",
    }
    ask("finance", "POST", f"{own}/quotes", {"lines": [line]})


def _book(story):
    ask, hub = story.ask, story.hub
    own = f"/v1/contracts/{hub.ids['ann-contract']}"
    limit = {"limit_minor": 5_000_000, "reason": "agreed in writing"}
    ask("finance", "PUT", f"{own}/credit", limit)
    paid = {
        "reference": "bank-4711",
        "event": {"event": "remittance", "amount_minor": 9_000},
    }
    ask("finance", "POST", f"{own}/movements", paid, expect=201)
    ask("finance", "GET", f"{own}/credit")
    ask("finance", "GET", f"{own}/balances")
    ask("finance", "GET", f"{own}/entries")
    ask("finance", "GET", f"{own}/ageing")
    entity = "/v1/legal-entities/hub-eu"
    tax = {"code": "vat", "valid_from": "2020-01-01", "rate": 2_000, "method": "on-top"}
    ask("finance", "POST", f"{entity}/tax-codes", tax, expect=201)
    ask("finance", "GET", f"{entity}/tax-codes")
    rate = {
        "reference": "bank-4711",
        "currency": "USD",
        "home_currency": "EUR",
        "rate": "0.9200",
        "rate_source": "the bank",
        "rate_at": "2026-01-31T12:00:00Z",
    }
    ask("finance", "POST", f"{entity}/revaluations", rate, expect=201)


def _settle(story):
    ask, hub = story.ask, story.hub
    said = hub.get("operator", "/v1/clock")["now"]
    now = datetime.fromisoformat(said).astimezone(ZoneInfo(ZONE))
    story.plain.is_next_month = True
    period = now.strftime("%Y-%m")
    own = f"/v1/contracts/{hub.ids['ann-contract']}"
    ask("finance", "GET", f"{own}/preview?period={period}")
    later = (now.replace(day=1) + timedelta(days=35)).isoformat()
    ask("operator", "PUT", "/v1/clock", {"now": later})
    ask("finance", "POST", f"/v1/periods/{period}/drafts", expect=201)
    listed = ask("finance", "GET", f"/v1/statements?period={period}")["items"]
    drafted = next(s for s in listed if s["partner_id"] == hub.ids["ann"])
    path = f"/v1/statements/{drafted['id']}"
    seen = ask("finance", "GET", path)
    looked_at = {"lines_sha256": seen["lines_sha256"]}
    ask("finance", "POST", f"{path}/review", looked_at)
    ask("finance", "POST", f"{path}/reopening")
    hub.review("finance", drafted["id"])
    ask("auditor", "POST", f"{path}/approval")
    ask("auditor", "POST", f"{path}/closing")
    ask("ann", "GET", f"{path}/lines/1/explanation")
    ask("finance", "GET", f"/v1/reports/revenue?period={drafted['period']}&by=venue")
    ask("ann", "GET", "/v1/reports/owed")
    ask("ann", "GET", f"/v1/reports/commissions?period={drafted['period']}")
    hub.call("ann", "GET", f"{path}/lines.xlsx")
    hub.call("ann", "GET", f"{path}/summary.pdf")
    _correct(story, path)


def _correct(story, path):
    ask = story.ask
    wrong = {"line": 1, "reason": "the booking fee was waived for this order"}
    dispute = ask("ann", "POST", f"{path}/disputes", wrong, expect=201)
    memo = {
        "kind": "credit",
        "corrects": "other",
        "reason": "dispute",
        "note": "booking fee of one ticket",
        "amount_minor": 150,
    }
    upheld = {"decision": "it was waived by letter", "memo": memo}
    decided = ask("finance", "POST", f"/v1/disputes/{dispute['id']}/decision", upheld)
    ask("ann", "GET", f"{path}/disputes")
    fee = memo | {"kind": "debit", "corrects": "service-fee", "reason": "fee"}
    ask("finance", "POST", f"{path}/memos", fee, expect=201)
    issue = {"decision": "issue"}
    ask("auditor", "POST", f"/v1/memos/{decided['memo_id']}/decision", issue)
    ask("finance", "GET", f"{path}/memos")
    payable = ask("finance", "GET", f"{path}/disputes")["payable_minor"]
    paid = {"reference": "bank-4712", "amount_minor": payable}
    ask("finance", "POST", f"{path}/payment", paid)
    _invoice(story, path)


def _invoice(story, path):
    ask, hub = story.ask, story.hub
    ours = {
        "name": "Hub EU GmbH",
        "street": "Ring 1",
        "postcode": "1010",
        "city": "Vienna",
        "country": "AT",
        "vat_id": "ATU12345675",
    }
    theirs = ours | {"name": "Ann's Tickets", "vat_id": "ATU13585627"}
    theirs |= {"registration_id": "FN 1234 a", "self_billing": {"hub-eu": "2020-01-01"}}
    entity = "/v1/legal-entities/hub-eu/billing-profile"
    partner = f"/v1/partners/{hub.ids['ann']}/billing-profile"
    ask("finance", "PUT", entity, ours)
    ask("finance", "GET", entity)
    ask("operator", "PUT", partner, theirs)
    ask("operator", "GET", partner)
    issued = ask("finance", "POST", f"{path}/invoices", expect=201)
    ask("ann", "GET", f"{path}/invoices")
    hub.call("ann", "GET", f"/v1/invoices/{issued['items'][0]['id']}/document.xml")
