"""The demo's cinema chain: a simulator that sells itself, asked by the hub.

It comes with the source code only; without it the demo goes on without a chain.
"""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from rich.console import Console

from hub import serve
from hub.config import Settings, child_environment
from hub.demo import stage
from hub.demo.cast import AGENTS, SETTLES_AT, SUPPLIERS
from hub.demo.client import Client

ROOT = Path(__file__).resolve().parent.parent.parent
NAME, CINEMAS, SESSIONS = "kinokette", 2, 24
BASE = "/WSVistaWebClient"
PLACE = {"zone": "Europe/Vienna", "country": "AT", "currency": "EUR"}
say = Console(stderr=True)


@contextmanager
def cinema_chain(
    settings: Settings, operator: Client, finance: Client
) -> Iterator[str | None]:
    """Run the chain, have the hub read and sell it; yield where it is, if it is."""
    if not (ROOT / "tests" / "simulators").is_dir():
        yield None
        return
    port = _free_port()
    first = datetime.fromisoformat(SETTLES_AT).date() + timedelta(days=3)
    command = [sys.executable, "-m", "tests.simulators", "vista", str(port)]
    environment = child_environment(settings, metrics_dir="")
    environment["PYTHONPATH"] = str(ROOT)
    said = [str(CINEMAS), str(SESSIONS), first.isoformat()]
    child = serve.start([*command, *said], environment, is_quiet=True)
    url = f"http://127.0.0.1:{port}"
    try:
        stage.wait(lambda: _answers(url), "the cinema chain does not start")
        _set_up(operator, finance, url)
        yield url
    finally:
        serve.stop([child])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/faults", timeout=2).ok
    except requests.ConnectionError:
        return False


def _set_up(operator: Client, finance: Client, url: str) -> None:
    """Take the chain on as a supplier, set it up as a source, wait until it is read."""
    model = next(s for s in SUPPLIERS if s.currency == PLACE["currency"])
    rules = [
        {
            "channel": agent.channel,
            "kind": "free-sale",
            "rules": [{"agent": agent.ref, "kind": "free-sale"}],
        }
        for agent in AGENTS
        if agent.ref == _seller()
    ]
    chain = replace(model, ref=NAME, name="Kinokette", plan={"rules": rules})
    supplier_id = stage.take_on(operator, finance, chain)
    found = [s for s in operator.get("/v1/sources")["items"] if s["name"] == NAME]
    wanted = {
        "name": NAME,
        "kind": "vista",
        "url": url + BASE,
        "every_s": 30,
        "operation_ms": 3_000,
        "settings": {"place": PLACE},
        "credentials": {"client_id": "hub"},
    }
    if found:
        path = f"/v1/sources/{found[0]['id']}"
        before = _last_sync(operator, path)
        operator.call("PUT", path, json={"url": wanted["url"]})
        operator.post(f"{path}/syncs", {})
    else:
        made = operator.post(f"/v1/partners/{supplier_id}/sources", wanted)
        path, before = f"/v1/sources/{made['id']}", {}

    def is_read() -> bool:
        last = _last_sync(operator, path)
        return last.get("id") != before.get("id") and last["state"] == "done"

    stage.wait(is_read, "the cinema chain is not read")
    stage.share_out(operator, chain, supplier_id)
    stage.wait_until_shared_out()


def _last_sync(operator: Client, path: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = operator.get(f"{path}/syncs?limit=1")["items"]
    return found[0] if found else {}


def _seller() -> str:
    wanted = ("hub-eu", PLACE["currency"])
    return next(agent.ref for agent in AGENTS if wanted in agent.terms)


def sell_one(settings: Settings, keys: dict[str, str], url: str) -> None:
    """Sell two seats of the chain by its word, as an agent does; say how it went."""
    agent = Client(serve.base_url(settings), keys[_seller()])
    sale = agent.get("/v1/performances?q=Film&limit=1")["items"][0]
    areas = agent.get(f"/v1/performances/{sale['id']}/availability?max_staleness_s=0")
    offer = areas["areas"][0]["offers"][0]
    line = {"offer_id": offer["offer_id"], "quantity": 2}
    hold = agent.post("/v1/holds", {"lines": [line]}, key=str(uuid4()))
    wanted = {"hold_id": hold["id"], "reference": f"chain-{uuid4()}"}
    order = agent.post("/v1/orders", wanted, key=str(uuid4()))
    codes = {ticket["code"] for ticket in order["tickets"]}
    say.print(
        f"The cinema chain {NAME} ({url}{BASE}) sold {len(order['tickets'])} tickets by"
        f" its word: {order['state']}, {', '.join(sorted(map(str, codes)))}"
    )
    say.print(f"Have it fail as suppliers do: PUT {url}/faults (GET lists them)")
