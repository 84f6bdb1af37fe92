"""What the guides say is done: their blocks are run against a hub, as they stand."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hub.catalogue.services.changes import number_changes
from hub.kernel.db import transaction
from tests.hubs import performance, production
from tests.servers import serving, wait_for, working

DOCS = Path(__file__).parents[2] / "docs"
SHOP = DOCS / "examples/shop.py"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(kind, guide="agent"):
    found = BLOCK.findall((DOCS / f"guides/{guide}.md").read_text())
    return "\n".join(body for language, body in found if language == kind)


def number():
    with transaction() as session:
        while number_changes(session):
            pass


@pytest.fixture
def told(hub, tmp_path):
    """A served hub, and how to run something as its agent."""
    hub.on_sale()
    number()
    with serving(hub.settings) as (url, _):

        def run(*command, expect=0, **more):
            said = {**os.environ, "HUB": url, "KEY": hub.keys["ann"]}
            done = subprocess.run(
                command,
                cwd=tmp_path,
                env=said,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
                **more,
            )
            assert done.returncode == expect, done.stdout + done.stderr
            return done.stdout

        yield run


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_an_agent_goes_from_key_to_ticket_with_curl(told, tmp_path):
    out = told("bash", "-euo", "pipefail", "-c", blocks("sh"))
    assert "'held'" in out
    assert "/t/" in out
    assert out.strip().endswith("partly_cancelled")
    assert (tmp_path / "tickets.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_reseller_sells_by_octo_with_curl(told):
    out = told("bash", "-euo", "pipefail", "-c", blocks("sh", "octo"))
    assert "'ON_HOLD'" in out
    assert "['CONFIRMED', 'CANCELLED']" in out
    assert "('CANCELLED', 'FULL')" in out
    assert out.strip().endswith("https://agent.example.org/octo")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_tiqets_sells_with_curl(told):
    out = told("bash", "-euo", "pipefail", "-c", blocks("sh", "tiqets"))
    assert "('QRCODE', {'floor:adult': ['" in out
    assert out.strip().endswith("cancelled")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_an_agent_rehearses_with_curl(hub, told):
    made = hub.post("operator", f"/v1/partners/{hub.ids['ann']}/sandbox", None)
    with working(hub.settings):
        hub.keys["ann"] = hub.keys["rehearsing"] = made["key"]
        wait_for(
            lambda: (
                len(hub.get("rehearsing", "/v1/performances")["items"]) > 20
                and hub.get("rehearsing", "/v1/performances?q=Sold+by")["items"]
            ),
            "the season of the sandbox",
        )
        out = told("bash", "-euo", "pipefail", "-c", blocks("sh", "sandbox"))
    assert "(504, 'answer-lost')" in out
    assert "('confirmed', 2)" in out
    assert "hold-expired" in out
    assert "('EUR', 'closed')" in out
    for item in ("retry", "unknown", "lapse", "disruption", "statement"):
        assert f"('{item}', " in out.splitlines()[-2]


def test_an_agent_goes_from_key_to_ticket_with_python(told):
    assert told(sys.executable, "-c", blocks("python")).startswith("confirmed ['")


def test_the_shop_follows_sells_and_settles(hub, told):
    assert len(SHOP.read_text().splitlines()) <= 150

    def shop(*command, **more):
        return told(sys.executable, str(SHOP), *command, **more)

    start = int(shop("follow"))
    codes = shop("sell", "play", "2")
    assert codes.count("'") == 4
    hub.deliver([performance("p2", days=31), production(version=2)])
    number()
    assert int(shop("follow")) > start
    shop("sell", "一出戏", "1")
    order = hub.get("ann", "/v1/orders")["items"][0]
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    hub.deliver([performance(version=2, status="cancelled")])
    hub.deliver([performance("p2", version=2, days=31, status="cancelled")])
    number()
    shop("follow")
    assert "nothing called play" in told_of_failure(shop)
    period = f"{hub.get('ann', '/v1/clock')['now'][:7]}"
    hub.move_clock(days=32)
    made = hub.post("finance", f"/v1/periods/{period}/drafts", None)
    for statement in made["statement_ids"]:
        hub.review("finance", statement)
        hub.approve_statement("auditor", statement)
        hub.close("finance", statement)
    assert shop("settle", period) == "every order agrees\n"
    assert hub.get("ann", f"/v1/statements?period={period}")["items"]


def told_of_failure(shop):
    try:
        shop("sell", "play", "1")
    except AssertionError as error:
        return str(error)
    return ""


def test_a_sale_that_was_cut_off_goes_on(hub, told, tmp_path):
    """The shop dies after it has written what it wants, before it has an answer."""

    def shop(*command):
        return told(sys.executable, str(SHOP), *command)

    shop("follow")
    shop("sell", "play", "1")
    with sqlite3.connect(tmp_path / "shop.sqlite3") as db:
        before = db.execute("SELECT * FROM sale").fetchall()
        db.execute("UPDATE sale SET bought = NULL")
    db.close()
    shop("sell", "play", "1")
    with sqlite3.connect(tmp_path / "shop.sqlite3") as db:
        after = db.execute("SELECT * FROM sale ORDER BY reference").fetchall()
    db.close()
    assert json.loads(after[0][3]) == json.loads(before[0][3])
    assert len(hub.get("ann", "/v1/orders")["items"]) == 2
