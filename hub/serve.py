"""Running the hub on one machine: stores if they are ours, then web and worker."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

import requests

from hub import migrations
from hub.config import ConfigError, Settings, child_environment
from hub.kernel.embedded import AlreadyRunningError, Embedded
from hub.kernel.embedded.processes import die_with_parent

STOP_TIMEOUT_S = 15
START_TIMEOUT_S = 60
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StoppedError(Exception):
    """Somebody asked the hub to stop while it was starting."""


class Stop:
    """Asked for by Ctrl-C, SIGTERM or SIGHUP; set once and for all."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        for number in STOP_SIGNALS:
            signal.signal(number, self._ask)

    def _ask(self, _: int, __: FrameType | None) -> None:
        self._asked.set()

    @property
    def is_asked(self) -> bool:
        return self._asked.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait a while; return whether the hub should stop."""
        return self._asked.wait(timeout_s)

    def check(self) -> None:
        """Raise StoppedError if the hub should stop."""
        if self.is_asked:
            raise StoppedError


@contextmanager
def stores(settings: Settings, *, may_join: bool = False) -> Iterator[Settings]:
    """Yield settings with both stores running and migrated.

    Servers of your own are used as they are. Embedded ones are started, and stopped
    at the end; with *may_join*, those that another hub keeps are used beside it.
    """
    if not settings.is_embedded:
        yield settings
        return
    embedded = Embedded(settings.var)
    try:
        embedded.start()
    except AlreadyRunningError:
        if not may_join:
            raise
        yield _with_stores(settings, embedded)
        return
    try:
        found = _with_stores(settings, embedded)
        migrations.upgrade(str(found.owner_url))
        yield found
    finally:
        embedded.stop()


def _with_stores(settings: Settings, embedded: Embedded) -> Settings:
    urls = embedded.stores
    return replace(
        settings,
        database_url=urls.database_url,
        owner_url=urls.owner_url,
        redis_url=urls.redis_url,
    )


@contextmanager
def processes(
    settings: Settings, *, is_quiet: bool = False, has_worker: bool = True
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run web server and worker as children; stop them, and only them, at the end."""
    refuse_busy_port(settings.host, settings.port)
    metrics_dir = settings.var.resolve() / "metrics"
    shutil.rmtree(metrics_dir, ignore_errors=True)
    metrics_dir.mkdir(parents=True)
    environment = child_environment(settings, metrics_dir=str(metrics_dir))
    commands = [web_command(settings)]
    if has_worker:
        commands.append([sys.executable, "-m", "hub.cli", "worker"])
    children: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            children.append(start(command, environment, is_quiet=is_quiet))  # noqa: PERF401 - the list is needed if one fails
        yield children
    finally:
        stop(children)


def web_command(settings: Settings, target: str = "hub.app:served") -> list[str]:
    """Return the command of the web server: granian, processes x threads."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", target),
        *("--host", settings.host, "--port", str(settings.port)),
        *("--workers", str(settings.workers)),
        *("--blocking-threads", str(settings.threads)),
        *("--no-ws", "--http", "1", "--log-level", "error"),
        *("--respawn-failed-workers", "--workers-kill-timeout", "10"),
    ]


def start(
    command: Sequence[str], environment: Mapping[str, str], *, is_quiet: bool = False
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own that ends when we do."""
    sink = subprocess.DEVNULL if is_quiet else None
    return subprocess.Popen(  # noqa: S603 - our own words
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=sink,
        start_new_session=True,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 - before any thread of ours
    )


def stop(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask children to end, wait, then insist; their own children end with them."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def refuse_busy_port(host: str, port: int) -> None:
    """Raise ConfigError if somebody listens there: granian would share it silently."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        message = f"HUB_PORT {port} on HUB_HOST {host} cannot be used: {error.strerror}"
        raise ConfigError(message) from None


def wait_until_ready(
    settings: Settings, children: Sequence[subprocess.Popen[bytes]], halt: Stop
) -> None:
    """Wait until the hub answers; ConfigError when a child ends before it does."""
    url = base_url(settings) + "/readyz"
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        halt.check()
        if any(child.poll() is not None for child in children):
            break
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.RequestException:
            pass  # it is not there yet, or slow to say so
        time.sleep(0.05)
    message = "the hub did not start; its log above says why"
    raise ConfigError(message)


def base_url(settings: Settings) -> str:
    """Return where the API answers on this machine."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def watch(children: Sequence[subprocess.Popen[bytes]], halt: Stop) -> int:
    """Wait for a stop or the end of a child; return the exit status."""
    while not halt.wait(0.2):
        ended = [child for child in children if child.poll() is not None]
        if ended:
            return ended[0].returncode or 1
    return 0


def serve(settings: Settings, *, has_worker: bool = True) -> int:
    """Serve until asked to stop; return the exit status."""
    halt = Stop()
    with stores(settings) as ready, processes(ready, has_worker=has_worker) as children:
        try:
            wait_until_ready(ready, children, halt)
        except StoppedError:
            return 0
        sys.stderr.write(
            f"API on {base_url(ready)}, documents on {base_url(ready)}/docs\n"
        )
        return watch(children, halt)
