"""``python -m tests.simulators NAME PORT CINEMAS SESSIONS``: serve one until Ctrl-C."""

import json
import signal
import sys
import threading
from datetime import date

from tests.simulators.cmts import Cmts
from tests.simulators.files import TYPES, Files
from tests.simulators.hfh import Hfh
from tests.simulators.house import chain
from tests.simulators.octo import Octo
from tests.simulators.serving import serving
from tests.simulators.vista import Vista

KINDS = {"vista": Vista, "cmts": Cmts, "hfh": Hfh, "octo": Octo, "files": Files}
PLACE = {"zone": "Europe/Vienna", "country": "AT", "currency": "EUR"}


def main(name, port=8081, cinemas=2, sessions=12, first=None):
    first = first and date.fromisoformat(first)
    house = chain(int(cinemas), sessions=int(sessions), issue_s=3.0, first=first)
    if name == "cmts":
        house.prices = dict.fromkeys(house.prices, 1100)
    there = KINDS[name](house)
    halt = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: halt.set())
    with serving(there.app(), int(port)) as url:
        print(json.dumps(told(name, there, url), indent=2), flush=True)
        halt.wait()


def told(name, there, url):
    """How to set it up as a source, and how to switch its faults."""
    wanted = {
        "name": name,
        "kind": name,
        "url": url + there.base,
        "settings": {"place": PLACE},
    }
    if name == "vista":
        wanted["credentials"] = {"client_id": "hub"}
    if name == "cmts":
        wanted["credentials"] = {
            "app_code": there.app_code,
            "check_key": there.check_key,
        }
    if name == "hfh":
        wanted["credentials"] = {"user": there.user, "password": there.password}
    if name == "octo":
        wanted["credentials"] = {"bearer": there.bearer}
    if name == "files":
        wanted["url"] = f"{url}/season.ndjson"
        wanted["settings"] = {"format": "ndjson"}
    found = {
        "POST /v1/partners/{supplier_id}/sources": wanted,
        "faults": f"PUT {url}/faults",
    }
    if name == "files":
        found["files"] = [url + path for path in TYPES]
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
