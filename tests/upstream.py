"""A hub that supplies another: driven by hand, or served by a process of its own."""

import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from connectors.services import syncing
from connectors.services.sealing import Sealer
from connectors.services.sources import open_source
from hub import suppliers as working
from hub.kernel import db
from hub.kernel.db import transaction
from tests.hubs import CREDENTIALS_KEY, WORLD, Hub
from tests.servers import serving
from tests.settlement.months import begin_month
from tests.simulators.between import between
from tests.simulators.hubs import PATIENT_MS, listen_for

FAR, AGENT = "far", "bob"
QUOTA = {
    "rules": [
        {
            "channel": "online",
            "kind": "free-sale",
            "rules": [
                {"agent": "ann", "kind": "free-sale"},
                {"agent": "bob", "kind": "fixed", "seats": 12, "is_exclusive": True},
            ],
        }
    ]
}
FREE = {
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


@dataclass
class Upstream:
    """Where it is, and the hub it is a copy of."""

    settings: Any
    before: Hub

    @contextmanager
    def driven(self):
        """Drive it from here: no other hub of this process can be meanwhile."""
        engine = db.connect(self.settings.database_url)
        try:
            yield Hub.again(self.settings, engine, self.before)
        finally:
            engine.dispose()

    @contextmanager
    def served(self):
        """Serve it; yield its address."""
        with serving(self.settings, threads=8) as (url, _):
            yield url

    @contextmanager
    def seen(self):
        """Look into its database beside whatever this process drives."""
        engine = db.connect(self.settings.database_url)
        try:
            with engine.connect() as connection:
                yield lambda said, **where: connection.execute(text(said), where).all()
        finally:
            engine.dispose()


def named(method, path, _body):
    """What a call is called: by what it is about."""
    return f"{method} {path.split('/')[2]}" + "/cancel" * path.endswith("cancellations")


@dataclass
class Two:
    """Two hubs: this one sells what the other one lets it."""

    hub: Any
    there: Any
    url: str
    faults: Any
    source_id: Any

    @property
    def suppliers(self):
        return self.hub.app.extensions["suppliers"]

    def sync(self):
        with transaction() as session:
            session.execute(text("UPDATE source SET next_sync_at = clock_timestamp()"))
        with transaction() as session:
            lease = syncing.lease_due(session)
        sync_id = syncing.sync(self.suppliers, lease)
        self.hub.work()
        with transaction() as session:
            row = session.execute(
                text("SELECT * FROM source_sync WHERE id = :id"), {"id": sync_id}
            ).one()
        return row._asdict()

    def offer(self, area="floor", kind="adult", who="ann"):
        sale = self.hub.get(who, "/v1/performances")["items"][0]
        return self.hub.offer_id(who, sale["id"], area, kind)

    def work(self):
        unknown = text(
            "SELECT count(*) FROM supplier_order WHERE state IN ('locking', 'selling',"
            " 'unknown', 'undoing', 'cancelling')"
            " OR (state IN ('sold', 'ended') AND next_at IS NOT NULL)"
        )
        for _ in range(500):
            working.work_off(self.suppliers, pace=0.02)
            with transaction() as session:
                if session.scalar(unknown) == 0:
                    return
            time.sleep(0.01)
        pytest.fail("a sale stays unknown")

    def sold_here(self):
        """Valid codes by the reference of the order at the other hub: our key."""
        found = text(
            "SELECT replace(p.id::text, '-', '') AS key, t.code FROM ticket t"
            " JOIN sale_order o ON o.id = t.order_id"
            " JOIN supplier_order p ON p.hold_id = o.hold_id"
            " AND p.performance_id = t.performance_id WHERE t.cancelled_at IS NULL"
        )
        with transaction() as session:
            return Counter(tuple(row) for row in session.execute(found))

    def sold_there(self):
        with self.there.seen() as ask:
            return Counter(
                (row.reference, row.code)
                for row in ask(
                    "SELECT o.reference, t.code FROM ticket t JOIN sale_order o"
                    " ON o.id = t.order_id JOIN partner a ON a.id = o.agent_id"
                    " WHERE a.ref = :agent AND t.cancelled_at IS NULL",
                    agent=AGENT,
                )
            )

    def held_there(self):
        with self.there.seen() as ask:
            [row] = ask("SELECT count(*) AS n FROM hold WHERE state = 'held'")
        return row.n

    def agree(self, count):
        assert self.sold_here() == self.sold_there()
        assert sum(self.sold_here().values()) == count
        assert self.held_there() == 0
        self.hub.assert_lawful()


@contextmanager
def connected(upstream, request, *, month=False, operation_ms=PATIENT_MS, **season):
    """Have the hub of this test sell what another lets it; yield both."""
    with upstream.driven() as there:
        there.on_sale(**{"plan": QUOTA, **season})
        if month:
            begin_month(there)
    hub = request.getfixturevalue("hub")
    hub.add_partner(FAR, "supplier", commission_bp=500)
    if month:
        begin_month(hub)
    with upstream.served() as served, between(served, named) as (url, faults):
        wanted = {
            "name": "hub",
            "kind": "hub",
            "url": url,
            "settings": {},
            "credentials": {"key": hub.keys[AGENT]},
            "drop_share_max_bp": 10_000,
            "every_s": 3_600,
            "connect_ms": 1_000,
            "operation_ms": PATIENT_MS,
            "at_once": 8,
            "reads_per_minute": 0,
            "tolerance_minor": 0,
        }
        with transaction() as session:
            source = open_source(
                session,
                Sealer([CREDENTIALS_KEY]),
                wanted,
                world=WORLD,
                supplier_id=hub.ids[FAR],
            )
            source_id = source.id
        two = Two(hub, upstream, url, faults, source_id)
        assert two.sync()["state"] == "done"
        listen_for(two.suppliers, source_id, operation_ms)
        hub.post("operator", hub.of(FAR, "plans"), {"plan": FREE})
        hub.work()
        yield two
        two.suppliers.close()
