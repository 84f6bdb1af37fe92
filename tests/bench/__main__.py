"""Measure in ratios of one run, and write what was found."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from hub import migrations
from hub.kernel import db
from hub.kernel.embedded import Embedded
from hub.verify import verify
from tests.bench import engine
from tests.bench.aims import aim_of
from tests.bench.asking import hanging, reading
from tests.bench.closing import closing, sheets
from tests.bench.dialects import speaking
from tests.bench.feeds import feeds, memory
from tests.bench.following import following
from tests.bench.harness import (
    CALLERS,
    PAIRS,
    SECONDS,
    fresh_hub,
    open_hub,
    say,
    season,
)
from tests.bench.kinds import reading_kinds
from tests.bench.over_http import over_http, within_promises
from tests.bench.pushing import printing, pushing
from tests.bench.quoting import quoting
from tests.bench.seats import best_available

SPLIT = 100_000
REPORT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


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


def write(rows):
    head = ["what", "median ratio", "range", "rate in this run", "p99", "aim"]
    told = [[*row, aim_of(row[0], row[1])] for row in rows]
    table = [head, ["---"] * len(head), *told]
    lines = "\n".join("| " + " | ".join(row) + " |" for row in table)
    REPORT.write_text(
        "# Benchmarks\n\n"
        "Written by `make bench`. Ratios are against the yardstick in the same run: an\n"
        "unauthenticated POST through our own Api with a request and a reply schema of three\n"
        f"fields, same server and settings (2 workers x 32 threads), {CALLERS} callers on the\n"
        f"same 2 cores; medians of {PAIRS} interleaved pairs of {SECONDS:.0f} s. PostgreSQL is the\n"
        "embedded one, with fsync. Every run ends with `hub verify` clean and nothing oversold.\n"
        "What was missed, with its profile and what was tried: docs/adr/0014.\n"
        "Closing is of HUB_BENCH_LINES order lines in three months (a million if not set); ten\n"
        "million were measured by itself, `python -m tests.bench.closing`, with 512 MB of\n"
        "shared buffers; drafting, reviewing and approving took 42, 43 and 39 s there.\n"
        "The rows of single kinds are CPU time of the reading process against asking the same\n"
        "again and parsing it: by zeep where it is SOAP (OTSAPI's signatures checked there too).\n\n"
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
            with fresh_hub(stores, folder) as hub:
                within_promises(hub, rows)
            engine_level(lambda: fresh_hub(stores, folder), rows)
            splitting(lambda: fresh_hub(stores, folder), rows)
            db.SessionFactory.kw["bind"].dispose()
            feeds(lambda: fresh_hub(stores, folder), rows)
            following(lambda: fresh_hub(stores, folder), rows)
            pushing(lambda: fresh_hub(stores, folder), rows)
            reading(lambda: fresh_hub(stores, folder), rows)
            reading_kinds(rows)
            speaking(lambda: fresh_hub(stores, folder), rows)
            hanging(lambda: fresh_hub(stores, folder), rows)
            printing(rows)
            best_available(rows)
            memory(rows)
            quoting(rows)
            closing(lambda: fresh_hub(stores, folder), rows)
            sheets(rows)
        finally:
            embedded.stop()
    write(rows)
    say(f"written to {REPORT.name}; peak of this process {peak()} MiB")


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
