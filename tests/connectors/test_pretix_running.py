"""Against a pretix that runs: HUB_PRETIX_URL (its /api/v1) and HUB_PRETIX_TOKEN.

It wants an organizer ``hub`` and a team's token for it. Each run makes its own events.
"""

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import requests

from connectors.errors import NoAnswerError, SaidNoError
from connectors.ports import LineWanted, OrderWanted, Read, SeatWanted, Standing
from connectors.services import syncing
from connectors.services.reading import KnownRooms
from connectors.services.sealing import Sealer
from connectors.services.sources import open_source
from connectors.suppliers.pretix import PretixPort
from connectors.suppliers.soap import Waits, Wire
from hub import suppliers as working
from hub.kernel.db import transaction
from tests.hubs import CREDENTIALS_KEY, WORLD
from tests.servers import serving as hub_serving
from tests.simulators.between import between
from tests.simulators.faults import struck
from tests.simulators.kinds import settings

URL, TOKEN = os.environ.get("HUB_PRETIX_URL"), os.environ.get("HUB_PRETIX_TOKEN")
pytestmark = pytest.mark.skipif(not URL, reason="no pretix: HUB_PRETIX_URL is not set")
ORGANIZER = "/organizers/hub"
ROWS, ACROSS = "ABCD", 10


class Box:
    """The box office of the organizer: it makes events, blocks seats, sells."""

    def __init__(self):
        self.line = requests.Session()
        self.line.headers["Authorization"] = f"Token {TOKEN}"

    def call(self, method, path, body=None, expect=(200, 201, 204)):
        said = self.line.request(method, URL + ORGANIZER + path, json=body, timeout=60)
        assert said.status_code in expect, said.text[:500]
        return said.json() if said.content else None

    def event(self, *, seated):
        """Make an event of an hour from tomorrow; return its slug, its items."""
        slug = f"t{uuid4().hex[:12]}"
        starts = datetime.now(UTC) + timedelta(days=1)
        body = {
            "name": {"en": f"Test {slug}"},
            "slug": slug,
            "currency": "EUR",
            "date_from": starts.isoformat(),
            "date_to": (starts + timedelta(hours=1)).isoformat(),
            "location": {"en": f"House {slug}, Street 1"},
            "timezone": "Europe/Berlin",
            "all_sales_channels": True,
            "plugins": ["pretix.plugins.manualpayment"],
        }
        self.call("POST", "/events/", body)
        prices = {"Stalls": "40.00", "Circle": "22.00"} if seated else {"Full": "25.00"}
        items = {name: self._item(slug, name, price) for name, price in prices.items()}
        for name, one in items.items():
            more = {"items": [one], "variations": [], "subevent": None}
            quota = {"name": name, "size": 20 if seated else 80, **more}
            self.call("POST", f"/events/{slug}/quotas/", quota)
        if seated:
            plan = self.call("POST", "/seatingplans/", seating())["id"]
            seats = {"seating_plan": plan, "seat_category_mapping": items}
            self.call("PATCH", f"/events/{slug}/", seats)
        self.call("PATCH", f"/events/{slug}/", {"live": True})
        return slug, items

    def _item(self, slug, name, price):
        more = {"active": True, "admission": True, "tax_rule": None}
        body = {"name": {"en": name}, "default_price": price, **more}
        return self.call("POST", f"/events/{slug}/items/", body)["id"]

    def sell(self, slug, item, **more):
        """Sell one at the box office."""
        body = {
            "email": "box@box.example",
            "status": "p",
            "payment_provider": "manual",
            "positions": [{"item": item, **more}],
        }
        return self.call("POST", f"/events/{slug}/orders/", body)

    def block(self, slug, guid):
        """Keep a seat from everybody."""
        found = self.call("GET", f"/events/{slug}/seats/?seat_guid={guid}")["results"]
        path = f"/events/{slug}/seats/{found[0]['id']}/"
        self.call("PATCH", path, {"blocked": True})

    def sold(self, slug):
        """How many are sold, by seat or by item."""
        orders = self.call("GET", f"/events/{slug}/orders/?status=p")["results"]
        return Counter(
            (one["seat"] or {}).get("seat_guid", one["item"])
            for order in orders
            for one in order["positions"]
        )


def seating():
    rows = [
        {
            "row_number": row,
            "row_number_position": "both",
            "position": {"x": 0, "y": 30 * y},
            "seats": [
                {
                    "seat_guid": f"{row}{n}",
                    "seat_number": str(n),
                    "uuid": f"{row}-{n}",
                    "position": {"x": 30 * n, "y": 0},
                    "category": "Stalls" if y < 2 else "Circle",
                }
                for n in range(1, ACROSS + 1)
            ],
        }
        for y, row in enumerate(ROWS)
    ]
    layout = {
        "name": "House",
        "categories": [
            {"name": "Stalls", "color": "#00ff00"},
            {"name": "Circle", "color": "#0000ff"},
        ],
        "size": {"width": 400, "height": 200},
        "zones": [
            {"name": "Hall", "position": {"x": 0, "y": 0}, "rows": rows, "areas": []}
        ],
    }
    return {"name": f"House {uuid4().hex[:8]}", "layout": layout}


def named(method, path, body):
    """What a call is called: only sales have names of their own."""
    is_sale = method == "POST" and path.endswith("/orders/")
    is_dry = is_sale and b'"simulate":true' in body
    return "simulate" if is_dry else "order" if is_sale else path


@pytest.fixture(scope="module")
def box():
    return Box()


@pytest.fixture
def theatre(box):
    return box.event(seated=True)


@pytest.fixture
def concert(box):
    return box.event(seated=False)


def opened(url=None, operation_s=10):
    wire = Wire(Waits(1, operation_s))
    return PretixPort(url or URL, settings("pretix"), {"token": TOKEN}, wire)


def seats_of(event, item, codes, price):
    seats = tuple(SeatWanted(code, code[0], code[1:]) for code in codes)
    line = LineWanted(1, f"s{item}", "x", str(item), len(codes), price, "EUR", seats)
    return OrderWanted(uuid4().hex, event, (line,), 600)


def places_of(event, item, count):
    line = LineWanted(1, f"a{item}.0", "x", str(item), count, 2500, "EUR")
    return OrderWanted(uuid4().hex, event, (line,), 600)


def test_what_it_has_is_read_and_the_same_again_is_the_same(theatre, concert):
    port = opened()
    found = {}
    for venue in port.venues():
        rooms = KnownRooms(
            lambda _: None, lambda ref, p, v=venue: port.auditorium(v, ref, p)
        )
        told = port.schedule(venue, rooms, Read())
        assert told.skipped == []
        again = port.schedule(venue, rooms, Read(digest=told.digest))
        assert again.is_unchanged
        found |= {one.ref: one for one in told.performances}
    stalls, circle = theatre[1]["Stalls"], theatre[1]["Circle"]
    sizes = {a.area: a.capacity for a in found[theatre[0]].areas}
    assert sizes == {f"s{stalls}": 20, f"s{circle}": 20}
    prices = {o.price_type: o.face_minor for o in found[theatre[0]].offers}
    assert prices == {"stalls": 4000, "circle": 2200}
    assert [a.capacity for a in found[concert[0]].areas] == [80]


def test_seats_are_locked_sold_asked_for_and_cancelled_one_by_one(theatre, box):
    port, (slug, items) = opened(), theatre
    wanted = seats_of(slug, items["Stalls"], ["A1", "A2"], 4000)
    locked = port.lock(wanted)
    assert (locked.total_minor, set(locked.seats)) == (8000, {"A1", "A2"})
    with pytest.raises(SaidNoError) as refused:
        port.lock(seats_of(slug, items["Stalls"], ["A2", "A3"], 4000))
    assert (refused.value.code, refused.value.seats) == ("seats-taken", ("A2",))
    sold = port.sell(wanted)
    assert port.ask(wanted).sold == sold
    assert box.sold(slug)["A1"] == box.sold(slug)["A2"] == 1
    for _ in range(2):
        port.cancel(wanted, sold.tickets[:1])
    assert port.ask(wanted).sold.tickets == sold.tickets[1:]
    for _ in range(2):
        port.cancel(wanted, sold.tickets[1:])
    assert port.ask(wanted).standing is Standing.CANCELLED
    assert port.availability(slug).gone == frozenset()


def test_blocked_seats_are_gone_and_refused(theatre, box):
    port, (slug, items) = opened(), theatre
    box.block(slug, "B5")
    assert "B5" in port.availability(slug).gone
    with pytest.raises(SaidNoError) as refused:
        port.lock(seats_of(slug, items["Stalls"], ["B5"], 4000))
    assert (refused.value.code, refused.value.seats) == ("seats-taken", ("B5",))


def test_a_seat_of_another_product_it_would_sell_and_we_do_not(theatre, box):
    port, (slug, items) = opened(), theatre
    with pytest.raises(SaidNoError, match="changed"):
        port.lock(seats_of(slug, items["Circle"], ["B6"], 2200))
    box.sell(slug, items["Circle"], seat="B6")  # the control: it takes it
    assert box.sold(slug)["B6"] == 1


def test_many_at_once_sell_what_there_is_and_no_more(concert, box):
    slug, items = concert
    before = box.sold(slug)[items["Full"]]

    def buy(_):
        port, wanted = opened(operation_s=60), places_of(slug, items["Full"], 10)
        try:
            port.lock(wanted)
            return len(port.sell(wanted).tickets)
        except SaidNoError as error:
            assert error.code == "seats-taken"
            return 0

    with ThreadPoolExecutor(6) as pool:
        sold = sum(pool.map(buy, range(12)))
    assert box.sold(slug)[items["Full"]] - before == sold == (80 - before) // 10 * 10


@pytest.mark.parametrize("fault", ["drop", "html-500", "truncated", "delay-after"])
def test_a_sale_that_is_not_answered_is_known_by_its_code(box, fault):
    slug, items = box.event(seated=False)
    with between(URL, named) as (url, faults):
        port, wanted = opened(url, 1.5), places_of(slug, items["Full"], 2)
        port.lock(wanted)
        lost = struck(faults, **{fault: {"only": {"order"}}})
        with lost, pytest.raises(NoAnswerError):
            port.sell(wanted)
        assert port.ask(wanted).standing is Standing.SOLD
        assert len(port.ask(wanted).sold.tickets) == box.sold(slug)[items["Full"]] == 2


def late(box, *, is_let_go):
    """Send a sale that comes there long after we have stopped listening."""
    slug, items = box.event(seated=False)
    with between(URL, named) as (url, faults):
        port, wanted = opened(url, 1.0), places_of(slug, items["Full"], 2)
        port.lock(wanted)
        slow = struck(faults, **{"delay-before": {"only": {"order"}, "times": 1}})
        with slow, pytest.raises(NoAnswerError):
            port.sell(wanted)
        assert port.ask(wanted).standing is Standing.NOTHING
        if is_let_go:
            port.release(wanted)
        time.sleep(2.5)
        return port.ask(wanted).standing, box.sold(slug)[items["Full"]]


def test_a_sale_that_comes_late_finds_its_key_burnt(box):
    assert late(box, is_let_go=True) == (Standing.NOTHING, 0)


def test_control_a_sale_that_comes_late_is_made_if_its_key_is_not_burnt(box):
    assert late(box, is_let_go=False) == (Standing.SOLD, 2)


def set_up(hub):
    wanted = {
        "name": "pretix",
        "kind": "pretix",
        "url": URL,
        "settings": settings("pretix"),
        "credentials": {"token": TOKEN},
        "drop_share_max_bp": 10_000,
        "every_s": 3_600,
        "connect_ms": 1_000,
        "operation_ms": 10_000,
        "at_once": 8,
        "reads_per_minute": 0,
        "tolerance_minor": 0,
    }
    with transaction() as session:
        made = open_source(
            session,
            Sealer([CREDENTIALS_KEY]),
            wanted,
            world=WORLD,
            supplier_id=hub.ids["sup"],
        )
        return made.hint_token


def sync(hub, suppliers):
    with transaction() as session:
        lease = syncing.lease_due(session)
    if lease is not None:
        syncing.sync(suppliers, lease)
        hub.work()
    return lease is not None


def test_a_hub_sells_it_and_hears_of_what_its_box_office_sells(hub, box):
    slug, items = box.event(seated=True)
    suppliers = hub.app.extensions["suppliers"]
    token = set_up(hub)
    assert sync(hub, suppliers)
    hub.plan(None)
    title = f"Test {slug}"
    found = hub.get("ann", f"/v1/performances?q={slug}&limit=5")["items"]
    [sale] = [one for one in found if title in str(one)]
    areas = hub.areas("ann", sale["id"])
    stalls = next(a for a in areas.values() if a["area"] == f"s{items['Stalls']}")
    offer = stalls["offers"][0]["offer_id"]
    order = hub.confirm("ann", hub.hold("ann", [(offer, 2)]))
    assert len(order["tickets"]) == 2
    assert sum(box.sold(slug).values()) == 2
    with hub_serving(hub.settings, workers=1, threads=2) as (url, _):
        hook = {
            "enabled": True,
            "target_url": f"{url}/v1/hints/{token}",
            "all_events": True,
            "limit_events": [],
            "action_types": ["pretix.event.order.placed", "pretix.event.order.paid"],
        }
        hook_id = box.call("POST", "/webhooks/", hook)["id"]
        assert not sync(hub, suppliers)  # it is not due for an hour
        taken = {s["row"] + s["number"] for s in order["lines"][0]["seats"]}
        free = next(f"A{n}" for n in range(1, ACROSS + 1) if f"A{n}" not in taken)
        box.sell(slug, items["Stalls"], seat=free)
        for _ in range(100):
            if sync(hub, suppliers):
                break
            time.sleep(0.1)
        else:
            pytest.fail("no hint has come")
        box.call("DELETE", f"/webhooks/{hook_id}/")
    seats = hub.get("ann", f"/v1/performances/{sale['id']}/seats")["items"]
    state = {s["row"] + s["number"]: s for s in seats}
    assert not state[free]["is_free"]
    assert hub.cancel("ann", order)["state"] == "cancelled"
    while working.work_off(suppliers, pace=0.02):
        time.sleep(0.01)
    assert sum(box.sold(slug).values()) == 1
    hub.assert_lawful()
