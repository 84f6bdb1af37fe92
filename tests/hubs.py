"""A small hub to test with: set up and driven through its own API and jobs."""

import json
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from allocation.services.sharing import share_out_supplier
from connectors.services.steps import step
from hub.app import configure, create_app, equip
from hub.kernel import db, log
from hub.kernel.callers import Kind
from hub.kernel.db import transaction
from hub.verify import verify
from partners import services
from settlement.services.seals import seal_journal

SECRET = "a-secret-for-tests-of-at-least-32-characters"  # noqa: S105
CREDENTIALS_KEY = "aHViLXRlc3RzLWtleS0zMi1ieXRlcy1sb25nLWtleSE="
WORLD = "test"
ZONE = "Europe/Vienna"
TODAY = datetime.now(UTC).replace(microsecond=0)


def venue(ref="hall", version=1, **more):
    return {
        "type": "venue",
        "ref": ref,
        "version": version,
        "name": {"en": "A hall"},
        "zone": ZONE,
        "country": "AT",
        "city": "Vienna",
        **more,
    }


def seats(count):
    return [{"number": str(no)} for no in range(1, count + 1)]


def auditorium(ref="main", version=1, rows=3, seats_in_row=10, standing=150, **more):
    return {
        "type": "auditorium",
        "ref": ref,
        "version": version,
        "venue": "hall",
        "name": {"en": "Main"},
        "areas": [
            {"ref": "floor", "name": {"en": "Floor"}, "capacity": standing},
            {
                "ref": "stalls",
                "name": {"en": "Stalls"},
                "rows": [
                    {"name": name, "seats": seats(seats_in_row)}
                    for name in "ABCDEFGHIJ"[:rows]
                ],
            },
        ],
        **more,
    }


def production(ref="play", version=1, **more):
    return {
        "type": "production",
        "ref": ref,
        "version": version,
        "genre": "stage",
        "title": {"en": "A play", "zh-Hans": "一出戏"},
        **more,
    }


def offer(area="floor", price_type="adult", face_minor=4500, **more):
    return {
        "area": area,
        "price_type": price_type,
        "currency": "EUR",
        "face_minor": face_minor,
        **more,
    }


def performance(ref="p1", version=1, days=30, floor=150, stalls=30, **more):
    starts_at = TODAY + timedelta(days=days)
    return {
        "type": "performance",
        "ref": ref,
        "version": version,
        "production": "play",
        "auditorium": "main",
        "starts_at": starts_at.isoformat(),
        "areas": [
            {"area": "floor", "capacity": floor},
            {"area": "stalls", "capacity": stalls},
        ],
        "offers": [
            offer(booking_fee_minor=150),
            offer(price_type="child", face_minor=2250),
            offer("stalls", face_minor=8000),
        ],
        **more,
    }


def season(**more):
    hall = auditorium(standing=max(150, more.get("floor", 150)))
    return [venue(), hall, production(), performance(**more)]


def ndjson(records):
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


FREE_SALE = {
    "rules": [
        {
            "channel": "online",
            "kind": "free-sale",
            "rules": [
                {"agent": "ann", "kind": "free-sale"},
                {"agent": "bob", "kind": "free-sale"},
            ],
        }
    ]
}


def percent(commission_bp, ticket_fee_minor=0):
    """The simplest clauses: a percentage, and a fee per ticket."""
    clauses = {"commission": {"kind": "percent", "rate": commission_bp}}
    if ticket_fee_minor:
        clauses["service_fees"] = [{"fixed_minor": ticket_fee_minor}]
    return clauses


_made = {}


def application(settings, engine):
    """Make the application on the test's engine instead of one of its own.

    Most tests want the same one, and documenting its routes takes a quarter second:
    it is made once, and each test has it with everything forgotten.
    """
    nowhere = {"var": None, "database_url": None, "owner_url": None}
    key = replace(settings, **nowhere)
    app = _made.get(key)
    if app is None:
        app = _made[key] = create_app(settings)
        db.SessionFactory.kw["bind"].dispose()
    else:
        log.configure(settings.log_level)  # a test may have changed any of these
        configure(app, settings)
        equip(app, settings)
    db.bind(engine)
    return app


def forget_application():
    """Have the next test's application made anew: this one's was changed for good."""
    _made.clear()


@dataclass
class Hub:
    """Drives a hub; every answer is (status, JSON)."""

    settings: Any
    client: Any
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def again(cls, settings, engine, before):
        """Open a hub on a copy of the database of another that has just been made."""
        app = application(settings, engine)
        hub = cls(settings, app.test_client(), dict(before.keys), dict(before.ids))
        hub.app = app
        return hub

    @classmethod
    def open(cls, settings, engine):
        """Make a hub with a supplier, two agents, terms and a feed; nothing to sell."""
        app = application(settings, engine)
        hub = cls(settings, app.test_client())
        hub.app = app
        hub._staff()
        hub._partners()
        return hub

    def _staff(self):
        with transaction() as session:
            services.open_world(session, WORLD)
            services.register_legal_entity(
                session, code="hub-eu", name="Hub EU", country="AT"
            )
            staff = {
                "operator": Kind.OPERATOR,
                "finance": Kind.FINANCE,
                "auditor": Kind.FINANCE,
            }
            for name, kind in staff.items():
                credential, key = services.issue_credential(
                    session,
                    secret=self.settings.secret_key,
                    world=WORLD,
                    kind=kind,
                    name=name,
                )
                self.keys[name] = key
                self.ids[f"{name}-key"] = str(credential.id)

    def _partners(self):
        self.add_partner("sup", "supplier", commission_bp=1200)
        self.add_partner("ann", "agent", commission_bp=800, ticket_fee_minor=100)
        self.add_partner("bob", "agent", commission_bp=500)
        self.post("operator", self.of("sup", "feeds"), {"name": "season"}, expect=201)

    def of(self, partner, what):
        return f"/v1/partners/{self.ids[partner]}/{what}"

    def add_partner(
        self,
        ref,
        kind,
        *,
        channel="online",
        currency="EUR",
        commission_bp=0,
        ticket_fee_minor=0,
        parent=None,
        **clauses,
    ):
        """Take a partner on, with a contract, terms from long ago, and a key."""
        wanted = {"kind": kind, "ref": ref, "name": ref.title()}
        if kind == "agent":
            wanted["channel"] = channel
        if parent is not None:
            wanted["parent_id"] = self.ids[parent]
        made = self.post("operator", "/v1/partners", wanted, expect=201)
        self.ids[ref] = made["id"]
        contract = self.post(
            "operator",
            self.of(ref, "contracts"),
            {"legal_entity": "hub-eu", "currency": currency, "zone": ZONE},
            expect=201,
        )
        self.ids[f"{ref}-contract"] = contract["id"]
        simple = percent(commission_bp, ticket_fee_minor)
        self.agree(ref, {**simple, **clauses})
        key = self.post(
            "operator",
            "/v1/credentials",
            {"kind": kind, "partner_id": made["id"], "name": f"{ref} key"},
            expect=201,
        )
        self.keys[ref] = key["key"]
        self.ids[f"{ref}-key"] = key["id"]

    def agree(self, ref, clauses, *, scope=None, expect=200, **valid):
        """Have terms proposed and approved; return them as approved."""
        valid = {"valid_from": "2020-01-01T00:00:00Z"} | valid
        path = f"/v1/contracts/{self.ids[f'{ref}-contract']}/terms"
        wanted = {**valid, "scope": scope or {}, "clauses": clauses}
        made = self.post("operator", path, wanted)
        return self.approve("finance", made["id"], expect)

    def approve(self, who, terms_id, expect=200):
        path = f"/v1/terms/{terms_id}/decision"
        return self.post(who, path, {"decision": "approve"}, expect)

    def book(self, ref, expect=201, reference=None, **event):
        """Book an event of money under a partner's contract."""
        path = f"/v1/contracts/{self.ids[f'{ref}-contract']}/movements"
        wanted = {"reference": reference or str(uuid4()), "event": event}
        return self.post("finance", path, wanted, expect)

    def credit(self, ref):
        path = f"/v1/contracts/{self.ids[f'{ref}-contract']}/credit"
        return self.get("finance", path)

    def limit(self, ref, minor, expect=200):
        path = f"/v1/contracts/{self.ids[f'{ref}-contract']}/credit"
        body = {"limit_minor": minor, "reason": "agreed"}
        return self._answer(self.call("finance", "PUT", path, body), expect)

    def call(self, who, method, path, body=None, *, key=None, headers=None, **more):
        """Send a request as somebody; return the raw response."""
        sent = dict(headers or {})
        if who is not None:
            sent["Authorization"] = f"Bearer {self.keys.get(who, who)}"
            if path.startswith("/tiqets/"):
                sent.setdefault("API-Key", self.keys.get(who, who))
        if key is not None:
            sent["Idempotency-Key"] = key
        if body is not None:
            more["json"] = body
        return self.client.open(
            path, method=method, headers=sent, buffered=True, **more
        )

    def get(self, who, path, expect=200, **more):
        return self._answer(self.call(who, "GET", path, **more), expect)

    def post(self, who, path, body, expect=201, **more):
        return self._answer(self.call(who, "POST", path, body, **more), expect)

    def _answer(self, response, expect):
        if expect is not None:
            assert response.status_code == expect, response.get_data(as_text=True)
        return response.get_json()

    def deliver(self, records, *, mode="delta", who="sup", feed="season", expect=202):
        """Deliver records and apply them at once; return the finished delivery."""
        body = records if isinstance(records, bytes) else ndjson(records)
        made = self.post(
            who,
            f"/v1/feeds/{feed}/deliveries?mode={mode}",
            None,
            expect=expect,
            data=body,
            content_type="application/x-ndjson",
        )
        if expect != 202:
            return made
        self.work()
        return self.get(who, f"/v1/deliveries/{made['id']}")

    def work(self):
        """Do what the worker's jobs would do: apply deliveries, share out."""
        with transaction() as session:
            feeds = session.scalars(text("SELECT id FROM feed")).all()
            suppliers = session.scalars(
                text("SELECT id FROM partner WHERE kind = 'supplier'")
            ).all()
        for feed in feeds:
            self._until_done(step, feed)
        for supplier in suppliers:
            self._until_done(share_out_supplier, supplier)

    def _until_done(self, work, subject):
        while True:
            with transaction() as session:
                if not work(session, subject):
                    return

    def plan(self, plan=None, *, expect=201):
        """Publish a plan and share out by it."""
        made = self.post(
            "operator", self.of("sup", "plans"), {"plan": plan or FREE_SALE}, expect
        )
        self.work()
        return made

    def on_sale(self, plan=None, **more):
        """Deliver a small season and share it out; return its performance."""
        delivery = self.deliver(season(**more))
        assert delivery["refused"] == 0, self.refusals(delivery)
        self.plan(plan)
        return self.get("ann", "/v1/performances")["items"][0]

    def refusals(self, delivery, who="sup"):
        report = self.call(who, "GET", delivery["refusals"])
        return [json.loads(line) for line in report.get_data(as_text=True).splitlines()]

    def areas(self, who, performance_id):
        """Return availability by area ref."""
        found = self.get(who, f"/v1/performances/{performance_id}/availability")
        return {area["area"]: area for area in found["areas"]}

    def offer_id(self, who, performance_id, area="floor", price_type="adult"):
        offers = self.areas(who, performance_id)[area]["offers"]
        return next(o["offer_id"] for o in offers if o["price_type"] == price_type)

    def hold(self, who, lines, *, expect=201, key=None):
        """Hold lines: (offer id, count) or (offer id, [seat ids])."""
        wanted = [
            {"offer_id": o, "quantity": n}
            if isinstance(n, int)
            else {"offer_id": o, "seat_ids": n}
            for o, n in lines
        ]
        key = key or str(uuid4())
        return self.post(who, "/v1/holds", {"lines": wanted}, expect, key=key)

    def confirm(self, who, hold, reference=None, *, expect=201, key=None):
        wanted = {"hold_id": hold["id"], "reference": reference or str(uuid4())}
        return self.post(who, "/v1/orders", wanted, expect, key=key or str(uuid4()))

    def cancel(self, who, order, tickets=None, *, expect=201, key=None):
        wanted = {} if tickets is None else {"ticket_ids": tickets}
        path = f"/v1/orders/{order['id']}/cancellations"
        return self.post(who, path, wanted, expect, key=key or str(uuid4()))

    def review(self, who, statement_id, expect=200):
        """Review a statement as somebody who has looked at its lines."""
        path = f"/v1/statements/{statement_id}"
        seen = {"lines_sha256": self.get(who, path)["lines_sha256"]}
        return self.post(who, f"{path}/review", seen, expect)

    def approve_statement(self, who, statement_id, expect=200):
        """Approve a statement that was reviewed."""
        return self.post(who, f"/v1/statements/{statement_id}/approval", None, expect)

    def close(self, who, statement_id, expect=200):
        """Close a statement that was approved."""
        return self.post(who, f"/v1/statements/{statement_id}/closing", None, expect)

    def move_clock(self, **ahead):
        """Move the world's clock forward."""
        now = datetime.fromisoformat(self.get("operator", "/v1/clock")["now"])
        body = {"now": (now + timedelta(**ahead)).isoformat()}
        return self._answer(self.call("operator", "PUT", "/v1/clock", body), 200)

    def seal(self, wanted):
        """Seal until *wanted* entries are: other tests' transactions hold it up."""
        deadline, sealed = time.monotonic() + 20, 0
        while sealed < wanted:
            assert time.monotonic() < deadline, f"{sealed} of {wanted} sealed"
            with transaction() as session:
                sealed += seal_journal(session)
        return sealed

    def assert_lawful(self):
        verdict = verify()
        assert verdict.broken == []
        return verdict
