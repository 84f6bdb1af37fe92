"""A ticket shop: keeps a copy of the catalogue, sells, and settles.

export HUB=http://127.0.0.1:8080 KEY=hub_...
python shop.py follow           # once, and then as often as you like
python shop.py sell opera 2     # two tickets for something called opera
python shop.py settle 2026-12   # compare the month's statements with our orders
"""

import csv
import json
import os
import sqlite3
import sys
import time

import requests

TABLES = """CREATE TABLE IF NOT EXISTS position (at INTEGER);
CREATE TABLE IF NOT EXISTS performance (id PRIMARY KEY, title, starts_at);
CREATE TABLE IF NOT EXISTS sale (reference PRIMARY KEY, offer, quantity, bought);"""
BEGIN = "INSERT INTO sale (reference, offer, quantity) VALUES (?, ?, ?)"


class Refused(Exception):
    """The hub has decided; asking again in the same way would not help."""


class Shop:
    def __init__(self, hub, key, path="shop.sqlite3"):
        self.hub, self.http, self.db = hub, requests.Session(), sqlite3.connect(path)
        self.http.headers["Authorization"] = f"Bearer {key}"
        self.db.executescript(TABLES)

    def call(self, method, path, body=None, key=None):
        """Ask the hub, again where its reply is lost or it is busy just now."""
        told = {"headers": {"Idempotency-Key": key} if key else {}, "timeout": 30}
        for attempt in range(8):
            try:
                reply = self.http.request(method, self.hub + path, json=body, **told)
            except requests.RequestException:
                time.sleep(2**attempt / 10)
                continue
            if reply.ok:
                return reply
            if reply.status_code not in {429, 503}:
                raise Refused(reply.json()["code"], reply.json())
            time.sleep(min(int(reply.headers.get("Retry-After", 1)), 60))
        raise RuntimeError("no answer; run it again, it goes on where it was")

    def get(self, path):
        return self.call("GET", path).json()

    def follow(self):
        """Bring the copy up to date: a snapshot first, then what has changed."""
        (at,) = self.db.execute("SELECT at FROM position").fetchone() or self.snapshot()
        latest = None
        while at != latest:  # what is read is written with how far it has read
            try:
                changes = self.get(f"/v1/changes?limit=1000&after={at}")
            except Refused:  # we were away for so long that they are not kept
                self.db.execute("DELETE FROM position")
                return self.follow()
            for change in changes["items"]:
                if change["kind"] == "performance":
                    self.look_up(change["id"])
                elif change["kind"] == "order":
                    self.note(self.get(f"/v1/orders/{change['id']}"))
            at, latest = changes["next"], changes["latest"]
            self.db.execute("UPDATE position SET at = ?", [at])
            self.db.commit()
        return at

    def snapshot(self):
        latest, path = self.get("/v1/changes?limit=1")["latest"], "/v1/performances"
        self.db.execute("DELETE FROM performance")
        while path:
            page = self.get(path)
            for performance in page["items"]:
                self.keep(performance)
            path = page["next"] and f"/v1/performances?after={page['next']}"
        self.db.execute("INSERT INTO position VALUES (?)", [latest])
        return (latest,)

    def keep(self, performance):
        said = (performance["id"], str(performance["title"]), performance["starts_at"])
        self.db.execute("INSERT OR REPLACE INTO performance VALUES (?, ?, ?)", said)

    def look_up(self, performance_id):
        self.db.execute("DELETE FROM performance WHERE id = ?", [performance_id])
        try:
            found = self.get(f"/v1/performances/{performance_id}")
        except Refused:  # withdrawn
            return
        if found["status"] == "scheduled":
            self.keep(found)

    def sell(self, words, quantity):
        quantity = int(quantity)
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
        raise Refused(f"nothing called {words} has {quantity} tickets left")

    def finish(self):
        """Finish what was begun: the same keys, so that nothing is bought twice."""
        begun, order = "SELECT * FROM sale WHERE bought IS NULL", None
        for own, offer, quantity, _ in self.db.execute(begun).fetchall():
            lines = {"lines": [{"offer_id": offer, "quantity": quantity}]}
            try:
                hold = self.call("POST", "/v1/holds", lines, f"{own}/hold").json()
                wanted = {"hold_id": hold["id"], "reference": own}
                order = self.call("POST", "/v1/orders", wanted, f"{own}/order").json()
                self.note(order)
            except Refused:  # sold out meanwhile, say: nothing was bought
                self.db.execute("DELETE FROM sale WHERE reference = ?", [own])
                raise
            finally:
                self.db.commit()
        return order and [ticket["code"] for ticket in order["tickets"]]

    def note(self, order):
        said = (json.dumps(order), order["reference"])
        self.db.execute("UPDATE sale SET bought = ? WHERE reference = ?", said)

    def settle(self, period):
        theirs, found = {}, {}
        for statement in self.get(f"/v1/statements?period={period}")["items"]:
            text = self.call("GET", f"/v1/statements/{statement['id']}/lines").text
            for line in csv.DictReader(text.splitlines()):
                theirs.setdefault(line["order_id"], []).append(int(line["due_minor"]))
        for (said,) in self.db.execute("SELECT bought FROM sale WHERE bought NOT NULL"):
            order = json.loads(said)
            sold = order["lines"] if order["confirmed_at"].startswith(period) else []
            back = [one for one in order["refunds"] if one["at"].startswith(period)]
            net = sum(x["net_minor"] for x in sold) - sum(x["net_minor"] for x in back)
            if net != sum(theirs.get(order["id"], [])):
                found[order["id"]] = (net, theirs.get(order["id"]))
        return found or "every order agrees"


if __name__ == "__main__":
    command, *words = sys.argv[1:] or sys.exit(__doc__)
    print(getattr(Shop(os.environ["HUB"], os.environ["KEY"]), command)(*words))
