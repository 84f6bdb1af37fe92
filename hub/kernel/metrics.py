"""What the hub counts about itself, for Prometheus."""

from functools import cache

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import CollectorRegistry

REQUESTS = Counter(
    "hub_requests_total", "Requests answered", ["method", "route", "status"]
)
REQUEST_SECONDS = Histogram(
    "hub_request_seconds", "Time to answer a request", ["method", "route"]
)
HOLDS = Counter("hub_holds_total", "Holds decided", ["outcome"])
ORDERS = Counter("hub_orders_total", "Orders confirmed and cancelled", ["what"])
OUTBOX_SENT = Counter("hub_outbox_sent_total", "Messages given to a queue", ["topic"])
WEBHOOKS = Counter("hub_webhooks_total", "Webhooks sent", ["outcome"])
OUTBOX_WAITING = Gauge(
    "hub_outbox_waiting", "Messages not done", multiprocess_mode="livemax"
)
FEED_RECORDS = Counter("hub_feed_records_total", "Feed records", ["outcome"])
PERIODIC_FAILED = Counter(
    "hub_periodic_tasks_failed_total", "Periodic tasks that failed", ["task"]
)
OVERCOMMITTED = Gauge(
    "hub_overcommitted_performances",
    "Performances with more taken than there is",
    multiprocess_mode="livemax",
)
SUPPLIER_CALLS = Counter(
    "hub_supplier_calls_total", "Calls of suppliers", ["what", "outcome"]
)
SUPPLIER_CASES = Counter("hub_supplier_cases_total", "Sales that need a person")
SEALED = Counter("hub_journal_sealed_total", "Journal entries sealed")
CREDIT_ALERTS = Counter(
    "hub_credit_alerts_total", "Credit thresholds reached", ["threshold_bp"]
)


@cache
def counted(method: str, route: str, status: int) -> Counter:
    """Return the counter of a kind of request; finding it costs more than counting."""
    return REQUESTS.labels(method, route, status)


@cache
def timed(method: str, route: str) -> Histogram:
    """Return the histogram of a route."""
    return REQUEST_SECONDS.labels(method, route)


def exposition(multiprocess_dir: str | None) -> bytes:
    """Return all metrics in Prometheus' text format.

    With several processes each writes into *multiprocess_dir*
    (``PROMETHEUS_MULTIPROC_DIR``) and any of them answers for all.
    """
    if multiprocess_dir is None:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=multiprocess_dir)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
