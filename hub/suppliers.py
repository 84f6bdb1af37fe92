"""The worker that asks suppliers: due syncs, and what is not known of sales.

Many at once, in threads, for suppliers are slow; each takes what is due with a lease in
the database, so that any number of these workers may run, and one that dies is replaced
by whoever comes next.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

import structlog

from connectors.services import syncing
from connectors.services.guarding import Suppliers
from connectors.services.sealing import Sealer
from connectors.services.visiting import Lease
from hub.config import Settings
from hub.kernel import db
from hub.kernel.db import transaction
from hub.sales.queries import supplied
from hub.sales.services.supplied.reconciling import reconcile

THREADS, SYNCS_AT_ONCE, AT_ONCE = 16, 4, 3
PAUSE_S = 0.2
log = structlog.get_logger(__name__)


class Clerk:
    """Takes what is due and has it done, a few of each source at once."""

    def __init__(self, suppliers: Suppliers) -> None:
        self._suppliers = suppliers
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="supplier")
        self._under_way: dict[UUID, int] = {}
        self._syncs: set[Future[None]] = set()
        self._lock = threading.Lock()

    def look(self) -> bool:
        """Take what is due now; say whether there was anything."""
        return self._look_at_sales() | self._look_at_syncs()

    def close(self) -> None:
        """Let what is under way come to its end, and no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._suppliers.close()

    def _look_at_sales(self) -> bool:
        with self._lock:
            busy = [one for one, n in self._under_way.items() if n >= AT_ONCE]
            free = THREADS - SYNCS_AT_ONCE - sum(self._under_way.values())
        if free <= 0:
            return False
        with transaction() as session:
            due = supplied.lease_due(session, busy=busy, most=free)
        for part_id, source_id in due:
            with self._lock:
                self._under_way[source_id] = self._under_way.get(source_id, 0) + 1
            self._pool.submit(self._sale, part_id, source_id)
        return bool(due)

    def _sale(self, part_id: UUID, source_id: UUID) -> None:
        try:
            self._safely("reconcile", lambda: reconcile(self._suppliers, part_id))
        finally:
            with self._lock:
                self._under_way[source_id] -= 1

    def _look_at_syncs(self) -> bool:
        self._syncs = {one for one in self._syncs if not one.done()}
        if len(self._syncs) >= SYNCS_AT_ONCE:
            return False
        with transaction() as session:
            lease = syncing.lease_due(session)
        if lease is None:
            return False
        self._syncs.add(self._pool.submit(self._sync, lease))
        return True

    def _sync(self, lease: Lease) -> None:
        self._safely("sync", lambda: syncing.sync(self._suppliers, lease))

    @staticmethod
    def _safely(what: str, work: Callable[[], object]) -> None:
        """Do a piece of work; what fails is logged and due again by its lease."""
        try:
            work()
        except Exception:
            log.exception("a supplier's work failed", what=what)


def work_off(suppliers: Suppliers, *, pace: float = 1.0, most: int = 100) -> int:
    """Do what is due of sales now, one after the other; return how much it was."""
    count = 0
    while count < most:
        with transaction() as session:
            due = supplied.lease_due(session, busy=[], most=1)
        if not due:
            return count
        reconcile(suppliers, due[0][0], pace=pace)
        count += 1
    return count


def run(settings: Settings, halt: Callable[[float], bool]) -> int:
    """Work until *halt*(seconds) says so."""
    db.bind(db.connect(str(settings.database_url), pool_size=THREADS, is_patient=True))
    suppliers = Suppliers(Sealer(settings.credentials_keys), most=THREADS)
    clerk = Clerk(suppliers)
    try:
        while not halt(0.0 if clerk.look() else PAUSE_S):
            time.sleep(0.01)
    finally:
        clerk.close()
    return 0
