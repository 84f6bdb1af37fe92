"""SOAP as suppliers speak it, through zeep: bounded, strict, and never guessing.

What went wrong is told apart before zeep looks at a reply: whether anything was sent,
whether what came back is XML, whether it is a fault. Nothing is ever sent twice.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.resources import files
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from zeep import Client, Settings
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault
from zeep.transports import Transport

from connectors.errors import NoAnswerError, NotReachedError, SilentError
from connectors.suppliers.xml import as_utf_8

REPLY_BYTES_MAX = 64 * 1024 * 1024
XML_TYPES = ("text/xml", "application/soap+xml", "application/xml")
STRICT = Settings(
    strict=True,
    forbid_dtd=True,
    forbid_entities=True,
    forbid_external=True,
    xml_huge_tree=True,  # a schedule may be one long string; its bytes are bounded
)


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a supplier is waited for, in seconds; both are always set."""

    connect_s: float
    operation_s: float

    @property
    def both(self) -> tuple[float, float]:
        """The pair that requests takes."""
        return (self.connect_s, self.operation_s)


_call = threading.local()
"""Of each thread: the connections its call uses, and whether it has used any."""


class _Noted:
    """A connection that says what it reads from as it begins to ask.

    It lets go of its socket itself when a reply says that it is the last.
    """

    def request(self, *said: Any, **named: Any) -> Any:
        lines = getattr(_call, "lines", [])
        lines.append(self)
        super().request(*said, **named)  # type: ignore[misc]
        lines.append(self.sock)  # type: ignore[attr-defined]


class _Plain(_Noted, HTTPConnection):
    """A noted connection by HTTP."""


class _Sealed(_Noted, HTTPSConnection):
    """A noted connection by HTTPS."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SealedPool(HTTPSConnectionPool):
    ConnectionCls = _Sealed


class _Adapter(HTTPAdapter):
    """An adapter whose connections can be ended from outside."""

    def init_poolmanager(self, *said: Any, **named: Any) -> None:
        super().init_poolmanager(*said, **named)
        pools = {"http": _PlainPool, "https": _SealedPool}
        self.poolmanager.pool_classes_by_scheme = pools


def _hang_up(ended: threading.Event, lines: list[Any]) -> None:
    """End connections under way: whoever reads from one gets an error, or an end."""
    ended.set()
    for line in lines:
        with suppress(OSError, AttributeError):
            getattr(line, "sock", line).shutdown(socket.SHUT_RDWR)


@contextmanager
def used() -> Iterator[Callable[[], bool]]:
    """Let a caller know whether anything was sent to a supplier inside."""
    _call.is_used = False
    yield lambda: bool(_call.is_used)


class Wire(requests.Session):
    """HTTP to one supplier: bounded in time and size, no retries, no redirects.

    The time for an operation is for all of it: a server that sends a byte now and then
    is hung up on, as one that sends none.
    """

    def __init__(self, waits: Waits, at_once: int = 8) -> None:
        super().__init__()
        self.waits = waits
        self.trust_env = False
        self.clock_offset_s: float | None = None
        adapter = _Adapter(pool_maxsize=at_once, max_retries=0)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def fetch(
        self, method: str, url: str, **more: Any
    ) -> tuple[requests.Response, bytes]:
        """Send a request; return the reply and its body, not longer than it may be.

        NotReachedError if nothing was sent, NoAnswerError if no whole reply came:
        SilentError if nothing of it did in all the time.
        """
        sent_at = datetime.now(UTC)  # noqa: TID251 - a supplier's clock is compared
        _call.is_used, _call.lines = True, []
        ended = threading.Event()
        end = (ended, _call.lines)
        watch = threading.Timer(sum(self.waits.both), _hang_up, end)
        watch.daemon = True
        watch.start()
        try:
            with self.request(
                method,
                url,
                timeout=self.waits.both,
                allow_redirects=False,
                stream=True,
                **more,
            ) as reply:
                body = _bounded(reply)
        except requests.RequestException as error:
            raise _meant(error) from error
        finally:
            watch.cancel()
        if ended.is_set():  # what has no length may look whole
            raise NoAnswerError("hung up on: it took too long")
        self._compare(reply, sent_at)
        return reply, body

    def _compare(self, reply: requests.Response, sent_at: datetime) -> None:
        """Note how far the supplier's clock is ahead of ours."""
        try:
            said = parsedate_to_datetime(reply.headers.get("Date", ""))
        except ValueError:
            return
        if said.tzinfo is None:
            return
        now = datetime.now(UTC)  # noqa: TID251 - a supplier's clock is compared
        middle = sent_at + (now - sent_at) / 2
        self.clock_offset_s = round((said - middle).total_seconds(), 1)


def _bounded(reply: requests.Response) -> bytes:
    parts, size = [], 0
    for part in reply.iter_content(256 * 1024):
        size += len(part)
        if size > REPLY_BYTES_MAX:
            raise NoAnswerError(f"more than {REPLY_BYTES_MAX} bytes")
        parts.append(part)
    return b"".join(parts)


def _meant(error: requests.RequestException) -> NotReachedError | NoAnswerError:
    """Return what an error of a connection means: nothing sent, silence, or unknown."""
    said = type(error).__name__
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL):
        return NotReachedError(said)
    if isinstance(error, requests.ReadTimeout):
        return SilentError(said)
    if isinstance(error, requests.ConnectionError) and _was_not_sent(error):
        return NotReachedError(said)
    return NoAnswerError(said)


def _was_not_sent(error: requests.ConnectionError) -> bool:
    """Say whether a connection was never made: refused, no route, no such host."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError"}


class _Transport(Transport):
    """How zeep reaches a supplier: by a Wire, telling apart what came back."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(session=wire, timeout=wire.waits.operation_s)
        self._wire = wire

    def post(self, address: str, message: Any, headers: Any) -> Any:
        reply, body = self._wire.fetch("POST", address, data=message, headers=headers)
        kind = reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in XML_TYPES:
            raise NoAnswerError(f"{reply.status_code} with {kind or 'no type'}")
        if not reply.ok and b"Fault" not in body:
            raise NoAnswerError(f"{reply.status_code} without a fault")
        reply._content = as_utf_8(body)  # noqa: SLF001 - it was read with a bound, above
        return reply


class Soap:
    """A supplier's SOAP service by a WSDL of ours; one for a process, any thread."""

    def __init__(self, package: str, wsdl: str, address: str, wire: Wire) -> None:
        path = files(package).joinpath(wsdl)
        self.client = Client(str(path), transport=_Transport(wire), settings=STRICT)
        binding = next(iter(self.client.wsdl.bindings))
        self._service = self.client.create_service(binding, address)

    def call(self, operation: str, *said: Any, **named: Any) -> Any:
        """Call an operation; return its reply as zeep reads it.

        A fault is NoAnswerError too: servers send one after they have done the work.
        """
        try:
            return getattr(self._service, operation)(*said, **named)
        except Fault as error:
            raise NoAnswerError(f"fault: {error.message}"[:200]) from error
        except ZeepError as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}"[:200]) from error
