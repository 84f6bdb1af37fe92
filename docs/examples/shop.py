"""A ticket shop: keeps a copy of the catalogue, sells, and settles.

    export HUB=http://127.0.0.1:8080 KEY=hub_...
    python shop.py follow           # once, and then as often as you like
    python shop.py sell opera 2     # two tickets for something called opera
    python shop.py settle 2026-12   # compare the month's statements with our orders

It may be stopped at any moment: what it reads is written together with how far it has
read, and a sale's reference, written first, makes its keys: cut off, it goes on.
"""

import csv
import os
import sqlite3
import sys
import time

import requests

TABLES = """
CREATE TABLE IF NOT EXISTS position (at INTEGER);
CREATE TABLE IF NOT EXISTS performance (id PRIMARY KEY, title, starts_at);
CREATE TABLE IF NOT EXISTS sale (reference PRIMARY KEY, offer, quantity, id, state, net)
"""
REPLACE = "INSERT OR REPLACE INTO performance VALUES (?, ?, ?)"
BEGIN = "INSERT INTO sale (reference, offer, quantity) VALUES (?, ?, ?)"
NOTE = "UPDATE sale SET id = ?, state = ?, net = ? WHERE reference = ?"


class Shop:
    def __init__(self, hub, key, path="shop.sqlite3"):
        self.hub, self.http, self.db = hub, requests.Session(), sqlite3.connect(path)
        self.http.headers["Authorization"] = f"Bearer {key}"
        self.db.executescript(TABLES)

    def call(self, method, path, body=None, key=None):
        """Ask the hub, again where it says that this helps or a reply is lost."""
        reply, headers = None, {"Idempotency-Key": key} if key else {}
        for attempt in range(8):
            try:
                reply = self.http.request(
                    method, self.hub + path, json=body, headers=headers, timeout=30
                )
            except requests.RequestException:
                time.sleep(2**attempt / 10)
                continue
            if reply.ok:
                return reply
            if reply.json()["retry"] not in {"same-key", "later"}:
                break
            time.sleep(min(int(reply.headers.get("Retry-After", 1)), 60))
        raise RuntimeError(reply.json() if reply is not None else "no answer")

    def get(self, path):
        return self.call("GET", path).json()

    def follow(self):
        """Bring the copy up to date: a snapshot first, then what has changed."""
        row = self.db.execute("SELECT at FROM position").fetchone() or self.snapshot()
        changes = self.get(f"/v1/changes?limit=1000&after={row[0]}")
        for change in changes["items"]:
            if change["kind"] == "performance":
                self.look_up(change["id"])
            elif change["kind"] == "order":
                self.note(self.get(f"/v1/orders/{change['id']}"))
        self.db.execute("UPDATE position SET at = ?", [changes["next"]])
        self.db.commit()
        return len(changes["items"])

    def snapshot(self):
        """Read all there is; what changes meanwhile comes after *latest*."""
        latest, path = self.get("/v1/changes?limit=1")["latest"], "/v1/performances"
        while path:
            page = self.get(path)
            self.db.executemany(REPLACE, map(self.row, page["items"]))
            path = page["next"] and f"/v1/performances?after={page['next']}"
        self.db.execute("INSERT INTO position VALUES (?)", [latest])
        return [latest]

    def row(self, performance):
        title = " / ".join(performance["title"].values())
        return performance["id"], title, performance["starts_at"]

    def look_up(self, performance_id):
        path = f"/v1/performances/{performance_id}"
        reply = self.http.get(self.hub + path, timeout=30)
        if reply.ok and reply.json()["status"] == "scheduled":
            self.db.execute(REPLACE, self.row(reply.json()))
        else:
            self.db.execute("DELETE FROM performance WHERE id = ?", [performance_id])

    def sell(self, words, quantity):
        """Sell tickets of the first performance that has them; return the order."""
        self.finish()
        found = "SELECT id FROM performance WHERE title LIKE ? ORDER BY starts_at"
        for (performance_id,) in self.db.execute(found, [f"%{words}%"]).fetchall():
            seen = self.get(f"/v1/performances/{performance_id}/availability")
            for offer in (one for area in seen["areas"] for one in area["offers"]):
                if (offer["available"] or 0) >= quantity >= offer["tickets_min"]:
                    reference = f"shop-{time.time_ns()}"
                    self.db.execute(BEGIN, [reference, offer["offer_id"], quantity])
                    self.db.commit()  # from here on it is finished, whatever happens
                    return self.finish()
        raise RuntimeError(f"nothing called {words} has {quantity} tickets left")

    def finish(self):
        """Finish what was begun: the same keys, so that nothing is bought twice."""
        begun = "SELECT reference, offer, quantity FROM sale WHERE id IS NULL"
        order = None
        for own, offer, quantity in self.db.execute(begun).fetchall():
            lines = {"lines": [{"offer_id": offer, "quantity": quantity}]}
            try:
                hold = self.call("POST", "/v1/holds", lines, f"{own}/hold").json()
                wanted = {"hold_id": hold["id"], "reference": own}
                order = self.call("POST", "/v1/orders", wanted, f"{own}/order").json()
            except RuntimeError:  # sold out meanwhile, say: nothing was bought
                self.db.execute("DELETE FROM sale WHERE reference = ?", [own])
                self.db.commit()
                raise
            self.note(order)
            self.db.commit()
        return order

    def note(self, order):
        net = sum(line["net_minor"] for line in order["lines"])
        self.db.execute(NOTE, [order["id"], order["state"], net, order["reference"]])

    def settle(self, period):
        """Compare statements with our orders; return what is not as we have it."""
        due = {}
        for statement in self.get(f"/v1/statements?period={period}")["items"]:
            text = self.call("GET", f"/v1/statements/{statement['id']}/lines").text
            for line in csv.DictReader(text.splitlines()):
                due.setdefault(line["order_id"], []).append(int(line["due_minor"]))
        own = self.db.execute("SELECT id, net FROM sale WHERE state = 'confirmed'")
        found = {order: (net, sum(due.get(order, [0]))) for order, net in own}
        return {order: both for order, both in found.items() if both[0] != both[1]}


if __name__ == "__main__":
    shop = Shop(os.environ["HUB"], os.environ["KEY"])
    match sys.argv[1:]:
        case ["follow"]:
            print(shop.follow(), "changes")
        case ["sell", words, quantity]:
            print([t["code"] for t in shop.sell(words, int(quantity))["tickets"]])
        case ["settle", period]:
            print(shop.settle(period) or "every order agrees")
        case _:
            sys.exit(__doc__)
