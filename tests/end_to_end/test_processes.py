"""hub serve as a whole: what it starts it stops, whatever happens to it."""

import json
import os
import signal
import subprocess
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from hub.config import load
from hub.kernel import db
from hub.kernel.embedded import Embedded
from hub.kernel.embedded.valkey import Valkey
from hub.verify import verify
from tests.hubs import Hub, ndjson, performance
from tests.servers import ROOT, free_port, wait_for


class Served:
    """A hub started as a newcomer does: one command, an empty folder, a port."""

    def __init__(self, folder):
        self.var = folder / "var"
        self.port = free_port()
        self.environment = {
            **{
                name: os.environ[name]
                for name in ("PATH", "HOME")
                if name in os.environ
            },
            "HUB_VAR": str(self.var),
            "HUB_PORT": str(self.port),
            "HUB_WORKERS": "1",
            "HUB_CREDENTIAL_CACHE_S": "0",
            "PYTHONPATH": str(ROOT),
        }
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def command(self, *words):
        return [sys.executable, "-m", "hub.cli", *words]

    def start(self):
        self.log = (self.var.parent / "log").open("ab")
        self.process = subprocess.Popen(
            self.command("serve"),
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
            stdin=subprocess.DEVNULL,
        )
        wait_for(self.is_ready, "hub serve")
        return self

    def is_ready(self):
        assert self.process.poll() is None, (self.var.parent / "log").read_text()
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except requests.ConnectionError:
            return False

    def run(self, *words):
        return subprocess.run(
            self.command(*words),
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=300,  # it hangs: a demo takes a minute on a busy machine
        )

    def family(self):
        """Every process that works for this hub, stores too."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        stores = [
            process
            for process in psutil.process_iter(["cmdline"])
            if str(self.var) in " ".join(process.info["cmdline"] or ())
            or str(self.embedded.stores.redis_url.rpartition("/")[0][7:])
            in " ".join(process.info["cmdline"] or ())
        ]
        return {process.pid for process in [*found, *stores]} | {self.process.pid}

    @property
    def embedded(self):
        return Embedded(self.var)

    @property
    def valkey(self):
        sockets = Path(self.embedded.stores.redis_url.removeprefix("unix://")).parent
        return Valkey(self.var / "valkey", sockets)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)
        self.log.close()

    def settings(self):
        stores = self.embedded.stores
        return load(
            {
                "HUB_VAR": str(self.var),
                "HUB_DATABASE_URL": stores.database_url,
                "HUB_REDIS_URL": stores.redis_url,
                "HUB_SECRET_KEY": (self.var / "secret").read_text(),
                "HUB_LOG_LEVEL": "error",
                "HUB_RATE_PERCENT": "0",
                "HUB_AGENT_AT_ONCE": "0",
            }
        )


@contextmanager
def ended(served):
    """Stop what a hub has left running, whatever happened to it."""
    try:
        yield served
    finally:
        if served.process is not None:
            served.stop()
        served.embedded._valkey.stop()
        served.embedded.postgres.stop()


@pytest.fixture
def newcomer(tmp_path):
    """A hub in an empty folder."""
    with ended(Served(tmp_path)) as served:
        yield served


@pytest.fixture(scope="session")
def started_once(tmp_path_factory):
    """The folder of a hub that was started and stopped: its stores are made."""
    with ended(Served(tmp_path_factory.mktemp("before"))) as served:
        served.start()
        served.stop()
        yield served.var


@pytest.fixture
def served(tmp_path, started_once):
    """A hub that was started before, in a folder of its own."""
    subprocess.run(["cp", "-a", started_once, tmp_path / "var"], check=True)
    with ended(Served(tmp_path)) as served:
        yield served


def gone(pids):
    def all_gone():
        return not [p for p in pids if psutil.pid_exists(p) and is_running(p)]

    return all_gone


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_it_started_and_nothing_else(served, number):
    bystander = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE
    )
    served.start()
    family = served.family()
    assert (
        len(family) >= 6
    )  # serve, granian, its worker, worker, jobs, periodic, stores
    served.stop(number)
    assert served.process.returncode == 0
    wait_for(gone(family), "everything to end")
    assert bystander.poll() is None
    bystander.communicate(b"\n")


def test_a_second_start_beside_a_running_one_says_so(served):
    served.start()
    served.environment["HUB_PORT"] = str(free_port())
    second = served.run("serve")
    assert second.returncode == 2
    assert "already running beside this" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert served.is_ready()


def test_a_port_in_use_is_named(served, tmp_path):
    served.start()
    other = Served(tmp_path / "other")
    other.environment["HUB_PORT"] = str(served.port)
    refused = other.run("serve")
    assert refused.returncode == 2
    assert f"HUB_PORT {served.port}" in refused.stderr
    assert not other.embedded.postgres.is_running()


def test_after_a_kill_the_next_start_cleans_up(newcomer):
    served = newcomer.start()
    family = served.family()
    os.kill(served.process.pid, signal.SIGKILL)
    served.process.wait()
    stores = {int((served.var / "postgres/postmaster.pid").read_text().split()[0])}
    wait_for(gone(family - served_stores(served) - stores), "web and worker to end")
    served.log.close()
    served.start()
    served.stop()
    wait_for(gone(family), "everything of both starts to end")


def served_stores(served):
    sockets = str(Path(served.embedded.stores.redis_url.removeprefix("unix://")).parent)
    return {
        process.pid
        for process in psutil.process_iter(["cmdline", "name"])
        if process.info["name"] in {"postgres", "valkey-server"}
        or sockets in " ".join(process.info["cmdline"] or ())
    }


@pytest.fixture
def selling(served):
    """A served hub with something on sale; talks to it over HTTP."""
    served.start()
    settings = served.settings()
    engine = db.connect(settings.database_url, pool_size=4)
    db.bind(engine)
    hub = Hub.open(settings, engine)
    performance_ = hub.on_sale()
    hub.offer = hub.offer_id("ann", performance_["id"])
    hub.served = served
    yield hub
    engine.dispose()


def hold(hub, key=None):
    return requests.post(
        f"{hub.served.url}/v1/holds",
        json={"lines": [{"offer_id": hub.offer, "quantity": 1}]},
        headers={
            "Authorization": f"Bearer {hub.keys['ann']}",
            "Idempotency-Key": key or str(uuid.uuid4()),
        },
        timeout=30,
    )


def push(hub, records):
    return requests.post(
        f"{hub.served.url}/v1/feeds/season/deliveries",
        data=ndjson(records),
        headers={
            "Authorization": f"Bearer {hub.keys['sup']}",
            "Content-Type": "application/x-ndjson",
        },
        timeout=30,
    ).json()


def is_done(hub, delivery):
    def look():
        found = hub.get("sup", f"/v1/deliveries/{delivery['id']}")
        return found["state"] == "done" and found

    return look


def test_selling_goes_on_without_valkey_and_a_flush_loses_nothing(selling):
    valkey = selling.served.valkey
    first = push(selling, [performance("before")])
    valkey._client().flushall()
    assert wait_for(is_done(selling, first), "the delivery", 90)["accepted"] == 1
    valkey.stop()
    assert hold(selling).status_code == 201
    ready = requests.get(f"{selling.served.url}/readyz", timeout=5)
    assert (ready.status_code, ready.json()["queue"]) == (200, "ConnectionError")
    delivery = push(selling, [performance("meanwhile")])
    assert hold(selling).status_code == 201
    valkey.start()
    done = wait_for(is_done(selling, delivery), "the delivery", 90)
    assert done["accepted"] == 1
    assert verify().broken == []


def test_a_database_that_is_down_is_said_with_when_to_come_back(selling):
    postgres = selling.served.embedded.postgres
    assert hold(selling, "mine").status_code == 201
    postgres.stop("immediate")
    down = hold(selling)
    assert down.status_code == 503
    assert down.headers["Retry-After"] == "2"
    assert down.headers["Content-Type"] == "application/problem+json"
    assert down.json()["code"] == "store-unavailable"
    assert down.json()["retry"] == "same-key"
    health = requests.get(f"{selling.served.url}/healthz", timeout=5)
    assert health.status_code == 200
    ready = requests.get(f"{selling.served.url}/readyz", timeout=30)
    assert ready.status_code == 503
    postgres.start()
    wait_for(lambda: hold(selling, "mine").status_code == 201, "the database")
    assert hold(selling, "mine").headers["Idempotency-Replayed"] == "true"
    db.SessionFactory.kw["bind"].dispose()
    delivery = push(selling, [performance("after")])
    wait_for(is_done(selling, delivery), "the delivery", 90)
    assert verify().broken == []


def test_the_command_line_beside_a_running_hub(selling, tmp_path):
    served = selling.served
    file = tmp_path / "more.ndjson"
    file.write_bytes(
        ndjson([performance("cli"), performance("cli2") | {"version": -1}])
    )
    served.environment["HUB_API_KEY"] = selling.keys["sup"]
    done = served.run(
        "feed", "push", str(file), "--feed", "season", "--url", served.url
    )
    assert (
        done.stdout
        == "done: 1 accepted, 0 unchanged, 0 stale, 1 refused, 0 withdrawn\n"
    )
    assert done.returncode == 1
    assert json.loads(done.stderr.splitlines()[-1])["field"] == "version"
    empty = tmp_path / "empty.ndjson"
    empty.touch()
    refused = served.run(
        "feed", "push", str(empty), "--feed", "season", "--url", served.url
    )
    assert refused.returncode == 1
    assert "code: delivery-empty" in refused.stderr
    away = served.run(
        "feed", "push", str(file), "--feed", "season", "--url", "http://127.0.0.1:9"
    )
    assert "does not answer" in away.stderr
    assert "Traceback" not in away.stderr
    checked = served.run("verify")
    assert (checked.returncode, checked.stdout) == (0, "")
    key = served.run(
        "key", "issue", "--kind", "finance", "--name", "Fay", "--world", "test"
    )
    assert key.stdout.startswith("hub_")
    served.environment["HUB_API_KEY"] = key.stdout.strip()
    early = served.run("settlement", "draft", "2099-01")
    assert early.returncode == 2
    assert early.stderr.startswith("hub: The period has not ended yet")
    none = served.run("settlement", "close", "2020-01")
    assert none.stderr.startswith("hub: Review and approve the period first")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"HUB_PORT": "abc"}, "HUB_PORT is 'abc'"),
        ({"HUB_PORT": "70000"}, "HUB_PORT is '70000'"),
        ({"HUB_DATABASE_URL": "mysql://x"}, "HUB_DATABASE_URL must start with"),
        ({"HUB_DATABASE_URL": "postgresql://x"}, "HUB_REDIS_URL is not set"),
        (
            {"HUB_DATABASE_URL": "postgresql://x", "HUB_REDIS_URL": "redis://x"},
            "HUB_SECRET_KEY must be set",
        ),
        ({"HUB_LOG_LEVEL": "loud"}, "HUB_LOG_LEVEL is 'loud'"),
    ],
)
def test_a_wrong_variable_is_named_in_one_line(tmp_path, wrong, named):
    served = Served(tmp_path)
    served.environment |= wrong
    refused = served.run("serve")
    assert refused.returncode == 2
    assert named in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
