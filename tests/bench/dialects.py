"""A sale in the words of OCTO and of Tiqets against the same by the hub's own API."""

import json
from uuid import uuid4

from tests.bench.harness import CALLERS, NUMBERS, compared, season
from tests.bench.load import request
from tests.bench.over_http import lawful, pairing
from tests.dialects.reseller import Reseller
from tests.dialects.test_tiqets import Tiqets
from tests.servers import serving

BODY = {"contact": {"fullName": "Ada"}}
CAPABLE = (("Octo-Capabilities", "octo/pricing"),)


def by_octo(hub):
    wanted = Reseller(hub).wanted(units=("adult",))
    del wanted["uuid"]
    keys = [hub.keys["ann"], hub.keys["bob"]]

    def sell(caller, _, wire):
        key, uuid = keys[caller % 2], str(uuid4())
        body = json.dumps(wanted | {"uuid": uuid}).encode()
        more = {"key": key, "more": CAPABLE}
        status, _ = wire.send(request("POST", "/octo/bookings", body=body, **more))
        if status != 200:
            return [status]
        path = f"/octo/bookings/{uuid}/confirm"
        sent = request("POST", path, body=json.dumps(BODY).encode(), **more)
        return [wire.send(sent)[0]]

    return sell


def by_tiqets(hub):
    one = Tiqets(hub)
    [product] = one.products().values()
    when = next(iter(one.slots(product)))
    wanted = {
        "datetime": when,
        "tickets": [{"variant_id": "floor:adult", "quantity": 1}],
        "customer": {"first_name": "Ada"},
    }
    path = f"/tiqets/v2/products/{product['id']}/reservation"
    body = json.dumps(wanted).encode()
    keys = [hub.keys["ann"], hub.keys["bob"]]

    def sell(caller, _, wire):
        more = {"more": (("API-Key", keys[caller % 2]),)}
        status, said = wire.send(request("POST", path, body=body, **more))
        if status != 200:
            return [status]
        order = {"order_reference": f"t{next(NUMBERS)}"}
        order["reservation_id"] = json.loads(said)["reservation_id"]
        sent = json.dumps(order).encode()
        return [wire.send(request("POST", "/tiqets/v2/booking", body=sent, **more))[0]]

    return sell


def speaking(make_hub, rows):
    """The rates of sales in each dialect, of the rate of the hub's own API."""
    with make_hub() as hub:
        sold = season(hub, 1)
        own = pairing(hub, hub.offer_id("ann", sold[0]["id"]))
        octo, tiqets = by_octo(hub), by_tiqets(hub)
        with serving(hub.settings, workers=2, threads=32) as (url, _):
            port = int(url.rpartition(":")[2])
            for name, sell in (("OCTO", octo), ("Tiqets", tiqets)):
                for callers, many in ((CALLERS, ""), (1, ", one caller")):
                    label = f"sales by {name} against those by the own API{many}"
                    pair = (port, sell), (port, own)
                    rows.append(compared(label, *pair, callers))
        lawful()
