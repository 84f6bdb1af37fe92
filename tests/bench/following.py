"""Following the catalogue: how many changes a second one reader reads over HTTP."""

import statistics
import time

import requests

from hub.catalogue.services.changes import number_changes
from hub.kernel.db import transaction
from tests.bench.feeds import feed_seconds, records
from tests.bench.harness import PAIRS, say, spread
from tests.hubs import auditorium, ndjson, production, venue
from tests.servers import serving

PAGE = 1_000


def following(make_hub, rows):
    with make_hub() as hub:
        hub.deliver([venue(), auditorium(), production()])
        feed_seconds(hub, ndjson(records(1)))
        began, numbered = time.perf_counter(), 0
        more = True
        while more:
            with transaction() as session:
                more = number_changes(session)
            numbered += more
        numbering = numbered / (time.perf_counter() - began)
        with serving(hub.settings) as (url, _):
            rates = [read_all(url, hub.keys["ann"]) for _ in range(PAIRS)]
    label = f"changes read by one caller, in pages of {PAGE}"
    told = f"{statistics.median(rates):.0f} a second"
    rows.append([label, told, spread(rates), f"numbered {numbering:.0f}/s", ""])
    say(f"{label}: {told}, numbered {numbering:.0f}/s")


def read_all(url, key):
    """Read every change there is; return how many a second."""
    http = requests.Session()
    http.headers["Authorization"] = f"Bearer {key}"
    began, seen, after = time.perf_counter(), 0, 0
    while True:
        path = f"{url}/v1/changes?after={after}&limit={PAGE}"
        found = http.get(path, timeout=30).json()
        if not found["items"]:
            return seen / (time.perf_counter() - began)
        seen += len(found["items"])
        after = found["next"]
