"""The committer by itself: many callers waiting on one hot area, without the web."""

import statistics
import threading
import time
from uuid import UUID

from hub.kernel.hot import hot_calls
from hub.sales.services.committing import STEPS, sale_committer
from tests.bench.confirms import _again, _wish

CALLERS = 128
PAIRS = 5
SECONDS = 2.0
CARRIED = 100


def rate(committer, wishes):
    """Return holds a second of callers that submit one after the other."""
    placed, lock = [0], threading.Lock()
    deadline = time.perf_counter() + SECONDS

    def call(caller):
        mine = 0
        while time.perf_counter() < deadline:
            committer.submit(_again(wishes[caller % len(wishes)]))
            mine += 1
        with lock:
            placed[0] += mine

    threads = [threading.Thread(target=call, args=(n,)) for n in range(CALLERS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return placed[0] / (time.perf_counter() - began)


def carried(wishes):
    """Return holds a second of one caller whose requests carry many at once."""
    placed, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        batch = [_again(wishes[no % len(wishes)]) for no in range(CARRIED)]
        with hot_calls() as calls:
            STEPS.run(calls, batch)
        placed += CARRIED
    return placed / (time.perf_counter() - began)


def measure(hub, offer_id):
    """Return rows of the report: the committer and batches against single holds."""
    wishes = [_wish(hub, ref, UUID(offer_id)) for ref in ("ann", "bob")]
    together, alone = sale_committer(), sale_committer(is_batching=False)
    ratios, many, rates = [], [], []
    for _ in range(PAIRS):
        base = rate(alone, wishes)
        rates.append(rate(together, wishes))
        ratios.append(rates[-1] / base)
        many.append(carried(wishes) / base)
    spread = lambda found: f"{min(found):.1f}-{max(found):.1f}"  # noqa: E731
    label = f"committer, {CALLERS} callers on one area: times one transaction a hold"
    told = [f"{statistics.median(ratios):.1f}", spread(ratios)]
    rate_s = f"{statistics.median(rates):.0f}/s"
    more = f"{CARRIED} holds a transaction: times one transaction a hold"
    return [
        [label, *told, rate_s, ""],
        [more, f"{statistics.median(many):.1f}", spread(many), "", ""],
    ]
