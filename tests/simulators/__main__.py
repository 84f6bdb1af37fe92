"""``python -m tests.simulators NAME PORT CINEMAS SESSIONS``: serve one until Ctrl-C."""

import json
import signal
import sys
import threading
from datetime import date

from tests.simulators.files import TYPES, Files
from tests.simulators.house import chain
from tests.simulators.kinds import SIMULATORS, credentials, settings, simulator
from tests.simulators.serving import serving


def main(name, port=8081, cinemas=2, sessions=12, first=None):
    first = first and date.fromisoformat(first)
    said = {"cinemas": int(cinemas), "sessions": int(sessions), "first": first}
    if name in SIMULATORS:
        there = simulator(name, issue_s=3.0, **said)
    else:
        there = Files(chain(**said))
    halt = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: halt.set())
    with serving(there.app(), int(port)) as url:
        print(json.dumps(told(name, there, url, int(cinemas)), indent=2), flush=True)
        halt.wait()


def told(name, there, url, cinemas):
    """How to set it up as a source, and how to switch its faults."""
    wanted = {"name": name, "kind": name, "url": url + there.base}
    if name == "files":
        wanted["url"] = f"{url}/season.ndjson"
        wanted["settings"] = {"format": "ndjson"}
    else:
        wanted["settings"] = settings(name, cinemas, is_patient=True)
        wanted["credentials"] = credentials(name, there)
    found = {
        "POST /v1/partners/{supplier_id}/sources": wanted,
        "faults": f"PUT {url}/faults",
    }
    if name == "files":
        found["files"] = [url + path for path in TYPES]
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
