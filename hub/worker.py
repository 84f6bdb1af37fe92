"""The worker: supervises jobs, and the one process that does the periodic work."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from uuid import UUID

import structlog
from rq import Queue, SimpleWorker
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from allocation.queries.trees import overcommitted
from allocation.services.plans import PLAN_PUBLISHED
from allocation.services.rebalancing import rebalance_due
from allocation.services.releases import release_due_stages
from allocation.services.scheduling import publish_due
from allocation.services.sharing import mend_cut_trees
from connectors.services.deliveries import FEED_RECEIVED
from connectors.services.steps import INVENTORY_CHANGED
from hub import suppliers
from hub.catalogue.services.changes import (
    announce_due,
    number_changes,
    prune_changes,
)
from hub.config import Settings, child_environment
from hub.kernel import db, idempotency, jobs, log, metrics
from hub.kernel.db import transaction
from hub.sales.services.freezing import prune_quotes
from hub.sales.services.lapse import lapse_due
from hub.sales.services.noticing import tell_disruptions
from hub.sales.services.refunding import go_on_refunding
from hub.sales.services.requesting import lapse_requests
from hub.sales.services.steering import carry_out_due, void_all_stopped
from hub.serve import Stop, start, stop
from hub.webhooks import jobs as webhooks
from hub.webhooks.services.dialects import SPEAKERS, Dialect
from settlement.services.folding import fold_totals
from settlement.services.releases import release_due
from settlement.services.seals import seal_journal

SUBSCRIBERS = {
    FEED_RECEIVED: "connectors.jobs.work_feed_off",
    INVENTORY_CHANGED: "allocation.jobs.share_out",
    PLAN_PUBLISHED: "allocation.jobs.share_out",
}
ELECTION_LOCK = 4_711_001
RESTART_PAUSE_S = 1.0
KEYS_HOURS = 48
KEYS_CHUNK = 5_000
PARTITION_WEEKS = 8
_ELECT = text("SELECT pg_try_advisory_lock(:key)")
_MAKE = text("SELECT make_partitions(:weeks)")
_DROP = text("SELECT drop_partitions(clock_timestamp())")
_WAITING = text("SELECT count(*) FROM outbox_message WHERE done_at IS NULL")

logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class Task:
    """Something done every *every_s* seconds, and at once again while it finds work."""

    name: str
    every_s: float
    work: Callable[[], object]
    due: float = 0.0


def supervise(settings: Settings) -> int:
    """Run all workers as children, and start again whichever ends."""
    halt = Stop()
    environment = child_environment(settings, metrics_dir=settings.metrics_dir or "")
    command = [sys.executable, "-m", "hub.cli", "worker", "--only"]
    kinds = [
        *("periodic", "jobs"),
        *["webhooks"] * settings.webhook_workers,
        *["suppliers"] * settings.supplier_workers,
    ]
    children = [(kind, start([*command, kind], environment)) for kind in kinds]
    try:
        while not halt.wait(0.2):
            for at, (kind, child) in enumerate(children):
                if child.poll() is not None and not halt.wait(RESTART_PAUSE_S):
                    logger.warning("worker ended", kind=kind, status=child.returncode)
                    children[at] = (kind, start([*command, kind], environment))
    finally:
        stop([child for _, child in children])
    return 0


def prepare(settings: Settings) -> None:
    """Connect this process to the database and set up its log."""
    log.configure(settings.log_level)
    db.bind(db.connect(str(settings.database_url), is_patient=True))


def run_webhooks(settings: Settings) -> int:
    """Push changes to agents until asked to stop; ends when the queue goes away."""
    webhooks.prepare(settings.secret_key, allows_private=settings.webhooks_private)
    speak(settings)
    return run_jobs(settings, webhooks.QUEUE)


def speak(settings: Settings) -> None:
    """Let this process tell endpoints in the words of their dialects.

    What that needs is imported when there is one: it is most of the hub.
    """

    def octo() -> Dialect:
        found: Dialect = import_module("hub.speaking").octo(settings)
        return found

    SPEAKERS["octo"] = octo


def run_jobs(settings: Settings, name: str = jobs.QUEUE) -> int:
    """Carry out jobs until asked to stop; ends when the queue goes away."""
    prepare(settings)
    connection = jobs.queue_connection(str(settings.redis_url))
    connection.connection_pool.connection_kwargs["socket_timeout"] = 30
    queue = Queue(name, connection=connection, serializer="json")
    worker = SimpleWorker([queue], connection=connection, serializer="json")
    worker.log_result_lifespan = False
    worker.work(logging_level="WARNING", with_scheduler=False)
    return 0


def run_suppliers(settings: Settings) -> int:
    """Read suppliers and clear what is not known of sales, until asked to stop."""
    prepare(settings)
    return suppliers.run(settings, Stop().wait)


def run_periodic(settings: Settings) -> int:
    """Do the periodic work if elected; stand by if another process is."""
    prepare(settings)
    halt = Stop()
    engine = db.connect(str(settings.database_url), pool_size=1)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as lock:
        while not _is_elected(lock):
            if halt.wait(1.0):
                return 0
        tasks = periodic_tasks(settings)
        while not halt.is_asked:
            lock.execute(text("SELECT 1"))  # still ours: a lost connection ends us
            busy = run_due(tasks)
            halt.wait(0.0 if busy else 0.1)
    return 0


def _is_elected(lock: Connection) -> bool:
    return bool(lock.scalar(_ELECT, {"key": ELECTION_LOCK}))


def periodic_tasks(settings: Settings) -> list[Task]:
    """Return what selling and the books need done all the time."""
    connection = jobs.queue_connection(str(settings.redis_url))
    return [
        Task("relay", 0.1, lambda: jobs.relay(connection, SUBSCRIBERS)),
        Task("webhooks", 0.1, lambda: webhooks.enqueue_due(connection)),
        Task("lapse", 1.0, partial(_in_transaction, lapse_due)),
        Task("mend", 1.0, partial(_in_transaction, mend_cut_trees)),
        Task("stages", 1.0, partial(_in_transaction, release_due_stages)),
        Task("void", 1.0, partial(_in_transaction, void_all_stopped)),
        Task("recalls", 1.0, partial(_in_transaction, carry_out_due)),
        Task("plans", 1.0, partial(_in_transaction, publish_due)),
        Task("requests", 5.0, partial(_in_transaction, lapse_requests)),
        Task("rebalance", 30.0, partial(_in_transaction, rebalance_due)),
        Task("number changes", 0.2, partial(_in_transaction, number_changes)),
        Task("disruptions", 1.0, partial(_in_transaction, tell_disruptions)),
        Task("refunds", 1.0, partial(_in_transaction, go_on_refunding)),
        Task("announce", 1.0, partial(_in_transaction, announce_due)),
        Task("prune changes", 3_600.0, partial(_in_transaction, prune_changes)),
        Task("seal", 1.0, _seal),
        Task("fold", 1.0, partial(_in_transaction, fold_totals)),
        Task("release", 60.0, partial(_in_transaction, release_due)),
        Task("count waiting", 5.0, _count_waiting),
        Task("watch over-commitment", 5.0, Watch().look),
        Task("prune keys", 60.0, _prune_keys),
        Task("prune quotes", 3_600.0, _prune_quotes),
        Task("partitions", 3_600.0, _keep_partitions),
    ]


def run_due(tasks: list[Task]) -> bool:
    """Run what is due; a task that fails is logged and tried again later."""
    was_busy = False
    for task in tasks:
        if task.due > time.monotonic():
            continue
        task.due = time.monotonic() + task.every_s
        try:
            if task.work():
                task.due, was_busy = 0.0, True
        except Exception as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            logger.exception("periodic task failed", task=task.name)
            metrics.PERIODIC_FAILED.labels(task.name).inc()
    return was_busy


def _in_transaction(work: Callable[[Session], int]) -> int:
    """Do a task's work in a transaction; return how much it was."""
    with transaction() as session:
        return work(session)


def _seal() -> None:
    """Seal once a period: at once again would make a block of every sale."""
    with transaction() as session:
        seal_journal(session)


def _prune_keys() -> int:
    with transaction() as session:
        return idempotency.prune(session, older_than_hours=KEYS_HOURS, most=KEYS_CHUNK)


def _prune_quotes() -> int:
    with transaction() as session:
        return prune_quotes(session, most=KEYS_CHUNK)


def _count_waiting() -> None:
    with transaction() as session:
        metrics.OUTBOX_WAITING.set(session.scalar(_WAITING) or 0)


class Watch:
    """Alarms when a performance has more taken than there is, once each."""

    def __init__(self) -> None:
        self._known: dict[UUID, int] = {}

    def look(self) -> None:
        """Count over-committed performances; warn of those that are new or worse."""
        with transaction() as session:
            found = overcommitted(session)
        metrics.OVERCOMMITTED.set(len(found))
        for performance_id, seats in found.items():
            if seats > self._known.get(performance_id, 0):
                told = {"performance_id": str(performance_id), "over_by": seats}
                logger.warning("performance over-committed", **told)
        self._known = found


def _keep_partitions() -> None:
    for query, where in ((_MAKE, {"weeks": PARTITION_WEEKS}), (_DROP, {})):
        is_more = True
        while is_more:
            with transaction() as session:
                is_more = bool(session.scalar(query, where))
