"""How suppliers are asked: bounded, counted, and not at all while they are down.

Each process keeps what it knows of a source for a second; what limits the asking is
the process's own: a source that hangs costs it so many threads and no more.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import NoAnswerError, NotReachedError, SaidNoError
from connectors.models import Source
from connectors.ports import Capabilities, Port
from connectors.rules.breaking import Breaker
from connectors.rules.measuring import BUCKETS, bucket
from connectors.services.sealing import Sealer
from connectors.services.sources import stop_source
from connectors.suppliers.kinds import EVERY
from connectors.suppliers.soap import Waits, Wire, used
from hub.kernel.db import rows, transaction
from hub.kernel.errors import HubError, NotFoundError
from hub.kernel.metrics import SUPPLIER_CALLS

KNOWN_S, WRITE_EVERY_S = 1.0, 5.0
ROLLED_BACK = "rolled-back"  # known to be undone, but nobody has answered
STUMBLES = (
    *(LookupError, TypeError, ValueError, AttributeError, ArithmeticError),
    *(RecursionError, HubError),
)
_WRITE = text(
    "INSERT INTO source_measured (source_id, hour, calls, errors, unknown, buckets,"
    " clock_offset_s) SELECT source, date_trunc('hour', clock_timestamp()), calls,"
    " errors, unknown, buckets, clock_offset FROM"
    " json_to_recordset(CAST(:rows AS json)) AS r(source uuid, calls int, errors int,"
    " unknown int, buckets int[], clock_offset float)"
    " ORDER BY source ON CONFLICT (source_id, hour) DO UPDATE SET"
    " calls = source_measured.calls + excluded.calls,"
    " errors = source_measured.errors + excluded.errors,"
    " unknown = source_measured.unknown + excluded.unknown,"
    " buckets = ARRAY(SELECT a + b FROM unnest(source_measured.buckets,"
    " excluded.buckets) AS u(a, b)),"
    " clock_offset_s = coalesce(excluded.clock_offset_s,"
    " source_measured.clock_offset_s)"
)
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Counted:
    calls: int = 0
    errors: int = 0
    unknown: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    clock_offset: float | None = None


@dataclass(slots=True)
class _Known:
    """A source as this process knows it, and how it gets on with it."""

    port: Port
    wire: Wire
    version: int
    at_once: int
    stopped: str | None
    read_at: float
    under_way: int = 0
    breaker: Breaker = field(default_factory=Breaker)


class BusyError(NotReachedError):
    """Not asked: too many are asking it, it is down, or somebody has stopped it."""

    def __init__(self, why: str, retry_after_s: float) -> None:
        self.retry_after_s = max(1, round(retry_after_s))
        super().__init__(why)


class Suppliers:
    """All suppliers' systems, as one process asks them.

    *most*: how many calls may be under way together, so that suppliers that hang do
    not take all of a process's threads.
    """

    def __init__(self, sealer: Sealer, *, most: int) -> None:
        self.sealer = sealer
        self._most, self._under_way = most, 0
        self._known: dict[UUID, _Known] = {}
        self._counted: dict[UUID, _Counted] = {}
        self._written_at = time.monotonic()
        self._lock = threading.Lock()

    @contextmanager
    def asking(self, source_id: UUID, what: str) -> Iterator[Port]:
        """Yield the port of a source to ask one thing; never inside a transaction.

        Raises what the supplier's answer is if it is none: BusyError where it was not
        asked at all. What a port stumbles over is NoAnswerError: it was not understood.
        """
        known, before = self._enter(source_id, self._find(source_id))
        began, outcome = time.monotonic(), "answered"
        try:
            with used() as is_used:
                yield known.port
        except SaidNoError as error:
            outcome = "no-answer" if error.code == ROLLED_BACK else "said-no"
            if error.is_permanent:
                self._stop(source_id, error)
            raise
        except NotReachedError:
            outcome = "not-reached"
            raise
        except NoAnswerError:
            outcome = "no-answer"
            raise
        except STUMBLES as error:
            outcome = "no-answer"
            said = f"not understood: {type(error).__name__} {error}"[:200]
            raise NoAnswerError(said) from error
        finally:
            if is_used():
                self._count(source_id, known, outcome, time.monotonic() - began)
                SUPPLIER_CALLS.labels(what, outcome).inc()
            self._leave(source_id, known, None if is_used() else before)

    def capabilities(self, source_id: UUID) -> Capabilities:
        """Return what a source says it can do."""
        return self._find(source_id).port.capabilities

    def state(self, source_id: UUID) -> str:
        """Say how this process's breaker of a source stands."""
        known = self._known.get(source_id)
        return "closed" if known is None else known.breaker.state

    def is_askable(self, source_id: UUID) -> bool:
        """Say whether it would be asked now; asks nothing."""
        known = self._find(source_id)
        now = time.monotonic()
        return known.stopped is None and known.breaker.waits_s(now) is None

    def _find(self, source_id: UUID) -> _Known:
        known = self._known.get(source_id)
        if known is not None and time.monotonic() - known.read_at < KNOWN_S:
            return known
        with transaction() as session:
            source = session.get(Source, source_id)
            if source is None:
                raise NotFoundError(source_id=source_id)
            session.expunge(source)
        with self._lock:
            known = self._known.get(source_id)
            if known is None or known.version != source.version:
                fresh = self._opened(source)
                if known is not None:
                    fresh.under_way, fresh.breaker = known.under_way, known.breaker
                self._known[source_id] = known = fresh
            known.read_at = time.monotonic()
            return known

    def _opened(self, source: Source) -> _Known:
        waits = Waits(source.connect_ms / 1000, source.operation_ms / 1000)
        wire = Wire(waits, source.at_once)
        credentials = self.sealer.open(source.credentials)
        kind = EVERY[source.kind]
        stopped = (source.stopped_because or "stopped") if source.is_stopped else None
        return _Known(
            port=kind(source.url, source.settings, credentials, wire),
            wire=wire,
            version=source.version,
            at_once=source.at_once,
            stopped=stopped,
            read_at=time.monotonic(),
        )

    def _enter(self, source_id: UUID, known: _Known) -> tuple[_Known, Breaker]:
        """Take a slot, or raise BusyError; return the source and its breaker before."""
        now = time.monotonic()
        with self._lock:
            known = self._known.get(source_id, known)
            before = known.breaker
            if known.stopped is not None:
                raise BusyError(f"stopped: {known.stopped}", 60)  # noqa: TRY003
            waits = before.waits_s(now)
            if waits is not None:
                raise BusyError("it does not answer of late", waits)  # noqa: TRY003
            if known.under_way >= known.at_once or self._under_way >= self._most:
                raise BusyError("too many are asking it", 1)  # noqa: TRY003
            known.breaker = before.asked(now)
            known.under_way += 1
            self._under_way += 1
        return known, before

    def _leave(self, source_id: UUID, known: _Known, before: Breaker | None) -> None:
        """Give a slot back; if nothing was sent, the breaker is as it was *before*."""
        with self._lock:
            current = self._known.get(source_id, known)
            current.under_way -= 1
            self._under_way -= 1
            if before is not None:
                current.breaker = before
            is_due = time.monotonic() - self._written_at > WRITE_EVERY_S
        if is_due:
            self.write()

    def _count(
        self, source_id: UUID, known: _Known, outcome: str, took_s: float
    ) -> None:
        is_failed = outcome in {"not-reached", "no-answer"}
        with self._lock:
            current = self._known.get(source_id, known)
            breaker, now = current.breaker, time.monotonic()
            current.breaker = breaker.failed(now) if is_failed else breaker.answered()
            counted = self._counted.setdefault(source_id, _Counted())
            counted.calls += 1
            counted.errors += is_failed
            counted.unknown += outcome == "no-answer"
            counted.buckets[bucket(took_s)] += 1
            if known.wire.clock_offset_s is not None:
                counted.clock_offset = known.wire.clock_offset_s

    def write(self) -> None:
        """Write what was measured; a call does not fail for that."""
        with self._lock:
            counted, self._counted = self._counted, {}
            self._written_at = time.monotonic()
        said = [
            {
                "source": source_id,
                "calls": one.calls,
                "errors": one.errors,
                "unknown": one.unknown,
                "buckets": one.buckets,
                "clock_offset": one.clock_offset,
            }
            for source_id, one in counted.items()
        ]
        if not said:
            return
        try:
            with transaction() as session:
                session.execute(_WRITE, {"rows": rows(said)})
        except SQLAlchemyError as error:
            log.warning("what was measured is lost", error=str(error).splitlines()[0])

    def close(self) -> None:
        """Close all connections, and write what is left to write."""
        with self._lock:
            known, self._known = self._known, {}
        for one in known.values():
            one.wire.close()
        self.write()

    def _stop(self, source_id: UUID, error: SaidNoError) -> None:
        """Stop a source that refuses everything: a signature, a login."""
        log.error("a supplier refuses us", source=str(source_id), said=str(error))
        with transaction() as session:
            source = session.get_one(Source, source_id, with_for_update=True)
            if not source.is_stopped:
                stop_source(session, source, str(error))
