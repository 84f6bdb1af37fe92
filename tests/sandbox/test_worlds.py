"""Live and sandbox data never meet: every route, asked with the other world's ids.

Both worlds are full: a story that carries out every operation is told in one, the
checklist is worked through in the other. Then everybody of one world asks every route it
may, with ids and bodies of the other: nothing of the other world is told, and not a row
of it changes.
"""

import json
import re
from itertools import islice, product
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from hub.access import ROUTES
from hub.kernel.callers import Kind
from hub.kernel.db import transaction
from partners import services
from tests.contract import agent_examples, staff_examples
from tests.contract.examples import Story
from tests.dialects.reseller import Reseller
from tests.hubs import SECRET, WORLD, performance
from tests.sandbox.rehearsing import Rehearsal
from tests.sandbox.test_checklist import STEPS

ROOT = Path(__file__).parents[2]
EXAMPLES = json.loads((ROOT / "hub/examples.json").read_text())
VARIABLE = re.compile(r"<(?:[^:<>]+:)?(\w+)>")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
EACH = 2  # ids of a kind that are tried
TABLES = {
    "performance_id": "performance",
    "production_id": "production",
    "venue_id": "venue",
    "auditorium_id": "auditorium",
    "order_id": "sale_order",
    "booking_id": "sale_order",
    "hold_id": "hold",
    "partner_id": "partner",
    "supplier_id": "partner",
    "contract_id": "contract",
    "credential_id": "credential",
    "delivery_id": "delivery",
    "plan_id": "plan",
    "stop_id": "stop",
    "block_id": "block",
    "recall_id": "recall",
    "node_id": "node",
    "statement_id": "statement",
    "invoice_id": "invoice",
    "memo_id": "memo",
    "dispute_id": "dispute",
    "source_id": "source",
    "sync_id": "source_sync",
    "case_id": "supplier_order",
    "endpoint_id": "webhook_endpoint",
    "webhook_id": "webhook_endpoint",
    "notice_id": "notice",
    "shipment_id": "shipment",
    "run_id": "refund_run",
}
HANGING = {
    "hold_line": ("hold", "hold_id"),
    "order_line": ("sale_order", "order_id"),
    "ticket": ("sale_order", "order_id"),
    "order_person": ("sale_order", "order_id"),
    "former_code": ("sale_order", "order_id"),
    "terms": ("contract", "contract_id"),
    "supply": ("performance", "performance_id"),
    "seat_taken": ("performance", "performance_id"),
    "performance_area": ("performance", "performance_id"),
    "statement_line": ("statement", "statement_id"),
}
"""Tables without a world of their own, by the row that has one."""
WORDS = {  # what is no id: the same in every world
    "area": ["floor"],
    "symbology": ["qr"],
    "form": ["svg"],
    "no": ["1"],
    "feed": ["season"],
    "legal_entity": ["hub-eu"],
    "period": ["2026-11"],
    "ref": ["post"],
    "name": ["plan"],
}
IDS = {*TABLES, "ticket_id", "terms_id", "uuid", "product_id"}


def rows(session, statement, **where):
    return [str(one) for one in session.scalars(text(statement), where)]


def of_world(session, world):
    """Return ids of a world by the name a route gives them."""
    found = {
        name: rows(
            session,
            f"SELECT id FROM {table} WHERE world = :w ORDER BY id LIMIT {EACH}",
            w=world,
        )
        for name, table in TABLES.items()
    }
    found["ticket_id"] = rows(
        session,
        "SELECT t.id FROM ticket t JOIN sale_order o ON o.id = t.order_id"
        f" WHERE o.world = :w ORDER BY t.id LIMIT {EACH}",
        w=world,
    )
    found["terms_id"] = rows(
        session,
        "SELECT t.id FROM terms t JOIN contract c ON c.id = t.contract_id"
        f" WHERE c.world = :w ORDER BY t.id LIMIT {EACH}",
        w=world,
    )
    found["offer_id"] = rows(
        session,
        "SELECT o.id FROM offer o JOIN performance_area a"
        " ON a.id = o.performance_area_id JOIN performance p"
        f" ON p.id = a.performance_id WHERE p.world = :w ORDER BY o.id LIMIT {EACH}",
        w=world,
    )
    found["uuid"] = rows(
        session, f"SELECT uuid FROM octo_booking WHERE world = :w LIMIT {EACH}", w=world
    )
    found["order_id"] += rows(
        session, f"SELECT id FROM octo_cart WHERE world = :w LIMIT {EACH}", w=world
    )
    found["product_id"] = rows(
        session,
        "SELECT DISTINCT p.production_id || '.' || r.venue_id FROM performance p"
        f" JOIN auditorium r ON r.id = p.auditorium_id WHERE p.world = :w LIMIT {EACH}",
        w=world,
    )
    return found


def every_id(session, world):
    """Return every uuid that stands in a row of a world."""
    columns = session.execute(
        text(
            "SELECT c.table_name, c.column_name FROM information_schema.columns c"
            " JOIN information_schema.columns w USING (table_schema, table_name)"
            " WHERE c.table_schema = 'public' AND c.udt_name = 'uuid'"
            " AND w.column_name = 'world' AND c.table_name !~ '_(p[0-9]{8}|default)$'"
            " AND c.column_name <> 'live_partner_id'"
        )
    )
    found = set()
    for table, column in columns.all():
        found |= set(
            rows(session, f'SELECT "{column}" FROM "{table}" WHERE world = :w', w=world)
        )
    return found - {"None"}


def print_of(session, world):
    """Return a digest of every table's rows of a world; of what hangs on them, too."""
    tables = rows(
        session,
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name = 'world' AND table_name !~ '_(p[0-9]{8}|default)$'"
        " AND table_name NOT IN ('world', 'credential')",
    )
    digest = "SELECT md5(coalesce(string_agg(r, E'\\n' ORDER BY r), '')) FROM"
    found = {
        table: rows(
            session,
            f'{digest} (SELECT t::text AS r FROM "{table}" t WHERE world = :w) x',
            w=world,
        )
        for table in tables
    }
    for table, (parent, key) in HANGING.items():
        found[table] = rows(
            session,
            f'{digest} (SELECT t::text AS r FROM "{table}" t JOIN "{parent}" p'
            f" ON p.id = t.{key} WHERE p.world = :w) x",
            w=world,
        )
    return found


def staff(world):
    """Issue keys of a world: its staff's, and one of each of its partners' kinds."""
    keys = {}
    with transaction() as session:
        for kind in (Kind.OPERATOR, Kind.FINANCE):
            said = {"secret": SECRET, "world": world, "kind": kind, "name": f"{kind} w"}
            keys[kind] = services.issue_credential(session, **said)[1]
        for kind in (Kind.AGENT, Kind.SUPPLIER):
            of_kind = text(
                "SELECT id FROM partner WHERE world = :w AND kind = :k LIMIT 1"
            )
            partner = session.scalar(of_kind, {"w": world, "k": kind})
            said = {"secret": SECRET, "world": world, "kind": kind, "name": f"{kind} w"}
            made = services.issue_credential(session, partner_id=partner, **said)
            keys[kind] = made[1]
    return keys


def dialect_bodies(ids):
    """Yield what resellers say, of the other world: with a cart of it, and without."""
    wanted = {
        "uuid": next(iter(ids["uuid"]), str(uuid4())),
        "productId": next(iter(ids["product_id"])),
        "optionId": "floor",
        "availabilityId": ids["performance_id"][0],
        "availabilityIds": ids["performance_id"],
        "unitItems": [{"unitId": "adult"}],
        "reservation_id": ids["hold_id"][0],
        "order_reference": "theirs",
        "datetime": "2026-12-30T10:00",
        "tickets": [{"variant_id": "floor:adult", "quantity": 1}],
        "customer": {"first_name": "Ada"},
        "url": "https://ann.example.org/",
        "event": "booking_update",
    }
    yield wanted
    yield wanted | {"orderId": ids["order_id"][-1]}


def body_of(method, route, ids):
    """Return an example's body with ids of the other world."""
    name = f"{method} " + VARIABLE.sub(r"{\1}", route)
    said = EXAMPLES.get(name, {}).get("request", {})

    def other(value, key=""):
        if isinstance(value, dict):
            return {name: other(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [other(one, key) for one in value]
        if isinstance(value, str) and UUID.fullmatch(value):
            kind = {"into": "production_id", "parent_id": "partner_id"}.get(key, key)
            known = ids.get(kind.removesuffix("s"), ids["performance_id"])
            return (known or ids["performance_id"])[0]
        return value

    return other(said)


def asked(ids):
    """Yield every guarded route with ids of the other world, and who may ask it."""
    for (method, route), access in ROUTES.items():
        if access.is_open:
            continue
        names = VARIABLE.findall(route)
        chosen = [
            (WORDS.get(name) or ids.get(name) or [str(uuid4())]) for name in names
        ]
        for values in islice(product(*chosen), EACH * EACH):
            left = iter(values)
            path = VARIABLE.sub(lambda _, left=left: next(left), route)
            bodies = [None]
            if method != "GET":
                is_ours = route.startswith("/v1/")
                own = [body_of(method, route, ids)]
                bodies = own if is_ours else dialect_bodies(ids)
            for body in bodies:
                yield method, route, path, access, body


def everybody_asks(hub, keys, ids, known):
    """Ask all there is; return what was told of the other world, and how often asked."""
    told, count = [], 0
    for method, route, path, access, body in asked(ids):
        foreign = set(VARIABLE.findall(route)) & IDS
        sent = set(UUID.findall(path)) | set(UUID.findall(json.dumps(body)))
        for kind in sorted(access.kinds):
            more = {"API-Key": keys[kind]} if route.startswith("/tiqets/") else {}
            answer = hub.call(
                *(keys[kind], method, path, body), key=str(uuid4()), headers=more
            )
            said = answer.get_data().decode(errors="replace")
            count += 1
            leaked = (set(UUID.findall(said)) & known) - sent
            if leaked or (foreign and answer.status_code < 400):
                told.append(
                    (kind, method, path, answer.status_code, said[:300], leaked)
                )
    return told, count


@pytest.fixture
def worlds(hub):
    """Two worlds that have everything: one outside, one a sandbox."""
    story = Story(hub)
    agent_examples.tell(story)
    staff_examples.tell(story)
    hub.deliver([performance("later", days=55)])
    hub.work()
    Reseller(hub).reserve(n=-1)
    rehearsal = Rehearsal(hub)
    for step in STEPS.values():
        step(rehearsal)
    for who in ("ann", rehearsal.who):
        octo = Reseller(hub, who)
        octo.call("POST", "/orders", {})
        url = {"url": "https://ann.example.org/octo", "event": "booking_update"}
        octo.call("POST", "/webhooks", url)
    return hub, rehearsal.world


@pytest.mark.parametrize("is_outward", [True, False])
def test_worlds_never_meet_on_any_route(worlds, is_outward):
    hub, sandbox = worlds
    here, there = (sandbox, WORLD) if is_outward else (WORLD, sandbox)
    keys = staff(here)
    with transaction() as session:
        ids, known = of_world(session, there), every_id(session, there)
        known -= every_id(session, here)
        before = print_of(session, there)
    full = {name for name, found in ids.items() if found}
    if is_outward:  # the story has one of everything
        assert full >= IDS - {"case_id"}
    told, count = everybody_asks(hub, keys, ids, known)
    assert told == []
    assert count > len(ROUTES)
    with transaction() as session:
        after = print_of(session, there)
    assert {t for t in before if before[t] != after[t]} == set()


def test_control_an_id_of_ones_own_world_is_answered(worlds):
    """The same questions with own ids are answered: they would tell, if they could."""
    hub, sandbox = worlds
    keys = staff(sandbox)
    with transaction() as session:
        ids, known = of_world(session, sandbox), every_id(session, sandbox)
    told, _ = everybody_asks(hub, keys, ids, known)
    assert len(told) > 50
    with transaction() as session:
        seen = print_of(session, sandbox)
    assert seen["hold"] != print_of_nothing()


def print_of_nothing():
    return ["d41d8cd98f00b204e9800998ecf8427e"]
