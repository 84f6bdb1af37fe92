"""What one caller may ask: per minute and kind of route, and at the same time."""

import json
import threading
import time
from dataclasses import replace

import pytest
import requests

from hub import limiting
from tests.hubs import Hub, application
from tests.servers import serving


@pytest.fixture
def hub(settings, engine):
    """A hub whose callers nobody has counted before: the counts outlive a test."""
    return Hub.open(settings, engine)


@pytest.fixture
def limited(hub, engine):
    """The same hub, with a hundredth of the usual limits."""
    hub.client = bounded(hub, engine).test_client()
    return hub


def bounded(hub, engine, **more):
    return application(replace(hub.settings, rate_percent=1, **more), engine)


def said(response):
    """Return limit, what is left and when it is full again, as the headers have it."""
    told = {}
    for name in ("RateLimit-Policy", "RateLimit"):
        parts = response.headers[name].split(";")[1:]
        told |= {n: int(v) for n, _, v in (part.partition("=") for part in parts)}
    return told["q"], told["r"], told["t"]


def ask(hub, who="ann", path="/v1/orders"):
    return hub.call(who, "GET", path)


def test_a_caller_is_told_its_limit_and_refused_beyond_it(limited):
    hub = limited
    first = ask(hub)
    limit, left, reset = said(first)
    assert limit == limiting.PER_MINUTE["reads"] // 100
    assert (left, 0 < reset <= 60) == (limit - 1, True)
    for n in range(2, limit + 1):
        response = ask(hub)
        assert response.status_code == 200
        assert said(response)[1] == limit - n
    refused = ask(hub)
    assert refused.status_code == 429
    problem = json.loads(refused.get_data())
    assert (problem["code"], problem["retry"]) == ("too-many-requests", "later")
    assert (problem["kind"], problem["per_minute"]) == ("reads", limit)
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert ask(hub, "bob").status_code == 200  # each has its own
    other = f"/v1/availability?performance_id={hub.ids['ann']}"
    assert ask(hub, path=other).status_code == 200  # another kind of route
    assert hub.call(None, "GET", "/healthz").status_code == 200


def test_a_limit_holds_for_all_processes_together_and_for_each_without_the_store(
    hub, engine
):
    apps = bounded(hub, engine), bounded(hub, engine)
    given = [status(app, hub) for app in apps * 40]
    limit = limiting.PER_MINUTE["reads"] // 100
    assert given.count(200) == limit
    alone = bounded(hub, engine, redis_url="redis://127.0.0.1:1")
    given = [status(alone, hub) for _ in range(limit + 5)]
    assert given.count(200) == limit


def status(app, hub):
    head = {"Authorization": f"Bearer {hub.keys['bob']}"}
    return app.test_client().get("/v1/orders", headers=head).status_code


def test_kinds_of_routes():
    kinds = {
        ("GET", "/v1/performances/<uuid:performance_id>/availability"): "availability",
        ("GET", "/v1/orders/<uuid:order_id>/tickets.pdf"): "tickets",
        ("GET", "/v1/orders"): "reads",
        ("POST", "/v1/holds"): "holds",
        ("DELETE", "/v1/holds/<uuid:hold_id>"): "holds",
        ("POST", "/v1/orders/<uuid:order_id>/cancellations"): "orders",
        ("PUT", "/v1/webhook-endpoints/<uuid:endpoint_id>"): "writes",
    }
    found = {key: limiting.group_of(*key) for key in kinds}
    assert found == kinds


def slow_answers(hub, at_once):
    """Let ann hold all she can of a server's threads; return how long bob waits."""
    settings = replace(hub.settings, rate_percent=0, agent_at_once=at_once)
    with serving(settings, target="tests.slow:served", threads=8) as (url, _):
        head = {"Authorization": f"Bearer {hub.keys['ann']}"}
        statuses = []

        def hog():
            reply = requests.get(f"{url}/slow", headers=head, timeout=20)
            statuses.append(reply.status_code)

        threads = [threading.Thread(target=hog) for _ in range(16)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        began = time.monotonic()
        bob = {"Authorization": f"Bearer {hub.keys['bob']}"}
        reply = requests.get(f"{url}/v1/orders", headers=bob, timeout=20)
        waited = time.monotonic() - began
        for thread in threads:
            thread.join()
    assert reply.status_code == 200
    return waited, statuses


def test_one_caller_does_not_keep_others_from_being_served(hub):
    waited, statuses = slow_answers(hub, at_once=4)
    assert statuses.count(429) == 12
    assert waited < 1.0


def test_control_without_the_bound_they_wait_for_it(hub):
    waited, statuses = slow_answers(hub, at_once=0)
    assert set(statuses) == {200}
    assert waited > 1.0
