"""A hub with a simulated cinema chain as its supplier, driven as its users would."""

import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import text

from connectors.services import syncing
from connectors.services.guarding import Suppliers
from connectors.services.sealing import Sealer
from connectors.services.sources import open_source
from hub import suppliers as working
from hub.kernel.db import transaction
from tests.hubs import CREDENTIALS_KEY, WORLD
from tests.simulators.kinds import credentials, settings, simulator
from tests.simulators.serving import serving

PACE, LEAST = 0.02, 5  # seconds between attempts; rounds of work, how slow they be
PATIENT_MS = 10_000  # no answer of a busy machine takes longer
CALLED_AFTER_S = 1.0  # a person calls a supplier when nothing is on its way any more


@dataclass
class Cinemas:
    """A hub that sells a simulated chain."""

    hub: Any
    there: Any
    url: str
    source_id: Any
    suppliers: Suppliers
    first: Any = None

    @property
    def house(self):
        return self.there.house

    @property
    def faults(self):
        return self.there.faults

    def listen_for(self, operation_ms):
        """Have the hub wait no longer than this for an answer from now on."""
        listen_for(self.suppliers, self.source_id, operation_ms)

    def sync(self):
        """Read the chain now; return what the sync says of itself."""
        with transaction() as session:
            due = text(
                "UPDATE source SET leased_until = NULL, next_sync_at = CASE"
                " WHEN id = :id THEN clock_timestamp() END"
            )
            session.execute(due, {"id": self.source_id})
        with transaction() as session:
            found = syncing.lease_due(session)
        sync_id = syncing.sync(self.suppliers, found)
        self.hub.work()
        with transaction() as session:
            row = session.execute(
                text("SELECT * FROM source_sync WHERE id = :id"), {"id": sync_id}
            ).one()
        return row._asdict()

    @property
    def can(self):
        return self.suppliers.capabilities(self.source_id)

    @property
    def has_seats(self):
        return self.can.seat_choice

    @property
    def stalls(self):
        """What the first area is here: the stalls, or all that is told together."""
        return self.there.areas[0]

    @property
    def size(self):
        """How many places the stalls have here, or where they are not told apart all."""
        return 40 if self.has_seats or self.each == 2 else 60

    @property
    def each(self):
        """How many performances a session of the house is here: one, or by area."""
        return self.there.each

    def refs_of(self, no, among):
        """Which of some references are a session's of the first cinema."""
        return {ref for ref in among if self.session_of(ref) == f"0001/{no}"}

    def session_of(self, ref):
        """What the house calls a performance."""
        if not self.has_seats:
            return self.there.sale_of(ref)[0]
        told = getattr(self.there, "session_of", None)
        return ref if told is None else told(ref)

    def performances(self, who="ann"):
        """Return what is on sale; of options told apart, those of the stalls."""
        found = self.hub.get(who, "/v1/performances?limit=100")["items"]
        if self.each == 1:
            return found
        with transaction() as session:
            refs = dict(
                map(tuple, session.execute(text("SELECT id, ref FROM performance")))
            )
        return [p for p in found if "|STAL|" in refs[UUID(p["id"])]]

    def offers(self, performance=0, who="ann"):
        found = self.performances(who)[performance]
        return {
            area["area"]: {o["price_type"]: o["offer_id"] for o in area["offers"]}
            for area in self.hub.areas(who, found["id"]).values()
        }

    def every_offer(self, who="ann", performances=None):
        """Return the offers to adults of so many performances, in every area."""
        areas = self.there.areas
        among = (
            range(len(self.performances()))
            if performances is None
            else range(performances)
        )
        return [self.offer(n, area, who=who) for n in among for area in areas]

    def offer(self, performance=0, area=None, kind="adult", who="ann"):
        area = area or self.stalls
        return self.offers(performance, who)[area][kind]

    def work(self, seconds=5.0):
        """Do what workers would until nothing of a sale is unknown, or for a while."""
        deadline = time.monotonic() + seconds
        for no in count():
            if not self.unknown() or (no >= LEAST and time.monotonic() > deadline):
                break
            working.work_off(self.suppliers, pace=PACE)
            if not self.can.ask_by_key:
                self.call_the_cinema()
            time.sleep(0.01)
        return self.unknown()

    def call_the_cinema(self):
        """Settle cases as a person does: by what the house says of the order."""
        waited = "SELECT id FROM supplier_order WHERE case_since IS NOT NULL AND"
        waited += " sent_at < clock_timestamp() - make_interval(secs => :s)"
        with transaction() as session:
            ids = session.scalars(text(waited), {"s": CALLED_AFTER_S}).all()
        keys = {part["id"]: self.key_of(part) for part in self.parts()}
        for part_id in ids:
            order = self.house.orders.get(keys[part_id])
            is_sold = order is not None and order.state == "sold"
            said = {"outcome": "sold" if is_sold else "not-sold"}
            if is_sold:
                said["codes"] = sorted(set(order.codes.values()))
            path = f"/v1/supplier-cases/{part_id}/decision"
            self.hub.post("operator", path, said, 200)

    def let_locks_lapse(self):
        """Let the time pass in which a lock runs out, there and here."""
        gone_s = self.house.lock_s + 1_000
        with self.house.mutex:
            for order in self.house.orders.values():
                order.until -= gone_s
        ago = "UPDATE supplier_order SET sent_at = sent_at - make_interval(secs => :s),"
        ago += " next_at = next_at - make_interval(secs => :s)"
        with transaction() as session:
            session.execute(text(ago), {"s": gone_s})

    def locks_left(self):
        """What is locked there, and will not run out by itself."""
        if not self.can.release:
            self.let_locks_lapse()
        return self.house.locks()

    def let_go(self, seconds=5.0):
        """Do what workers would until nothing is locked there, or for a while."""
        deadline = time.monotonic() + seconds
        working.work_off(self.suppliers, pace=PACE)
        while self.locks_left() and time.monotonic() < deadline:
            working.work_off(self.suppliers, pace=PACE)
            time.sleep(0.01)
        return self.locks_left()

    def unknown(self):
        with transaction() as session:
            return session.scalar(
                text(
                    "SELECT count(*) FROM supplier_order WHERE state IN ('locking',"
                    " 'selling', 'unknown', 'undoing', 'cancelling') OR (state IN"
                    " ('sold', 'ended') AND next_at IS NOT NULL)"
                )
            )

    def waiting(self):
        """What is still to be asked of parts, for who reads why a proof failed."""
        told = ("state", "attempts", "next_at", "sent_at", "lock_until", "said")
        due = (part for part in self.parts() if part["next_at"] is not None)
        return [[part[name] for name in told] for part in due]

    def key_of(self, part):
        """What the house knows a part's order by."""
        if self.can.own_order_key:
            return part["id"].hex
        told = (part["theirs"] or "").removeprefix("booking:")
        orders = self.house.orders.values()
        return next((o.key for o in orders if told in {o.key, o.booking}), told)

    def parts(self):
        with transaction() as session:
            rows = session.execute(text("SELECT * FROM supplier_order ORDER BY id"))
            return [row._asdict() for row in rows]

    def sold_here(self):
        """What the hub has sold, as the house names it: (session, seat) -> times."""
        found = text(
            "SELECT p.ref, s.code FROM ticket t JOIN performance p"
            " ON p.id = t.performance_id JOIN seat s ON s.id = t.seat_id"
            " WHERE t.cancelled_at IS NULL ORDER BY 1, 2"
        )
        if not self.has_seats:
            return self._counted_here()
        with transaction() as session:
            rows = session.execute(found).all()
        return sorted(
            (self.session_of(row.ref), self.there.place(row.code)) for row in rows
        )

    def _counted_here(self):
        """What the hub has sold where there are no seats: (session, area) -> times."""
        found = text(
            "SELECT p.ref FROM ticket t JOIN performance p ON p.id = t.performance_id"
            " WHERE t.cancelled_at IS NULL"
        )
        with transaction() as session:
            return sorted(map(self.there.sale_of, session.scalars(found)))

    def sold_there(self, keys=None):
        """What the house has sold, or has under some keys: (session, place)."""
        found = [
            place
            for place, key in self.house.sold().items()
            if keys is None or key in keys
        ]
        if self.has_seats:
            return sorted(found)
        return sorted(
            (session, self.there.area_of(self._seat(session, at)))
            for session, at in found
        )

    def _seat(self, session, at):
        return self.house.session(*session.split("/"))[1].seats[at]


def listen_for(suppliers, source_id, operation_ms):
    """Have a hub wait no longer than this for a source's answer from now on."""
    changed = "UPDATE source SET operation_ms = :ms, version = version + 1"
    with transaction() as session:
        values = {"ms": operation_ms, "id": source_id}
        session.execute(text(f"{changed} WHERE id = :id"), values)
    suppliers.close()  # it forgets what it knew


@contextmanager
def opened(hub, kind, *, operation_ms=PATIENT_MS, there=None, plan=None, **more):
    """Serve a chain, set it up as a source of the hub, read it, plan its sale."""
    there = there or simulator(kind, **more)
    suppliers = hub.app.extensions["suppliers"]
    with serving(there.app()) as url:
        source_id = set_up(hub, kind, url, there)
        found = Cinemas(hub, there, url, source_id, suppliers)
        try:
            found.first = found.sync()
            assert found.first["state"] == "done", found.first
            found.listen_for(operation_ms)
            hub.plan(plan)
            yield found
        finally:
            suppliers.close()


def set_up(hub, kind, url, there, *, name=None, supplier="sup", **more):
    """Make a source of a chain that is served; return its id."""
    wanted = {
        "name": name or kind,
        "kind": kind,
        "url": url + there.base,
        "settings": settings(kind),
        "credentials": credentials(kind, there),
        "drop_share_max_bp": 2_000,
        "every_s": 60,
        "connect_ms": 500,
        "operation_ms": PATIENT_MS,
        "at_once": 16,
        "reads_per_minute": 0,
        "tolerance_minor": 0,
        **more,
    }
    sealer = Sealer([CREDENTIALS_KEY])
    with transaction() as session:
        supplier_id = hub.ids[supplier]
        source = open_source(
            session, sealer, wanted, world=WORLD, supplier_id=supplier_id
        )
        return source.id
