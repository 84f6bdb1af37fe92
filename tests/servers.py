"""Real server processes for tests that need them: granian, on ports of their own."""

import os
import socket
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import requests

from hub import serve
from hub.config import child_environment

ROOT = Path(__file__).resolve().parent.parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(settings):
    found = child_environment(settings, metrics_dir="")
    return {
        **found,
        "PYTHONPATH": str(ROOT),
        "HUB_CREDENTIAL_CACHE_S": "5",
        "HUB_LOG_LEVEL": "error",
        "HUB_WEBHOOK_WORKERS": "1",
        "HUB_RATE_PERCENT": str(settings.rate_percent),
        "HUB_AGENT_AT_ONCE": str(settings.agent_at_once),
        "HUB_PORT": str(settings.port),
        "HUB_COMMITTER": "on" if settings.is_batching else "off",
    }


@contextmanager
def serving(settings, *, target="hub.app:served", workers=1, threads=16):
    """Run a web server; yield its URL and process once it answers."""
    here = replace(settings, port=free_port(), workers=workers, threads=threads)
    child = serve.start(serve.web_command(here, target), environment(here))
    url = f"http://127.0.0.1:{here.port}"
    try:
        wait_for(lambda: answers(url, child), "the server to answer")
        yield url, child
    finally:
        serve.stop([child])


@contextmanager
def working(settings):
    """Run a worker with its jobs and periodic process."""
    command = [sys.executable, "-m", "hub.cli", "worker"]
    child = serve.start(command, environment(settings))
    try:
        yield child
    finally:
        serve.stop([child])


def answers(url, child):
    assert child.poll() is None, "the server ended"
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except requests.ConnectionError:
        return False


def wait_for(condition, what, timeout_s=120):
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.05)
    return found


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
