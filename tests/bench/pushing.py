"""How fast changes are pushed, and how long a ticket takes to print."""

import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

import requests

from hub.catalogue.services.changes import number_changes
from hub.kernel.db import transaction
from hub.tickets.rules import Printed
from hub.tickets.services.pages import pdf
from tests.bench.feeds import records
from tests.bench.harness import say, spread
from tests.hubs import auditorium, ndjson, production, venue
from tests.servers import free_port, wait_for, working

MESSAGES = 6_000
AGENTS = ("ann", "bob")
PRINTS = 40


def pushing(make_hub, rows):
    """Let two workers push a feed's changes to two agents; from commit to delivery."""
    port = free_port()
    sink = subprocess.Popen([sys.executable, "-m", "tests.bench.sink", str(port)])
    os.environ["HUB_WEBHOOKS_PRIVATE"] = "allow"
    try:
        with make_hub() as hub:
            hub.deliver([venue(), auditorium(), production()])
            number()
            settings = replace(hub.settings, webhooks_private=True)
            hub.app.config["HUB_WEBHOOKS_PRIVATE"] = True
            url = f"http://127.0.0.1:{port}"
            wait_for(lambda: taken(url) == 0, "the sink")
            for who in AGENTS:
                wanted = {"url": f"{url}/hook", "topics": ["performance"]}
                hub.post(who, "/v1/webhook-endpoints", wanted)
            hub.deliver(ndjson(records(1)[:MESSAGES]))
            number()
            with working(settings):
                wait_for(lambda: taken(url) > 0, "the first webhook")
                began, first = time.perf_counter(), taken(url)
                total = MESSAGES * len(AGENTS)
                wait_for(lambda: taken(url) >= total, "all webhooks", 120)
                rate = (total - first) / (time.perf_counter() - began)
    finally:
        del os.environ["HUB_WEBHOOKS_PRIVATE"]
        sink.terminate()
        sink.wait()
    label = "webhooks delivered by two workers to two endpoints"
    rows.append([label, f"{rate:.0f} a second", "", f"{rate:.0f}/s", ""])
    say(f"{label}: {rate:.0f} a second")


def taken(url):
    try:
        return int(requests.get(url, timeout=5).text)
    except requests.ConnectionError:
        return -1


def number():
    with transaction() as session:
        while number_changes(session):
            pass


def ticket(title, venue_name, holder=None):
    return Printed(
        code="0123456789ABCDEF",
        admits=1,
        title=title,
        venue=venue_name,
        city="Vienna",
        auditorium={"en": "Main", "zh-Hans": "大剧场"},
        area={"en": "Stalls", "zh-Hans": "池座"},
        price_type="adult",
        row="A",
        placement=None,
        seat="5",
        starts_at=datetime(2026, 12, 1, 18, 30, tzinfo=UTC),
        zone="Europe/Vienna",
        status="scheduled",
        holder=holder,
        price_minor=4_650,
        currency="EUR",
        reference="A-1001",
        seller="Ann",
    )


def printing(rows):
    """Print a ticket again and again, in the alphabets there are."""
    cases = {
        "PDF ticket in Latin": (ticket({"en": "A play"}, {"en": "Théâtre"}), "en"),
        "PDF ticket in Latin with signs beyond western Europe": (
            ticket({"en": "Rusalka"}, {"en": "Národní divadlo"}, "Antonín Dvořák"),
            "en",
        ),
        "PDF ticket in Chinese": (
            ticket({"zh-Hans": "一出戏"}, {"zh-Hans": "上海大剧院"}, "王小明"),
            "zh-Hans",
        ),
    }
    for label, (printed, language) in cases.items():
        pdf([printed], language, "print")
        took = []
        for _ in range(PRINTS):
            began = time.perf_counter()
            pdf([printed], language, "print")
            took.append((time.perf_counter() - began) * 1_000)
        told = f"{statistics.median(took):.1f} ms"
        rows.append([label, told, spread(took), "", f"{sorted(took)[-2]:.0f} ms"])
        say(f"{label}: {told}")
