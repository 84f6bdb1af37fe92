"""Latencies in buckets that double: kept small, added up, read as quantiles. Pure."""

from collections.abc import Sequence

FIRST_MS, BUCKETS = 1, 20


def bucket(took_s: float) -> int:
    """Return the bucket of a latency: 1 ms, 2 ms, 4 ms ... and all that is longer."""
    ms = max(0, int(took_s * 1000))
    return min(BUCKETS - 1, ms.bit_length())


def quantile_ms(buckets: Sequence[int], percent: int) -> int | None:
    """Return below how many milliseconds so many per cent of the calls were."""
    total = sum(buckets)
    if not total:
        return None
    seen = 0
    for no, count in enumerate(buckets):
        seen += count
        if seen * 100 >= total * percent:
            return FIRST_MS << no
    return FIRST_MS << BUCKETS
