"""Measure against the echo in interleaved pairs, and feeds against a bare COPY."""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy import text

from connectors.services.steps import step
from hub import migrations
from hub.catalogue.models import Offer, Performance, PerformanceArea
from hub.config import load
from hub.kernel import db
from hub.kernel.db import transaction
from hub.kernel.embedded import Embedded
from hub.verify import verify
from settlement.rules.files import quote_files
from tests.bench import confirms, engine
from tests.bench.load import request, run
from tests.hubs import (
    SECRET,
    Hub,
    auditorium,
    ndjson,
    offer,
    performance,
    production,
    venue,
)
from tests.servers import serving

PAIRS = 5
CALLERS = 16
SECONDS = 2.0
FEED_RECORDS = 20_000
QUOTED = 10_000
CONFIRMED = 24_000
SPLIT = 100_000
REPORT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
NUMBERS = count()
_HELD = text(
    "SELECT p.ref, sum(l.quantity) FROM hold_line l JOIN hold h ON h.id = l.hold_id"
    " JOIN performance p ON p.id = l.performance_id"
    " WHERE h.state IN ('held', 'confirmed') GROUP BY p.ref"
)


def on_echo(_, __, wire):
    body = b'{"name":"a","count":1,"tags":["x"]}'
    return [wire.send(request("POST", "/echo", body=body))[0]]


def holding(hub, offer_id):
    body = json.dumps({"lines": [{"offer_id": offer_id, "quantity": 1}]}).encode()
    keys = [hub.keys["ann"], hub.keys["bob"]]

    def hold(caller, _, wire):
        number = next(NUMBERS)
        key = keys[caller % 2]
        sent = request(
            "POST", "/v1/holds", body=body, key=key, idempotency=f"h{number}"
        )
        return [wire.send(sent)[0]]

    return hold


def pairing(hub, offer_id):
    body = json.dumps({"lines": [{"offer_id": offer_id, "quantity": 1}]}).encode()
    keys = [hub.keys["ann"], hub.keys["bob"]]

    def pair(caller, _, wire):
        number, key = next(NUMBERS), keys[caller % 2]
        sent = request(
            "POST", "/v1/holds", body=body, key=key, idempotency=f"h{number}"
        )
        status, said = wire.send(sent)
        if status != 201:
            return [status]
        order = {"hold_id": json.loads(said)["id"], "reference": f"b{number}"}
        sent = request(
            "POST",
            "/v1/orders",
            body=json.dumps(order).encode(),
            key=key,
            idempotency=f"o{number}",
        )
        return [wire.send(sent)[0]]

    return pair


def looking(hub, performance_id):
    path = f"/v1/performances/{performance_id}/availability"
    sent = request("GET", path, key=hub.keys["ann"])
    return lambda _, __, wire: [wire.send(sent)[0]]


def interleaved(echo_port, port, make, label, callers=CALLERS):
    """Measure *make* and the echo in turn; return the median ratio and the last run."""
    ratios, outcome = [], None
    for _ in range(PAIRS):
        base = run(echo_port, on_echo, callers=callers, seconds=SECONDS)
        outcome = run(port, make, callers=callers, seconds=SECONDS)
        ratios.append(outcome.per_second / base.per_second)
        assert set(base.statuses) == {200}, base.statuses
    ratio = statistics.median(ratios)
    say(
        f"{label}: {ratio:.3f} of the echo ({outcome.per_second:.0f}/s), {outcome.statuses}"
    )
    spread = f"{min(ratios):.3f}-{max(ratios):.3f}"
    return [
        label,
        f"{ratio:.3f}",
        spread,
        f"{outcome.per_second:.0f}/s",
        f"{outcome.p99_ms:.0f} ms",
    ]


def season(hub, performances):
    hub.deliver([venue(), auditorium(standing=400_000), production()])
    hub.deliver(
        [performance(f"b{no}", floor=400_000, stalls=30) for no in range(performances)]
    )
    hub.plan()
    return hub.get("ann", "/v1/performances?limit=100")["items"]


def over_http(hub, rows):
    sold = season(hub, 4)
    ids = [item["id"] for item in sold]
    offers = [hub.offer_id("ann", found) for found in ids]
    with (
        serving(
            hub.settings, target="tests.bench.echo:create_app", workers=2, threads=32
        ) as (
            echo,
            _,
        ),
        serving(hub.settings, workers=2, threads=32) as (url, _),
    ):
        ports = [int(found.rpartition(":")[2]) for found in (echo, url)]
        rows.append(interleaved(*ports, holding(hub, offers[0]), "holds, one hot area"))
        rows.append(
            interleaved(*ports, pairing(hub, offers[1]), "hold + confirm pairs")
        )
        rows.append(interleaved(*ports, looking(hub, ids[2]), "availability reads"))
        for callers in (CALLERS, 4 * CALLERS):
            label = f"confirms with postings, credit, totals; {callers} callers"
            made = confirms.holds(hub, UUID(offers[3]), CONFIRMED)
            make = confirms.confirming(made)
            rows.append(interleaved(*ports, make, label, callers))
    with transaction() as session:
        held = {ref: int(seats) for ref, seats in session.execute(_HELD)}
    assert all(seats <= 400_000 for seats in held.values())
    verdict = verify()
    assert verdict.broken == [], verdict.broken[:3]
    say(f"held: {held}; hub verify: every law holds")


def engine_level(make_hub, rows):
    with make_hub() as hub:
        sold = season(hub, 1)
        found = engine.measure(hub, hub.offer_id("ann", sold[0]["id"]))
        assert verify().broken == []
    rows += found
    say("; ".join(f"{label}: {ratio} ({rate})" for label, ratio, _, rate, _ in found))


def splitting(make_hub, rows):
    """Share a season out with a process of its own."""
    with make_hub() as hub:
        season(hub, 1)
        command = [sys.executable, "-m", "tests.bench.splitting"]
        command += [hub.settings.database_url, str(SPLIT)]
        said = subprocess.run(command, check=True, capture_output=True, text=True)
    took, peak = said.stdout.split()
    told = f"{float(took):.1f} s, {peak} MiB"
    label = f"sharing {SPLIT} performances of 500 seats among 200 agents"
    rows.append([label, told, "", f"{SPLIT / float(took):.0f}/s", ""])
    say(f"{label}: {told}")


def quoting(rows):
    """Quote a file of lines with a process of its own, as somebody would."""
    terms = {
        "currency": "EUR",
        "terms": [
            {
                "side": side,
                "clauses": {
                    "commission": {"kind": "percent", "rate": 875},
                    "service_fees": [{"rate": 200, "minimum_minor": 50}],
                },
            }
            for side in ("supplier", "agent")
        ],
    }
    line = {"currency": "EUR", "sold_at": "2026-11-05T12:00:00Z"}
    lines = [
        {**line, "quantity": 1 + no % 6, "face_minor": 1_000 + no}
        for no in range(QUOTED)
    ]
    took = []
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("terms.json", "lines.json")]
        for path, said in zip(paths, (terms, lines), strict=True):
            path.write_text(json.dumps(said))
        texts = [path.read_bytes() for path in paths]
        for _ in range(PAIRS):
            began = time.perf_counter()
            quote_files(*texts)
            took.append(time.perf_counter() - began)
        command = [sys.executable, "-m", "hub.cli", "settlement", "quote"]
        command += ["--terms", str(paths[0]), "--lines", str(paths[1])]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        whole = time.perf_counter() - began
    median = statistics.median(took)
    told = f"{median:.2f} s; as a command, starting and writing included, {whole:.2f} s"
    rows.append([f"quotes of {QUOTED} lines", told, "", f"{QUOTED / median:.0f}/s", ""])
    say(f"quotes of {QUOTED} lines: {told}")


def records(version):
    return [
        performance(
            f"f{no}",
            version=version,
            days=40 + no % 300,
            areas=[
                {"area": "floor", "capacity": 150},
                {"area": "stalls", "capacity": 30},
            ],
            offers=[offer(), offer(price_type="child"), offer("stalls")],
        )
        for no in range(FEED_RECORDS)
    ]


def feed_seconds(hub, body):
    """Deliver over the API and work it off; return how long both took together."""
    began = time.perf_counter()
    made = hub.post(
        "sup",
        "/v1/feeds/season/deliveries",
        None,
        202,
        data=body,
        content_type="application/x-ndjson",
    )
    with transaction() as session:
        feed_id = session.scalar(text("SELECT id FROM feed"))
    more = True
    while more:
        with transaction() as session:
            more = step(session, feed_id)
    took = time.perf_counter() - began
    done = hub.get("sup", f"/v1/deliveries/{made['id']}")
    assert done["state"] == "done"
    assert done["refused"] == 0
    return took, done


def copy_seconds(url):
    """Copy the same rows into tables of the same shape, and nothing else."""
    tables = [Performance, PerformanceArea, Offer]
    names = [table.__tablename__ for table in tables]
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        took = 0.0
        for name in [*names, "node"]:
            columns = [
                row[0]
                for row in connection.execute(
                    "SELECT column_name FROM information_schema.columns"
                    " WHERE table_name = %s ORDER BY ordinal_position",
                    (name,),
                )
            ]
            listed = ", ".join(columns)
            connection.execute(
                f"CREATE TEMP TABLE bare_{name} (LIKE {name} INCLUDING ALL)"
            )
            with connection.cursor().copy(f"COPY {name} ({listed}) TO STDOUT") as out:
                data = b"".join(bytes(block) for block in out)
            began = time.perf_counter()
            with connection.cursor().copy(
                f"COPY bare_{name} ({listed}) FROM STDIN"
            ) as sink:
                sink.write(data)
            took += time.perf_counter() - began
        began = time.perf_counter()
        connection.commit()
        return took + time.perf_counter() - began


def feeds(make_hub, rows):
    ratios, again, rates = [], [], []
    body = ndjson(records(1))
    for _ in range(PAIRS):
        with make_hub() as hub:
            hub.deliver([venue(), auditorium(standing=400_000), production()])
            first, done = feed_seconds(hub, body)
            assert done["accepted"] == FEED_RECORDS
            bare = copy_seconds(hub.settings.owner_url)
            second, done = feed_seconds(hub, body)
            assert done["unchanged"] == FEED_RECORDS
        ratios.append(bare / first)
        again.append(first / second)
        rates.append(FEED_RECORDS / first)
    label = f"feed of {FEED_RECORDS} performances against a bare COPY of its rows"
    rows.append(
        [
            label,
            f"{statistics.median(ratios):.3f}",
            spread(ratios),
            f"{statistics.median(rates):.0f}/s",
            "",
        ]
    )
    label = "the same delivery again, unchanged: times faster"
    rows.append([label, f"{statistics.median(again):.1f}", spread(again), "", ""])
    say(f"feed: {rows[-2][1]} of COPY, {rows[-2][3]}; again {rows[-1][1]} times faster")


def spread(ratios):
    return f"{min(ratios):.3f}-{max(ratios):.3f}"


MEMORY = """
import sys
from io import BytesIO
from connectors.feed import bodies
line = b'{"type":"performance","ref":"x","version":1,"n":"' + b"y" * 400 + b'"}' + chr(10).encode()
class Endless:
    def __init__(self, size): self.left = size
    def read(self, n):
        block = (line * (n // len(line) + 1))[: min(n, self.left)]
        self.left -= len(block)
        return block
blocks = bodies.blocks(Endless(int(sys.argv[1])), is_gzip=False, bytes_max=2**40)
print(sum(len(part.line_numbers) for part in bodies.parts(bodies.lines(blocks))))
status = open("/proc/self/status").read()  # ru_maxrss begins with the parent's
print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""


def memory(rows):
    peaks = {}
    for size in (10, 100, 400):
        command = [sys.executable, "-c", MEMORY, str(size * 1024 * 1024)]
        said = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[size] = int(said.stdout.split()[1])
    told = ", ".join(f"{size} MiB: {peak} MiB" for size, peak in peaks.items())
    rows.append(
        ["peak memory of taking a delivery apart, by its size", told, "", "", ""]
    )
    say(f"memory: {told}")


def say(line):
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def write(rows):
    head = ["what", "median ratio", "range", "rate in this run", "p99"]
    table = [head, ["---"] * len(head), *rows]
    lines = "\n".join("| " + " | ".join(row) + " |" for row in table)
    REPORT.write_text(
        "# Benchmarks\n\n"
        "Written by `make bench`. Ratios are against the yardstick in the same run: an\n"
        "unauthenticated POST through our own Api with a request and a reply schema of three\n"
        f"fields, same server and settings (2 workers x 32 threads), {CALLERS} callers on the\n"
        f"same 2 cores; medians of {PAIRS} interleaved pairs of {SECONDS:.0f} s. PostgreSQL is the\n"
        "embedded one, with fsync. Every run ends with `hub verify` clean and nothing oversold.\n\n"
        f"{lines}\n"
    )


def main():
    rows = []
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
        embedded = Embedded(Path(folder), settings={"max_connections": "200"})
        stores = embedded.start()
        try:
            migrations.upgrade(stores.owner_url)
            over_http(open_hub(stores, "hub", folder), rows)
            db.SessionFactory.kw["bind"].dispose()
            engine_level(lambda: fresh_hub(stores, folder), rows)
            splitting(lambda: fresh_hub(stores, folder), rows)
            db.SessionFactory.kw["bind"].dispose()
            feeds(lambda: fresh_hub(stores, folder), rows)
            memory(rows)
            quoting(rows)
        finally:
            embedded.stop()
    write(rows)
    say(f"written to {REPORT.name}; peak of this process {peak()} MiB")


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def open_hub(stores, database, folder):
    settings = load(
        {
            "HUB_VAR": folder,
            "HUB_DATABASE_URL": stores.database_url.replace("/hub?", f"/{database}?"),
            "HUB_DATABASE_OWNER_URL": stores.owner_url.replace(
                "/hub?", f"/{database}?"
            ),
            "HUB_REDIS_URL": stores.redis_url,
            "HUB_SECRET_KEY": SECRET,
            "HUB_LOG_LEVEL": "error",
            "HUB_CREDENTIAL_CACHE_S": "5",
        }
    )
    return Hub.open(settings, db.connect(settings.database_url, pool_size=8))


class fresh_hub:  # noqa: N801 - used like a function
    """A hub on a new database, dropped at the end."""

    def __init__(self, stores, folder):
        self.stores, self.folder = stores, folder
        self.name = f"bench_{next(NUMBERS)}"

    def __enter__(self):
        sockets = self.stores.owner_url.partition("host=")[2]
        self.admin = psycopg.connect(
            f"host={sockets} user=postgres dbname=postgres", autocommit=True
        )
        self.admin.execute(f"CREATE DATABASE {self.name} OWNER hub_owner")
        migrations.upgrade(self.stores.owner_url.replace("/hub?", f"/{self.name}?"))
        return open_hub(self.stores, self.name, self.folder)

    def __exit__(self, *_):
        db.SessionFactory.kw["bind"].dispose()
        self.admin.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
        self.admin.close()


if __name__ == "__main__":
    main()
