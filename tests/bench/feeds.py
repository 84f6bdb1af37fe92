"""Feeds against a bare COPY of their rows, delivered again, and their memory."""

import statistics
import subprocess
import sys
import time

import psycopg
from sqlalchemy import text

from connectors.services.steps import step
from hub.catalogue.models import Offer, Performance, PerformanceArea
from hub.kernel.db import transaction
from tests.bench.harness import PAIRS, say, spread
from tests.hubs import auditorium, ndjson, offer, performance, production, venue

FEED_RECORDS = 20_000


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
