"""A client that loses replies, repeats itself, comes back and mixes things up.

Whatever happens on the way, in the end it has the orders that the server has: it only
writes down what it wants before it asks, and asks again with the same key.
"""

import random
import threading
from dataclasses import dataclass, field

import pytest
import requests

from tests.lengths import IS_LONG
from tests.servers import serving

STEPS = 60
LOST_BEFORE, LOST_AFTER, TWICE, LATE, RESTARTS = 0.1, 0.2, 0.15, 0.1, 0.08
SEEDS = (1, 2, 3) if IS_LONG else (1,)


class LostError(Exception):
    """The request or its reply has not arrived; nobody knows which."""


@dataclass
class Line:
    """A connection to the hub that is as bad as *dice* have it."""

    url: str
    key: str
    dice: random.Random
    late: list = field(default_factory=list)

    def __post_init__(self):
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {self.key}"

    def send(self, method, path, body=None, key=None):
        roll = self.dice.random
        if roll() < LOST_BEFORE:
            raise LostError
        said = (method, path, body, key)
        if roll() < LATE and key is not None:
            self.late.append(said)  # the network delivers it once more, much later
        reply = self._send(*said)
        if roll() < TWICE and key is not None:
            again = self._send(*said)
            assert again.status_code == reply.status_code or not reply.ok
            if reply.ok:
                assert again.json() == reply.json()
        if self.late and roll() < 0.3:
            self._send(*self.late.pop(self.dice.randrange(len(self.late))))
        if roll() < LOST_AFTER:
            raise LostError
        return reply

    def _send(self, method, path, body, key):
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.request(
            method, self.url + path, json=body, headers=headers, timeout=30
        )


@dataclass
class Client:
    """What a shop keeps: wishes, written before they are sent, and what came of them.

    ``journal`` survives a restart; ``memory`` does not.
    """

    line: Line
    offers: list
    dice: random.Random
    name: str
    is_careful: bool = True
    journal: dict = field(default_factory=dict)
    memory: dict = field(default_factory=dict)
    orders: dict = field(default_factory=dict)
    number: int = 0

    def want(self, kind, path, body):
        """Write a wish down; careless clients make a new key for every try."""
        self.number += 1
        key = f"{self.name}-{self.number}"
        self.journal[key] = {"kind": kind, "path": path, "body": body}
        return key

    def carry_out(self, key):
        """Send a wish; return its reply, or None if nobody knows what became of it."""
        wish = self.journal[key]
        sent = key if self.is_careful else f"{key}-{self.dice.random()}"
        try:
            reply = self.line.send("POST", wish["path"], wish["body"], sent)
        except LostError:
            return None
        if reply.status_code in {429, 503}:
            return None
        del self.journal[key]
        if reply.ok:
            self.learn(wish["kind"], reply.json())
        return reply

    def learn(self, kind, said):
        if kind == "hold":
            self.memory[said["id"]] = said
        else:
            self.orders[said["id"]] = said

    def step(self):
        if self.dice.random() < RESTARTS:
            self.memory.clear()
        if self.journal and self.dice.random() < 0.6:
            self.carry_out(self.dice.choice(sorted(self.journal)))
            return
        choice = self.dice.random()
        if choice < 0.4 or not (self.memory or self.orders):
            wanted = [
                {
                    "offer_id": self.dice.choice(self.offers),
                    "quantity": self.dice.randint(1, 3),
                }
            ]
            key = self.want("hold", "/v1/holds", {"lines": wanted})
        elif choice < 0.75 and self.memory:
            hold = self.memory.pop(self.dice.choice(sorted(self.memory)))
            reference = f"{self.name}-r{self.number}"
            body = {"hold_id": hold["id"], "reference": reference}
            key = self.want("order", "/v1/orders", body)
        elif self.orders:
            order = self.orders[self.dice.choice(sorted(self.orders))]
            left = [t["id"] for t in order["tickets"] if t["state"] == "valid"]
            if not left:
                return
            body = {"ticket_ids": [self.dice.choice(left)]}
            key = self.want("cancel", f"/v1/orders/{order['id']}/cancellations", body)
        else:
            return
        self.carry_out(key)

    def finish(self):
        """Send what is still open until everything has an answer."""
        for _ in range(500):
            if not self.journal:
                return
            self.carry_out(min(self.journal))
        raise AssertionError(self.journal)


def rage(hub, url, seed, who, offers, *, is_careful=True):
    dice = random.Random(f"{seed}-{who}")  # noqa: S311
    line = Line(url, hub.keys[who], dice)
    client = Client(line, offers, dice, f"{who}-{seed}", is_careful)
    for _ in range(STEPS):
        client.step()
    client.finish()
    return client


def on_server(hub, who):
    found, after = {}, ""
    while after is not None:
        page = hub.get(who, f"/v1/orders?limit=50{after and f'&after={after}'}")
        found |= {order["id"]: order for order in page["items"]}
        after = page["next"]
    return found


def newest(client, hub, who):
    """Return what the client has, brought up to the versions it may have missed."""
    return {
        order_id: order
        if order["version"] == hub.get(who, f"/v1/orders/{order_id}")["version"]
        else hub.get(who, f"/v1/orders/{order_id}")
        for order_id, order in client.orders.items()
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_a_client_that_loses_replies_ends_with_the_servers_orders(hub, seed):
    sold = hub.on_sale(floor=120)
    offers = [hub.offer_id("ann", sold["id"], a) for a in ("floor", "stalls")]
    clients = {}

    def run(who, url):
        clients[who] = rage(hub, url, seed, who, offers)

    with serving(hub.settings, threads=8) as (url, _):
        threads = [threading.Thread(target=run, args=(w, url)) for w in ("ann", "bob")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(clients) == {"ann", "bob"}
    for who, client in clients.items():
        server = on_server(hub, who)
        assert len(server) > 5
        assert set(client.orders) == set(server)
        assert newest(client, hub, who) == server
        references = [order["reference"] for order in server.values()]
        assert len(set(references)) == len(references)
        last = {i: o["version"] for i, o in client.orders.items()}
        assert last == {i: o["version"] for i, o in server.items()}
    hub.assert_lawful()


def test_control_a_client_with_new_keys_does_not(hub):
    """Without the same key for the same wish it cancels twice, or loses its orders."""
    sold = hub.on_sale(floor=120)
    offers = [hub.offer_id("ann", sold["id"])]
    is_wrong = False
    with serving(hub.settings, threads=8) as (url, _):
        for seed in range(4):
            client = rage(hub, url, f"careless-{seed}", "ann", offers, is_careful=False)
            server = on_server(hub, "ann")
            mine = {
                i: o
                for i, o in server.items()
                if o["reference"].startswith(client.name)
            }
            is_wrong |= set(client.orders) != set(mine)
    assert is_wrong
