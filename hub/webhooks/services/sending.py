"""Sending messages to an endpoint: some at a time, those of one thing in order.

An address is looked up each time, looked at, and then connected to as it was found:
no name can lead to a private network after it was checked.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from hub.webhooks.rules import NOTHING_LEFT, Message, Outcome, headers, is_public

CONNECTIONS = 8
CONNECT_S, READ_S, REQUEST_S, DEADLINE_S = 3.0, 10.0, 15.0, 40.0
WATCH_EVERY_S = 0.5
DIGITS_MAX = 6
REPLY_MAX = 64 * 1024
ERROR_MAX = 200


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, signed with which secrets, and what goes along."""

    url: str
    secrets: list[str]
    allows_private: bool
    headers: Mapping[str, str] = field(default_factory=dict)


class Watch:
    """Ends requests that take too long, however they do: a byte now and then, say."""

    def __init__(self) -> None:
        self._under_way: dict[int, tuple[float, Any]] = {}
        self._lock = threading.Lock()
        self._is_started = False

    def begin(self) -> None:
        """Note that this thread begins a request."""
        with self._lock:
            until = time.monotonic() + REQUEST_S
            self._under_way[threading.get_ident()] = (until, None)
            if not self._is_started:
                self._is_started = True
                threading.Thread(target=self._run, daemon=True).start()

    def sends(self, connection: Any) -> None:
        """Note by which connection this thread's request goes."""
        with self._lock:
            until, _ = self._under_way[threading.get_ident()]
            self._under_way[threading.get_ident()] = (until, connection)

    def end(self) -> None:
        """Note that this thread's request is over."""
        with self._lock:
            del self._under_way[threading.get_ident()]

    def _run(self) -> None:
        while True:
            time.sleep(WATCH_EVERY_S)
            with self._lock:
                now = time.monotonic()
                late = [one for until, one in self._under_way.values() if until < now]
            for connection in late:
                sock = getattr(connection, "sock", None)
                if sock is not None:
                    with contextlib.suppress(OSError):  # it has ended by itself
                        sock.shutdown(socket.SHUT_RDWR)


watch = Watch()


class WatchedConnection(HTTPConnection):
    """A connection whose requests are watched."""

    def request(self, *args: Any, **more: Any) -> None:
        watch.sends(self)
        super().request(*args, **more)


class WatchedTlsConnection(HTTPSConnection):
    """The same with TLS."""

    def request(self, *args: Any, **more: Any) -> None:
        watch.sends(self)
        super().request(*args, **more)


class PlainPool(urllib3.HTTPConnectionPool):
    """Connections that are watched."""

    ConnectionCls = WatchedConnection


class TlsPool(urllib3.HTTPSConnectionPool):
    """Connections with TLS that are watched."""

    ConnectionCls = WatchedTlsConnection


class NotPublicError(Exception):
    """The name leads to an address the hub does not send to."""


@dataclass(slots=True)
class Sender:
    """Keeps connections to endpoints for as long as a process drains them."""

    pools: dict[tuple[str, str], urllib3.HTTPConnectionPool] = field(
        default_factory=dict
    )
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, target: Target, messages: Sequence[Message]) -> list[Outcome]:
        """Send messages; return what became of each, in their order.

        Those of one thing go one after the other; after one that fails its others are
        not sent. Nor is what has not begun when the deadline is over.
        """
        try:
            pool = self._pool(target)
        except (OSError, ValueError, NotPublicError) as error:
            failed = Outcome(error=_said(error), took_ms=0)
            return [failed, *[Outcome()] * (len(messages) - 1)]
        until = time.monotonic() + DEADLINE_S
        outcomes = [Outcome()] * len(messages)
        chains: dict[UUID, list[int]] = {}
        for at, message in enumerate(messages):
            chains.setdefault(message.entity_id, []).append(at)

        def run(chain: Sequence[int]) -> None:
            for at in chain:
                if time.monotonic() > until:
                    return
                outcomes[at] = _send(pool, target, messages[at], until)
                if not outcomes[at].is_delivered:
                    return

        _all(run, list(chains.values()))
        return outcomes

    def _pool(self, target: Target) -> urllib3.HTTPConnectionPool:
        """Return connections to an endpoint, at an address that was looked at."""
        parts = urlsplit(target.url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = _address(host, port, allows_private=target.allows_private)
        key = (target.url, address)
        with self.lock:
            if key not in self.pools:
                for old in [k for k in self.pools if k[0] == target.url]:
                    self.pools.pop(old).close()
                self.pools[key] = _connections(parts.scheme, host, address, port)
            return self.pools[key]

    def close(self) -> None:
        """Let all connections go."""
        with self.lock:
            for pool in self.pools.values():
                pool.close()
            self.pools.clear()


def _all(run: Callable[[Sequence[int]], None], chains: Sequence[Sequence[int]]) -> None:
    if len(chains) == 1:
        run(chains[0])
        return
    with ThreadPoolExecutor(min(CONNECTIONS, len(chains))) as executor:
        list(executor.map(run, chains))


def _address(host: str, port: int, *, allows_private: bool) -> str:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    if not allows_private:
        for address in addresses:
            if not is_public(address.partition("%")[0]):
                raise NotPublicError
    return addresses[0]


def _connections(
    scheme: str, host: str, address: str, port: int
) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
    if scheme == "https":
        return TlsPool(
            address,
            port,
            timeout=timeout,
            maxsize=CONNECTIONS,
            retries=False,
            server_hostname=host,
            assert_hostname=host,
        )
    return PlainPool(address, port, timeout=timeout, maxsize=CONNECTIONS, retries=False)


def _send(
    pool: urllib3.HTTPConnectionPool, target: Target, message: Message, until: float
) -> Outcome:
    """Send the parts of a message until one fails, or the time is over."""
    outcome = Outcome(error=NOTHING_LEFT)
    for part in message.parts:
        if outcome.is_delivered and time.monotonic() > until:
            return Outcome(error="it has more parts than there was time for")
        part_id = f"{message.id}.{part.name}" if part.name else message.id
        outcome = _post(pool, target, part_id, part.body)
        if not outcome.is_delivered:
            break
    return outcome


def _post(
    pool: urllib3.HTTPConnectionPool, target: Target, message_id: str, body: bytes
) -> Outcome:
    parts = urlsplit(target.url)
    path = parts.path or "/"
    said = dict(target.headers)
    said |= headers(message_id, int(time.time()), body, target.secrets)
    said["host"] = parts.netloc
    began = time.monotonic()
    watch.begin()
    try:
        reply = pool.urlopen(
            *("POST", f"{path}?{parts.query}" if parts.query else path),
            body=body,
            headers=said,
            redirect=False,
            preload_content=False,
        )
        rest = reply.read(REPLY_MAX + 1)
        if len(rest) > REPLY_MAX:
            reply.close()  # nobody reads on: not a connection to use again
        reply.release_conn()
    except (HTTPError, OSError, ValueError) as error:
        return Outcome(error=_said(error), took_ms=_ms(began))
    finally:
        watch.end()
    after = reply.headers.get("retry-after", "")
    is_number = after.isascii() and after.isdecimal() and len(after) <= DIGITS_MAX
    return Outcome(
        status=reply.status,
        took_ms=_ms(began),
        retry_after_s=int(after) if is_number else None,
    )


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1_000)


def _said(error: Exception) -> str:
    """Name an error without its addresses: the log is the agent's to read."""
    if isinstance(error, NotPublicError):
        return "the name leads to an address that is not public"
    if isinstance(error, socket.gaierror):
        return "the name is not known"
    return type(error).__name__[:ERROR_MAX]
