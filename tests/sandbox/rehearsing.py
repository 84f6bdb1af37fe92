"""A live partner with a sandbox of its own, whose work is done by hand."""

import time
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import text

from connectors.services import syncing
from connectors.services.guarding import Suppliers
from connectors.services.sealing import Sealer
from hub import suppliers as working
from hub.kernel.db import transaction
from hub.sales.services.lapse import lapse_due
from tests.hubs import CREDENTIALS_KEY

ROUNDS = 40


class Rehearsal:
    """What ann does in her sandbox; *who* is the name of her key there."""

    def __init__(self, hub, partner="ann", who="rehearsing"):
        self.hub, self.who = hub, who
        path = f"/v1/partners/{hub.ids[partner]}/sandbox"
        self.made = hub.post("operator", path, None)
        hub.keys[who] = self.made["key"]
        self.world = self.made["world"]
        self.suppliers = Suppliers(Sealer((CREDENTIALS_KEY,)), most=4)
        hub.work()
        while self.read():
            pass
        hub.work()

    def read(self):
        """Have the workers read one source that is due; say if there was one."""
        with transaction() as session:
            lease = syncing.lease_due(session)
        if lease is not None:
            syncing.sync(self.suppliers, lease)
        return lease is not None

    def get(self, path, expect=200):
        return self.hub.get(self.who, path, expect)

    def post(self, path, body, expect=201, key=None):
        key = key or str(uuid4())
        return self.hub.post(self.who, path, body, expect, key=key)

    def show(self, ref, n=0):
        """Return the id of a performance of a magic production."""
        every = {one["ref"]: one for one in self.get("/v1/sandbox")["productions"]}
        return every[ref]["performances"][n]

    def by_its_word(self):
        """Return a performance that its supplier sells itself."""
        found = self.get("/v1/performances?q=Sold+by+its+word&limit=1")["items"]
        return found[0]["id"]

    def offer(self, performance_id, area="floor"):
        return self.hub.offer_id(self.who, performance_id, area)

    def hold(self, performance_id, count=2, area="floor", expect=201, **more):
        lines = [{"offer_id": self.offer(performance_id, area), "quantity": count}]
        return self.post("/v1/holds", {"lines": lines, **more}, expect)

    def sell(self, hold, expect=201, key=None, **more):
        wanted = {"hold_id": hold["id"], "reference": f"r-{uuid4()}", **more}
        return self.post("/v1/orders", wanted, expect, key=key)

    def now(self):
        return datetime.fromisoformat(self.get("/v1/sandbox/checklist")["now"])

    def move(self, **by):
        """Move the sandbox's time, and do what is due then."""
        at = (self.now() + timedelta(**by)).isoformat()
        answer = self.hub.call(self.who, "PUT", "/v1/sandbox/clock", {"now": at})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        self.due()

    def due(self):
        with transaction() as session:
            lapse_due(session)
        self.hub.work()

    def settle(self, order_id, states=("confirmed", "rejected")):
        """Have the workers ask suppliers until an order is decided."""
        for _ in range(ROUNDS):
            self.work_off()
            found = self.get(f"/v1/orders/{order_id}")
            if found["state"] in states:
                return found
            time.sleep(0.05)
        raise AssertionError(found)

    def work_off(self):
        """Have the workers do what is due of sales, and what would be due later."""
        with transaction() as session:
            due = text("UPDATE supplier_order SET next_at = clock_timestamp()")
            session.execute(due)
        working.work_off(self.suppliers)

    def item(self, ref):
        items = self.get("/v1/sandbox/checklist")["items"]
        return next(one for one in items if one["ref"] == ref)

    def is_done(self, ref):
        return self.item(ref)["is_done"]
