"""The Tiqets supplier API over HTTP, and the tester that Tiqets publishes."""

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.dialects.reseller import closing, day
from tests.hubs import performance, production
from tests.servers import serving

TESTER = Path(__file__).parents[2] / ".venv/tester/bin/supplier_tester"


class Tiqets:
    """Asks as Tiqets does."""

    def __init__(self, hub, who="ann"):
        self.hub, self.key = hub, hub.keys[who]

    def call(self, method, path, body=None, expect=200):
        answer = self.hub.call(
            *(None, method, f"/tiqets/v2{path}", body), headers={"API-Key": self.key}
        )
        assert answer.status_code == expect, answer.get_data(as_text=True)
        return answer.get_json() if answer.get_data() else None

    def products(self):
        return {one["name"]: one for one in self.call("GET", "/products")}

    def slots(self, product, ahead=60):
        path = f"/products/{product['id']}/availability?start={day()}&end={day(ahead)}"
        return self.call("GET", path)

    def reserve(self, product, when, tickets, expect=200):
        said = {
            "datetime": when,
            "tickets": [{"variant_id": v, "quantity": n} for v, n in tickets.items()],
            "customer": {"first_name": "Ada", "last_name": "L"},
        }
        path = f"/products/{product['id']}/reservation"
        return self.call("POST", path, said, expect)

    def book(self, reservation, reference, expect=200):
        said = {"reservation_id": reservation["reservation_id"]}
        return self.call(
            "POST", "/booking", said | {"order_reference": reference}, expect
        )


@pytest.fixture
def tiqets(hub):
    hub.deliver([production("expo", title={"en": "An exhibition"})])
    hub.on_sale()
    return Tiqets(hub)


def test_it_is_told_reserved_booked_and_cancelled(tiqets):
    product = tiqets.products()["A play - A hall"]
    [(when, slot)] = tiqets.slots(product).items()
    assert when.startswith(day(30))
    assert slot["available_tickets"] == 180  # of the floor and of the stalls
    told = {one["id"]: one["price"]["amount"] for one in slot["variants"]}
    assert told == {
        "floor:adult": "46.50",
        "floor:child": "22.50",
        "stalls:adult": "80.00",
    }
    wanted = {"floor:adult": 2, "stalls:adult": 1}
    held = tiqets.reserve(product, when, wanted)
    assert held["unit_price"]["floor:adult"]["amount"] == "46.50"
    sold = tiqets.book(held, "T-1")
    assert {v: len(codes) for v, codes in sold["tickets"].items()} == wanted
    assert tiqets.book(held, "T-1") == sold  # its reply was lost
    [order] = tiqets.hub.get("ann", "/v1/orders?reference=T-1")["items"]
    codes = {c for codes in sold["tickets"].values() for c in codes}
    assert {t["code"] for t in order["tickets"]} == codes
    tiqets.call("DELETE", f"/booking/{sold['booking_id']}", expect=204)
    again = tiqets.call("DELETE", f"/booking/{sold['booking_id']}", expect=400)
    assert again["error_code"] == 3003
    tiqets.hub.assert_lawful()


def test_what_cannot_be_is_refused_by_its_number(tiqets):
    product = tiqets.products()["A play - A hall"]
    [when] = tiqets.slots(product)
    for _ in range(3):
        tiqets.reserve(product, when, {"stalls:adult": 10})
    for wanted, number in (
        ({"floor:senior": 1}, 2003),
        ({"floor:adult": 90}, 3008),
        ({"stalls:adult": 1}, 3000),
    ):
        assert tiqets.reserve(product, when, wanted, 400)["error_code"] == number
    assert (
        tiqets.reserve(product, "2026-1-1", {"floor:adult": 1}, 400)["error_code"]
        == 2000
    )
    later = f"{day(31)}T12:00"
    assert tiqets.reserve(product, later, {"floor:adult": 1}, 400)["error_code"] == 2009
    held = tiqets.reserve(product, when, {"floor:adult": 1})
    tiqets.hub.move_clock(minutes=16)
    assert tiqets.book(held, "T-2", 400)["error_code"] == 3001
    bob = Tiqets(tiqets.hub, "bob")
    assert bob.book(held, "T-3", 400)["error_code"] == 3002
    tiqets.hub.assert_lawful()


def test_what_may_be_visited_any_day_has_a_slot_a_day(tiqets):
    expo = performance("e1", days=2, production="expo", open_dated=True)
    tiqets.hub.deliver([expo | {"ends_at": closing(9)}])
    tiqets.hub.work()
    product = tiqets.products()["An exhibition - A hall"]
    assert product["use_timeslots"] is False
    found = tiqets.slots(product)
    assert list(found) == [f"{day(n)}T00:00" for n in range(2, 10)]
    held = tiqets.reserve(product, f"{day(4)}T00:00", {"floor:adult": 1})
    assert tiqets.book(held, "E-1")["tickets"]


def test_a_key_that_is_none_is_refused_as_tiqets_has_it(tiqets):
    for headers in ({}, {"API-Key": "nobody"}, {"API-Key": tiqets.hub.keys["sup"]}):
        answer = tiqets.hub.call(None, "GET", "/tiqets/v2/products", headers=headers)
        text = answer.get_data(as_text=True)
        assert (answer.status_code, text) == (
            403,
            "Forbidden - Missing or incorrect API key",
        )


@pytest.mark.skipif(not TESTER.exists(), reason="supplier-api-tester is not installed")
def test_the_tester_of_tiqets_passes_all_of_its_tests(hub):
    hub.on_sale(days=10)
    product = Tiqets(hub).products()["A play - A hall"]
    with serving(hub.settings) as (url, _):
        command = [TESTER, "-u", f"{url}/tiqets", "-k", hub.keys["ann"], "-v", "2"]
        done = subprocess.run(
            [*command, "-p", product["id"], "-nc"],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    outcomes = Counter(line.split()[0] for line in said.splitlines() if "  #" in line)
    assert outcomes == {"OK": 25}, said
    hub.assert_lawful()
