"""What the benchmarks share: hubs to measure on, interleaved pairs, one report line."""

import statistics
import sys
from itertools import count

import psycopg

from hub import migrations
from hub.config import load
from hub.kernel import db
from tests.bench.load import request, run
from tests.hubs import (
    CREDENTIALS_KEY,
    SECRET,
    Hub,
    auditorium,
    performance,
    production,
    venue,
)

PAIRS = 5
CALLERS = 16
SECONDS = 2.0
NUMBERS = count()


def on_echo(_, __, wire):
    body = b'{"name":"a","count":1,"tags":["x"]}'
    return [wire.send(request("POST", "/echo", body=body))[0]]


def interleaved(echo_port, port, make, label, callers=CALLERS):
    """Measure *make* and the echo in turn; return a row with the median ratio."""
    return compared(label, (port, make), (echo_port, on_echo), callers, "of the echo")


def compared(label, subject, base, callers=CALLERS, to="of the other"):
    """Measure two (port, what callers do) in turn; return a row with their ratio."""
    ratios, outcome = [], None
    for _ in range(PAIRS):
        before = run(base[0], base[1], callers=callers, seconds=SECONDS)
        outcome = run(subject[0], subject[1], callers=callers, seconds=SECONDS)
        ratios.append(outcome.per_second / before.per_second)
        assert set(before.statuses) <= {200, 201}, before.statuses
        assert set(outcome.statuses) <= {200, 201}, outcome.statuses
    ratio, rate = statistics.median(ratios), f"{outcome.per_second:.0f}/s"
    say(f"{label}: {ratio:.3f} {to} ({rate}), p50 {outcome.p50_ms:.1f} ms")
    p99 = f"{outcome.p99_ms:.0f} ms"
    return [label, f"{ratio:.3f}", spread(ratios), rate, p99]


def season(hub, performances, plan=None):
    hub.deliver([venue(), auditorium(standing=400_000), production()])
    hub.deliver(
        [performance(f"b{no}", floor=400_000, stalls=30) for no in range(performances)]
    )
    hub.plan(plan)
    return hub.get("ann", "/v1/performances?limit=100")["items"]


def spread(ratios):
    return f"{min(ratios):.3f}-{max(ratios):.3f}"


def say(line):
    print(line, file=sys.stderr, flush=True)  # noqa: T201


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
            "HUB_CREDENTIALS_KEYS": CREDENTIALS_KEY,
            "HUB_LOG_LEVEL": "error",
            "HUB_RATE_PERCENT": "0",
            "HUB_AGENT_AT_ONCE": "0",
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
