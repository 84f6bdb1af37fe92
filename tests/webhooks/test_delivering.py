"""Changes pushed to agents: signed, in order, again and again until they arrive."""

import itertools
import socket
import threading
import time
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from hub.catalogue.services.changes import number_changes, prune_changes
from hub.kernel.db import transaction
from hub.webhooks import jobs
from hub.webhooks.rules import Outcome
from hub.webhooks.services import draining, sending
from hub.webhooks.services.settling import Settled, settle
from tests.hubs import SECRET, Hub, performance, production
from tests.servers import serving, wait_for, working
from tests.webhooks.receiver import receiving


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


@pytest.fixture
def hub(settings, engine):
    hub = Hub.open(replace(settings, webhooks_private=True), engine)
    jobs.prepare(SECRET, allows_private=True)
    yield hub
    jobs.prepare(SECRET, allows_private=False)


def endpoint(hub, receiver, who="ann", *, expect=201, **more):
    wanted = {"url": receiver.url, **more}
    return hub.post(who, "/v1/webhook-endpoints", wanted, expect)


def number():
    with transaction() as session:
        while number_changes(session):
            pass


def drain(made):
    """Number what has changed, and send all that is due."""
    number()
    while jobs.drain(UUID(made["id"])):
        pass


def later(**pause):
    """Let some time pass for what waits to be tried again."""
    said = ", ".join(f"{name} => {value}" for name, value in pause.items())
    with transaction() as session:
        for table in ("webhook_endpoint", "webhook_delivery"):
            session.execute(
                text(f"UPDATE {table} SET next_at = next_at - make_interval({said})")
            )
        session.execute(
            text(
                "UPDATE webhook_endpoint SET failing_since = failing_since"
                f" - make_interval({said})"
            )
        )


def shown(hub, made, who="ann"):
    return hub.get(who, f"/v1/webhook-endpoints/{made['id']}")


def log(hub, made, **where):
    asked = "&".join(f"{name}={value}" for name, value in where.items())
    path = f"/v1/webhook-endpoints/{made['id']}/deliveries?{asked}"
    return hub.get("ann", path)["items"]


def order(hub, sold, who="ann"):
    hold = hub.hold(who, [(hub.offer_id(who, sold["id"]), 2)])
    return hub.confirm(who, hold)


def secret(hub, made, method="GET", what="secret"):
    path = f"/v1/webhook-endpoints/{made['id']}/{what}"
    return hub._answer(
        hub.call("ann", method, path, {} if method == "POST" else None), 200
    )


def test_what_changes_is_sent_signed_as_standard_webhooks_are(hub, receiver):
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver)
    bought = order(hub, sold)
    hub.cancel("ann", bought, [bought["tickets"][0]["id"]])
    drain(made)
    assert receiver.seen() == [(bought["id"], 1), (bought["id"], 2)]
    key = secret(hub, made)["secret"]
    for said, body in receiver.got:
        told = Webhook(key).verify(body, said)
        assert told["type"] == "order.changed"
        assert said["webhook-id"] == f"chg_{told['data']['position']}"
    assert [d["state"] for d in log(hub, made)] == ["delivered"] * 2
    read = hub.get("ann", f"/v1/changes?after={made['position']}")["items"]
    pushed = [body["data"] for body in receiver.bodies()]
    assert [{n: row[n] for n in pushed[0]} for row in read] == pushed
    assert shown(hub, made)["position"] == read[-1]["position"]


def test_a_rotated_secret_and_the_one_before_both_sign_for_a_time(hub, receiver):
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver)
    old = secret(hub, made)["secret"]
    new = secret(hub, made, "POST", "rotation")["secret"]
    assert new != old
    path = f"/v1/webhook-endpoints/{made['id']}/rotation"
    assert hub.post("ann", path, {}, 409)["code"] == "rotation-running"
    assert secret(hub, made)["secret"] == new
    order(hub, sold)
    drain(made)
    said, body = receiver.got[0]
    assert Webhook(old).verify(body, said)
    assert Webhook(new).verify(body, said)
    with transaction() as session:
        session.execute(text("UPDATE webhook_endpoint SET previous_until = now()"))
    order(hub, sold)
    drain(made)
    said, body = receiver.got[-1]
    assert Webhook(new).verify(body, said)
    with pytest.raises(Exception, match=r"[Nn]o matching signature"):
        Webhook(old).verify(body, said)


def test_an_agent_is_sent_its_own_and_what_all_may_know(hub, receiver):
    sold = hub.on_sale()
    number()
    ann = endpoint(hub, receiver, topics=["order", "performance"])
    with receiving() as other:
        bob = endpoint(hub, other, "bob")
        mine, his = order(hub, sold), order(hub, sold, "bob")
        hub.deliver([performance(version=2), production(version=2)])
        drain(ann)
        drain(bob)
        types = {body["type"] for body in other.bodies()}
        assert types == {"order.changed", "performance.changed", "production.changed"}
        assert (his["id"], 1) in other.seen()
        assert (mine["id"], 1) not in other.seen()
    types = {body["type"] for body in receiver.bodies()}
    assert types == {"order.changed", "performance.changed"}
    assert (mine["id"], 1) in receiver.seen()
    assert (his["id"], 1) not in receiver.seen()
    assert hub.get("bob", f"/v1/webhook-endpoints/{ann['id']}", 404)
    assert hub.get("bob", f"/v1/webhook-endpoints/{ann['id']}/secret", 404)
    assert [e["id"] for e in hub.get("bob", "/v1/webhook-endpoints")["items"]] == [
        bob["id"]
    ]


def test_what_fails_holds_up_its_own_order_and_no_other(hub, receiver):
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver, topics=["order"])
    first, second = order(hub, sold), order(hub, sold)
    bad = [first["id"]]
    receiver.answer = lambda body: 500 if body["data"]["id"] in bad else 200
    hub.cancel("ann", first, [first["tickets"][0]["id"]])
    hub.cancel("ann", second)
    drain(made)
    hub.cancel("ann", first)
    drain(made)
    assert receiver.seen().count((first["id"], 1)) == 1
    assert (first["id"], 2) not in receiver.seen()
    assert [v for i, v in receiver.seen() if i == second["id"]] == [1, 2]
    waiting = log(hub, made, state="waiting")
    assert [(d["version"], d["attempts"]) for d in waiting] == [(1, 1), (2, 0), (3, 0)]
    assert waiting[0]["status"] == 500
    later(secs=6)
    drain(made)  # tried again, and in vain
    assert log(hub, made, state="waiting")[0]["attempts"] == 2
    bad.clear()
    later(secs=31)
    drain(made)
    versions = [v for i, v in receiver.seen() if i == first["id"]]
    assert versions == [1, 1, 1, 2, 3]
    assert log(hub, made, state="waiting") == []
    ids = [
        i
        for i, (thing, _) in zip(receiver.ids(), receiver.seen(), strict=True)
        if thing == first["id"]
    ]
    assert len(set(ids[:3])) == 1  # a repeat is known by its id


def test_an_endpoint_that_takes_nothing_rests_longer_and_longer_then_is_paused(
    hub, receiver
):
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver, topics=["order"])
    with receiving() as other:
        beside = endpoint(hub, other, topics=["endpoint"])
        receiver.answer = lambda _: 503
        receiver.headers = {"Retry-After": "40"}
        bought = [order(hub, sold) for _ in range(3)]
        drain(made)
        assert len(receiver.got) == 3
        drain(made)  # it rests
        assert len(receiver.got) == 3
        assert shown(hub, made)["failures"] == 1
        later(secs=20)
        drain(made)  # as long as it has asked for
        assert len(receiver.got) == 3
        later(secs=30)
        drain(made)
        assert len(receiver.got) == 4  # one, to see whether it works again
        later(hours=25)
        drain(made)
        paused = shown(hub, made)
        assert paused["state"] == "paused"
        assert "nothing was delivered since" in paused["paused_because"]
        drain(beside)
        assert other.seen() == [(made["id"], paused["version"])]
        told = hub.get("ann", "/v1/changes?limit=1000")["items"]
        assert (told[-1]["kind"], told[-1]["id"]) == ("endpoint", made["id"])
    receiver.answer = lambda _: 200
    receiver.got.clear()
    path = f"/v1/webhook-endpoints/{made['id']}"
    hub._answer(hub.call("ann", "PUT", path, {"state": "active"}), 200)
    later(hours=1)
    drain(made)
    assert {i for i, _ in receiver.seen()} == {o["id"] for o in bought}


def test_who_says_it_is_gone_is_paused_at_once(hub, receiver):
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver)
    receiver.answer = lambda _: 410
    order(hub, sold)
    drain(made)
    assert shown(hub, made)["paused_because"] == "it answered 410 Gone"


def test_a_message_is_given_up_after_a_day_and_the_next_goes_on(hub, receiver):
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver, topics=["order"])
    poison = order(hub, sold)
    receiver.answer = lambda body: (
        400
        if body["data"]["version"] == 1 and (body["data"]["id"] == poison["id"])
        else 200
    )
    hub.cancel("ann", poison)
    for _ in range(11):
        order(hub, sold)  # others arrive: the endpoint works
        drain(made)
        later(hours=8)
    drain(made)
    assert [d["attempts"] for d in log(hub, made, state="failed")] == [11]
    assert [v for i, v in receiver.seen() if i == poison["id"]] == [1] * 11 + [2]
    assert shown(hub, made)["state"] == "active"


def test_a_range_is_sent_again_under_the_same_ids(hub, receiver):
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver, topics=["order"])
    bought = [order(hub, sold) for _ in range(4)]
    drain(made)
    before = sorted(receiver.ids())
    positions = sorted(body["data"]["position"] for body in receiver.bodies())
    receiver.got.clear()
    path = f"/v1/webhook-endpoints/{made['id']}/replays"
    wanted = {"after": positions[0], "until": positions[2]}
    begun = hub.post("ann", path, wanted, 202)
    assert begun["done_at"] is None
    assert hub.post("ann", path, wanted, 409)["code"] == "replay-running"
    drain(made)
    assert sorted(receiver.ids()) == [f"chg_{p}" for p in positions[1:3]]
    assert set(receiver.ids()) <= set(before)
    assert [d["is_replay"] for d in log(hub, made)] == [False] * 4 + [True] * 2
    assert hub.post("ann", path, {"after": 10**9}, 422)["code"] == "invalid-request"
    assert hub.post("bob", path, wanted, 404)["code"] == "not-found"
    assert bought


def test_what_was_sent_and_not_settled_is_sent_again(hub, receiver):
    """As when the process dies between sending and storing that it was."""
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver, topics=["order"])
    bought = order(hub, sold)
    number()
    with transaction() as session:
        batch = draining.take(session, UUID(made["id"]))
    assert len(batch.messages) == 1
    drain(made)
    assert receiver.got == []  # somebody has it
    later_lease = text("UPDATE webhook_endpoint SET leased_until = now()")
    with transaction() as session:
        session.execute(later_lease)
    drain(made)
    assert receiver.seen() == [(bought["id"], 1)]
    with transaction() as session:  # the first comes back too late: nothing is stored
        outcomes = [Outcome(status=500)]
        assert settle(session, batch, outcomes) == Settled(is_more=False)
    assert [d["state"] for d in log(hub, made)] == ["delivered"]


@pytest.mark.parametrize("turn", range(3))
def test_two_workers_send_nothing_twice(hub, receiver, turn):
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver, topics=["order"])
    bought = [order(hub, sold) for _ in range(6)]
    number()
    threads = [
        threading.Thread(target=jobs.deliver, args=(made["id"],)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drain(made)
    assert sorted(i for i, _ in receiver.seen()) == sorted(o["id"] for o in bought)


def test_control_without_the_lease_two_workers_send_twice(hub, receiver, monkeypatch):
    monkeypatch.setattr(draining, "LEASE", draining.timedelta(seconds=-1))
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver, topics=["order"])
    order(hub, sold)
    number()
    is_second = threading.Event()
    receiver.answer = lambda _: 200 if is_second.wait(timeout=10) else 500
    first = threading.Thread(target=jobs.drain, args=(UUID(made["id"]),))
    first.start()
    wait_for(lambda: receiver.got, "the first to send")
    second = threading.Thread(target=jobs.drain, args=(UUID(made["id"]),))
    second.start()
    wait_for(lambda: len(receiver.got) == 2, "the second to send the same")
    is_second.set()
    first.join()
    second.join()
    assert len(set(receiver.ids())) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "https://127.0.0.1/hook",
        "https://[::1]/hook",
        "https://10.1.2.3/hook",
        "https://169.254.169.254/latest",
        "https://[fe80::1]/hook",
        "https://[::ffff:10.0.0.1]/hook",
        "https://user:pass@example.org/hook",
        "https://example.org:0/hook",
        "https://example.org:99999/hook",
        "ftp://example.org/hook",
        "https:///hook",
        "https://[abc/",
        "https://exa\u2100mple.com/",
        "https://a..b.example/",
        "https://例子.cn/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "not a url",
    ],
)
def test_addresses_the_hub_does_not_send_to_are_refused(settings, engine, url):
    hub = Hub.open(settings, engine)
    made = hub.post("ann", "/v1/webhook-endpoints", {"url": url}, 422)
    assert made["code"] == "endpoint-refused"


def test_a_name_that_leads_to_this_machine_is_refused_when_it_is_sent_to(hub, receiver):
    sold = hub.on_sale()
    number()
    url = receiver.url.replace("127.0.0.1", "localhost")
    made = hub.post("ann", "/v1/webhook-endpoints", {"url": url})
    jobs.prepare(SECRET, allows_private=False)
    order(hub, sold)
    drain(made)
    assert receiver.got == []
    [found] = log(hub, made)
    assert found["error"] == "the name leads to an address that is not public"
    jobs.prepare(SECRET, allows_private=True)
    later(secs=10)
    drain(made)
    assert len(receiver.got) == 1


def test_an_agent_has_a_bounded_number_of_endpoints_and_removes_them(hub, receiver):
    made = [endpoint(hub, receiver) for _ in range(10)]
    more = endpoint(hub, receiver, expect=409)
    assert (more["code"], more["most"]) == ("too-many-endpoints", 10)
    path = f"/v1/webhook-endpoints/{made[0]['id']}"
    key = str(uuid4())
    for _ in range(2):
        assert hub.call("ann", "DELETE", path, key=key).status_code == 204
    assert hub.get("ann", path, 404)
    endpoint(hub, receiver)
    sold = hub.on_sale()
    order(hub, sold)
    drain(made[0])
    assert receiver.got == []


def test_it_goes_by_itself_with_a_worker(hub, receiver, monkeypatch):
    monkeypatch.setenv("HUB_WEBHOOKS_PRIVATE", "allow")
    sold = hub.on_sale()
    with serving(hub.settings), working(hub.settings):
        endpoint(hub, receiver, topics=["order"])
        bought = [order(hub, sold) for _ in range(3)]
        wait_for(lambda: len(receiver.got) >= 3, "three webhooks")
    assert {i for i, _ in receiver.seen()} == {o["id"] for o in bought}
    assert list(itertools.islice(receiver.ids(), 3))


def test_a_receiver_that_drips_ends_its_own_request_only(hub, monkeypatch):
    """A byte now and then is no answer: a request has a time, not only each read."""
    monkeypatch.setattr(sending, "REQUEST_S", 0.5)
    sold = hub.on_sale()
    number()
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()
        thread = threading.Thread(target=drip, args=(server, over))
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        made = hub.post("ann", "/v1/webhook-endpoints", {"url": url})
        order(hub, sold)
        began = time.monotonic()
        drain(made)
        assert time.monotonic() - began < 5
        over.set()
        thread.join()
    [found] = log(hub, made)
    assert found["state"] == "waiting"
    assert found["error"] or found["status"] != 200


def drip(server, over):
    with server.accept()[0] as talk:
        talk.recv(65_536)
        talk.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n")
        while not over.wait(0.1):
            try:
                talk.sendall(b"x")
            except OSError:
                return


def test_a_poison_message_alone_in_its_batch_stops_no_other(hub, receiver):
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver, topics=["order"])
    poison = order(hub, sold)
    receiver.answer = lambda body: 500 if body["data"]["id"] == poison["id"] else 200
    drain(made)
    assert shown(hub, made)["failures"] == 1
    good = order(hub, sold)
    later(secs=6)
    drain(made)
    assert (good["id"], 1) in receiver.seen()
    assert shown(hub, made)["failures"] == 0


def test_a_replay_that_pruning_overtakes_goes_on_where_there_is_something(
    hub, receiver
):
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver, topics=["order"])
    order(hub, sold)
    drain(made)
    path = f"/v1/webhook-endpoints/{made['id']}/replays"
    hub.post("ann", path, {"after": made["position"]}, 202)
    with transaction() as session:
        prune_changes(session, days=-1)
    last = order(hub, sold)
    drain(made)
    assert (last["id"], 1) in receiver.seen()
    with transaction() as session:
        assert session.scalar(text("SELECT done_at FROM webhook_replay")) is not None


def test_agents_are_told_what_others_decide_about_their_holds(hub, receiver):
    sold = hub.on_sale()
    number()
    made = endpoint(hub, receiver, topics=["hold"])
    hold = hub.hold("ann", [(hub.offer_id("ann", sold["id"]), 1)])
    drain(made)
    assert receiver.got == []  # its own doing
    hub.post("sup", "/v1/stops", {"severity": "hard", "reason": "a fire"})
    drain(made)
    assert receiver.seen() == [(hold["id"], 2)]
    assert hub.get("ann", f"/v1/holds/{hold['id']}")["state"] == "voided"
