"""What is kept to be shown: labelled, made once, and never what a hold is decided by."""

import functools
import threading
import time

import pytest

from hub.sales.services import caching
from hub.sales.services.caching import AnswerCache
from tests.hubs import performance


def availability(hub, sold, **query):
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    found = hub.get("ann", f"/v1/performances/{sold['id']}/availability?{asked}")
    floor = next(area for area in found["areas"] if area["area"] == "floor")
    return floor["available"], found["max_age_s"], found["as_of"]


def test_an_answer_may_be_as_old_as_it_says_and_a_hold_never_is(hub):
    hub.app.config["HUB_AVAILABILITY_AGE_S"] = 1
    sold = hub.on_sale(floor=2)
    offer_id = hub.offer_id("ann", sold["id"])
    first = availability(hub, sold)
    assert first[:2] == (2, 1)
    hub.hold("bob", [(offer_id, 2)])
    assert availability(hub, sold) == first
    assert availability(hub, sold, max_staleness_s=0)[:2] == (0, 0)
    assert hub.hold("ann", [(offer_id, 1)], expect=409)["code"] == "allotment-exhausted"
    time.sleep(1.05)
    assert availability(hub, sold)[0] == 0


def test_a_page_of_performances_may_be_as_old_as_it_says_and_one_by_id_never_is(hub):
    hub.app.config["HUB_AVAILABILITY_AGE_S"] = 1
    sold = hub.on_sale()
    first = hub.get("ann", "/v1/performances?genre=stage")
    assert [item["id"] for item in first["items"]] == [sold["id"]]
    hub.deliver([performance(status="cancelled", version=2)])
    assert hub.get("bob", "/v1/performances?genre=stage") == first
    asked = "/v1/performances?genre=stage&max_staleness_s=0"
    now = hub.get("ann", asked)
    assert (first["max_age_s"], now["max_age_s"]) == (1, 0)
    assert (first["items"][0]["status"], now["items"][0]["status"]) == (
        "scheduled",
        "cancelled",
    )
    assert now["items"][0] == hub.get("ann", f"/v1/performances/{sold['id']}")
    time.sleep(1.05)
    assert hub.get("ann", "/v1/performances?genre=stage")["items"] == now["items"]


def test_agents_are_never_shown_what_was_kept_for_others(hub):
    hub.app.config["HUB_AVAILABILITY_AGE_S"] = 60
    plan = {
        "rules": [
            {
                "channel": "online",
                "rules": [{"agent": "ann", "ceiling": 3}, {"agent": "bob"}],
            }
        ]
    }
    sold = hub.on_sale(plan)
    assert hub.areas("ann", sold["id"])["floor"]["available"] == 3
    assert hub.areas("bob", sold["id"])["floor"]["available"] == 150


def made_at_once(cache):
    """Ask eight times at one moment for what is not there; return who made it."""
    made, started = [], threading.Barrier(8)

    def make():
        made.append(threading.get_ident())
        time.sleep(0.05)
        return b"%d" % len(made)

    answers = []

    def ask():
        started.wait()
        answers.append(cache.find("key", 10.0, make))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return made, answers, make


def test_what_has_grown_old_is_made_by_one_and_waited_for_by_the_others():
    cache = AnswerCache()
    made, answers, make = made_at_once(cache)
    assert answers == [b"1"] * 8
    assert len(made) == 1
    assert cache.find("other", 10.0, make) == b"2"
    assert cache.find("key", 0.0, make) == b"3"


class Open:
    """A lock that keeps nobody out."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.mark.parametrize("run", range(5))
def test_control_without_its_lock_it_is_made_by_many(monkeypatch, run):
    entry = functools.partial(caching._Entry, lock=Open())
    monkeypatch.setattr(caching, "_Entry", entry)
    made, _, _ = made_at_once(AnswerCache())
    assert len(made) > 1, f"run {run}"
