"""Suppliers: reading a chain's schedule against bare zeep; ten that hang beside the API.

``python -m tests.bench.asking serve CINEMAS SESSIONS`` is the chain, ``bare`` and
``sync`` are measured in processes of their own, so that each has its own memory.
"""

import json
import statistics
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from uuid import uuid4

import requests
from sqlalchemy import text
from zeep import Client

from connectors.services import syncing
from connectors.services.guarding import Suppliers
from connectors.services.sealing import Sealer
from connectors.suppliers import xml
from connectors.suppliers.soap import STRICT
from hub.kernel import db
from hub.kernel.db import transaction
from tests.bench.harness import CALLERS, SECONDS, say, season, spread
from tests.bench.load import run
from tests.bench.over_http import holding
from tests.hubs import CREDENTIALS_KEY, FREE_SALE
from tests.servers import serving as serving_hub
from tests.simulators.house import chain
from tests.simulators.hubs import Cinemas, set_up
from tests.simulators.kinds import simulator
from tests.simulators.serving import serving
from tests.simulators.vista import Vista

CINEMAS, SESSIONS, PAIRS = 200, 1_000, 3
HANGING, HANGERS, OPERATION_MS = 10, 20, 2_000
OF_SUPPLIER = text("SELECT id FROM performance WHERE supplier_id = :supplier")
READS = ("GetCinemaListAll", "GetMovieList", "GetSessionList", "GetTicketTypeList")


@dataclass
class Remembering(Vista):
    """A chain that answers what it has answered before: its own work is not measured."""

    def __post_init__(self):
        self.known = {}

    def answer(self, path, body):
        found = self.known.get(body)
        if found is not None:
            return found[0], lambda: found[1]
        name, work = super().answer(path, body)
        if name not in READS:
            return name, work
        said = work()
        self.known[body] = (name, said)
        return name, lambda: said


def serve(cinemas, sessions):
    house = chain(int(cinemas), 4, int(sessions))
    there = Remembering(house)
    with serving(there.app()) as url:
        print(url + there.base, flush=True)  # noqa: T201
        for line in sys.stdin:  # each line changes a session of each cinema
            for cinema in house.cinemas.values():
                cinema.sessions[line.strip()].status = "Closed"
            there.known.clear()
            print("changed", flush=True)  # noqa: T201


def bare(base):
    """Fetch and parse the same replies with zeep, and the datasets in them to rows."""
    path = "connectors/suppliers/vista/data.wsdl"
    client = Client(path, settings=STRICT)
    binding = next(iter(client.wsdl.bindings))
    service = client.create_service(binding, f"{base}/DataService.asmx")

    def rows(operation, **named):
        return xml.rows(xml.parse(service[operation](**named).DatasetXML), "Table")

    began, count = time.perf_counter(), 0
    for cinema in rows("GetCinemaListAll"):
        sessions = rows("GetSessionList", CinemaId=cinema["ID"])
        rows("GetMovieList", CinemaId=cinema["ID"])
        first = sessions[-1]["SessionId"]
        rows("GetTicketTypeList", CinemaId=cinema["ID"], SessionId=first)
        count += len(sessions)
    return time.perf_counter() - began, count


def sync(url, source_id):
    """Sync the source once; return how long it took, and what it read."""
    db.bind(db.connect(url))
    suppliers = Suppliers(Sealer([CREDENTIALS_KEY]), most=4)
    with transaction() as session:
        due = "UPDATE source SET next_sync_at = clock_timestamp(), leased_until = NULL"
        session.execute(text(due))
    with transaction() as session:
        lease = syncing.lease_due(session)
    assert str(lease.source_id) == source_id
    began = time.perf_counter()
    syncing.sync(suppliers, lease)
    took = time.perf_counter() - began
    with transaction() as session:
        wanted = "SELECT state, performances, changed FROM source_sync ORDER BY id DESC"
        row = session.execute(text(wanted + " LIMIT 1")).one()
    assert row.state == "done", row
    return took, row.performances, row.changed


def measured(*command):
    """Run one measurement by itself; return what it says, and its peak in MiB."""
    asked = [sys.executable, "-m", "tests.bench.asking", *command]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    return json.loads(said.splitlines()[-1])


@contextmanager
def served():
    command = [sys.executable, "-m", "tests.bench.asking", "serve"]
    child = subprocess.Popen(
        [*command, str(CINEMAS), str(SESSIONS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield child, child.stdout.readline().strip()
    finally:
        child.stdin.close()
        child.terminate()
        child.wait()


def reading(make_hub, rows):
    """Schedules of a chain: at first, unchanged, and with a little news."""
    with make_hub() as hub, served() as (child, base):
        there = simulator("vista")
        url = base.removesuffix(there.base)
        source = set_up(hub, "vista", url, there, operation_ms=30_000)
        where = (hub.settings.database_url, str(source))
        measured("bare", base)  # the chain remembers from here on
        first = measured("sync", *where)
        same, news, peaks = [], [], [first["peak_mib"]]
        for no in range(PAIRS):
            alone = measured("bare", base)
            again = measured("sync", *where)
            assert again["changed"] == 0
            same.append(alone["took_s"] / again["took_s"])
            child.stdin.write(f"{no + 1}\n")
            child.stdin.flush()
            child.stdout.readline()
            alone = measured("bare", base)
            alone = measured("bare", base)
            some = measured("sync", *where)
            assert some["changed"] == CINEMAS, some
            news.append(alone["took_s"] / some["took_s"])
            peaks += [again["peak_mib"], some["peak_mib"]]
    total = CINEMAS * SESSIONS
    label = f"schedule of {CINEMAS} cinemas x {SESSIONS}, nothing new: of bare zeep"
    rate = f"{total / again['took_s']:.0f}/s"
    rows.append([label, f"{statistics.median(same):.3f}", spread(same), rate, ""])
    label = f"schedule of {CINEMAS} cinemas x {SESSIONS}, one new each: of bare zeep"
    rate = f"{total / some['took_s']:.0f}/s"
    rows.append([label, f"{statistics.median(news):.3f}", spread(news), rate, ""])
    label = "the same schedule, all of it new: of bare zeep"
    ratio = f"{alone['took_s'] / first['took_s']:.3f}"
    rows.append([label, ratio, "", f"{total / first['took_s']:.0f}/s", ""])
    label = "peak memory of reading a schedule, MiB"
    rows.append([label, f"{max(peaks)}", "", "", ""])
    for row in rows[-4:]:
        say(f"{row[0]}: {row[1]} {row[3]}")


def hanging(make_hub, rows):
    """Holds of what the hub sells, while others ask ten suppliers that hang."""
    with make_hub() as hub:
        sold = season(hub, 1)
        hold = holding(hub, hub.offer_id("ann", sold[0]["id"]))
        ratios, before, after = [], None, None
        server = serving_hub(hub.settings, workers=2, threads=32)
        with slow_suppliers(hub) as (faults, offers), server as (url, _):
            port = int(url.rpartition(":")[2])
            run(port, hold, callers=CALLERS, seconds=SECONDS)
            for _ in range(5):
                before = run(port, hold, callers=CALLERS, seconds=2 * SECONDS)
                with asked(hub, url, offers, faults):
                    time.sleep(0.5)
                    after = run(port, hold, callers=CALLERS, seconds=2 * SECONDS)
                time.sleep(OPERATION_MS / 1000)
                ratios.append(after.p99_ms / before.p99_ms)
                assert set(after.statuses) == {201}, after.statuses
    label = f"p99 of holds beside {HANGING} suppliers that hang: times without"
    median = f"{statistics.median(ratios):.2f}"
    told = f"{after.p99_ms:.0f} ms"
    rows.append([label, median, spread(ratios), f"{after.per_second:.0f}/s", told])
    say(f"{label}: {median}, {before.p99_ms:.0f} and {told}")


@contextmanager
def slow_suppliers(hub):
    """Ten chains on sale, each by a supplier of its own; yield switches and offers."""
    there = [simulator("vista", sessions=1) for _ in range(HANGING)]
    suppliers, offers = hub.app.extensions["suppliers"], []
    with ExitStack() as stack:
        for no, one in enumerate(there):
            one.faults = there[0].faults
            url = stack.enter_context(serving(one.app()))
            ref = f"chain-{no}"
            hub.add_partner(ref, "supplier", commission_bp=1_000)
            source = set_up(
                *(hub, "vista", url, one),
                supplier=ref,
                operation_ms=OPERATION_MS,
                at_once=4,
            )
            found = Cinemas(hub, one, url, source, suppliers)
            assert found.sync()["state"] == "done"
            hub.post("operator", hub.of(ref, "plans"), {"plan": FREE_SALE})
            hub.work()
            with transaction() as session:
                sale = session.scalar(OF_SUPPLIER, {"supplier": hub.ids[ref]})
            offers.append(hub.offer_id("bob", sale, "STAL"))
        yield there[0].faults, offers
        suppliers.close()


@contextmanager
def asked(hub, url, offers, faults):
    """Let agents ask for seats of suppliers that hang, again as soon as they may."""
    halt = threading.Event()
    faults.delay_s = OPERATION_MS / 1000 * 3
    faults.set("delay-before")

    def ask(no):
        line = requests.Session()
        line.headers["Authorization"] = f"Bearer {hub.keys['bob']}"
        body = {"lines": [{"offer_id": offers[no % len(offers)], "quantity": 1}]}
        pause = 0.05
        while not halt.wait(pause):
            headers = {"Idempotency-Key": str(uuid4())}
            with suppress(requests.RequestException):
                said = line.post(
                    f"{url}/v1/holds", json=body, headers=headers, timeout=30
                )
                pause = float(said.headers.get("Retry-After", 0.05))
        line.close()

    threads = [threading.Thread(target=ask, args=(no,)) for no in range(HANGERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        halt.set()
        faults.clear()
        for thread in threads:
            thread.join()


def main(what, *said):
    if what == "serve":
        serve(*said)
        return
    took, count, *changed = bare(*said) if what == "bare" else sync(*said)
    status = open("/proc/self/status").read()  # noqa: PTH123, SIM115
    peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    told = {"took_s": took, "count": count, "peak_mib": peak}
    print(json.dumps(told | {"changed": changed[0] if changed else 0}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
