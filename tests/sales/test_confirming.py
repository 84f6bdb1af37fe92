"""Confirming in batches: replays, and what a batch leaves behind."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from hub.kernel import db
from hub.kernel.db import transaction
from hub.kernel.errors import HubError, NotFoundError
from hub.sales.errors import (
    PerformanceBusyError,
    ReferenceTakenError,
)
from hub.sales.services import committing
from hub.sales.services.wishes import REQUEST
from tests.wishes import confirm_wish, decide, hold_wish


@pytest.fixture
def offer_id(hub):
    return hub.offer_id("ann", hub.on_sale()["id"])


def count(table):
    with transaction() as session:
        return session.scalar(text(f"SELECT count(*) FROM {table}"))


def test_a_batch_answers_each_alone(hub, offer_id):
    holds = [hub.hold("ann", [(offer_id, 1)]) for _ in range(3)]
    unknown = {"id": str(uuid4())}
    theirs = hub.hold("bob", [(offer_id, 1)])
    batch = [
        confirm_wish(hub, holds[0]["id"], "a"),
        confirm_wish(hub, holds[1]["id"], "a"),
        confirm_wish(hub, holds[0]["id"], "b"),
        confirm_wish(hub, unknown["id"]),
        confirm_wish(hub, theirs["id"]),
        confirm_wish(hub, holds[2]["id"], "c"),
    ]
    told = [
        getattr(answer, "code", getattr(answer, "status", None))
        for answer in decide(*batch)
    ]
    assert told == [
        201,
        "reference-taken",
        "already-confirmed",
        "not-found",
        "not-found",
        201,
    ]
    assert count("sale_order") == 2
    hub.assert_lawful()


def test_one_key_in_one_batch_is_decided_once(hub, offer_id):
    hold = hub.hold("ann", [(offer_id, 1)])
    first, again = decide(
        confirm_wish(hub, hold["id"], "a", key="k"),
        confirm_wish(hub, hold["id"], "a", key="k"),
    )
    assert (first.body, first.is_replay, again.is_replay) == (again.body, False, True)
    replayed, other = decide(
        confirm_wish(hub, hold["id"], "a", key="k"),
        confirm_wish(hub, hold["id"], "b", key="k", body=b"x"),
    )
    assert (replayed.body, replayed.is_replay) == (first.body, True)
    assert other.code == "idempotency-key-reused"
    hub.assert_lawful()


def test_an_orders_reply_is_what_is_read_later(hub):
    performance = hub.on_sale()
    seats = hub.offer_id("ann", performance["id"], "stalls")
    floor = hub.offer_id("ann", performance["id"])
    order = hub.confirm("ann", hub.hold("ann", [(seats, 2), (floor, 1)]))
    assert hub.get("ann", f"/v1/orders/{order['id']}") == order


def test_a_refusal_leaves_its_key_free(hub, offer_id):
    hold = hub.hold("ann", [(offer_id, 1)])
    taken = hub.confirm("ann", hub.hold("ann", [(offer_id, 1)]), "a")
    refused = hub.confirm("ann", hold, "a", expect=409, key="k")
    assert refused["code"] == ReferenceTakenError.code
    assert hub.confirm("ann", hold, "b", key="k")["id"] != taken["id"]


def test_a_locked_credit_row_is_not_waited_for_wish_by_wish(hub, offer_id, settings):
    from hub.kernel import db  # noqa: PLC0415 - a hot connection, as a server has one

    hub.limit("ann", 1_000_000)
    holds = [hub.hold("ann", [(offer_id, 1)]) for _ in range(4)]
    hot = db.connect(settings.database_url, is_hot=True)
    db.HotSessionFactory.configure(bind=hot)
    subject = committing.sale_committer()
    with db.SessionFactory() as other:
        other.execute(text("SELECT * FROM credit FOR UPDATE"))
        with ThreadPoolExecutor(4) as pool:
            found = list(
                pool.map(lambda h: _outcome(subject, confirm_wish(hub, h["id"])), holds)
            )
    assert found == ["overloaded"] * 4
    assert _outcome(subject, confirm_wish(hub, holds[0]["id"])) == 201
    hot.dispose()
    hub.assert_lawful()


def _outcome(subject, one):
    try:
        return subject.submit(one).status
    except HubError as error:
        return error.code


def test_a_hold_that_somebody_has_holds_up_no_other(hub, offer_id):
    """Its row was waited for, and all of the batch were sent away after two seconds."""
    held = hub.hold("ann", [(offer_id, 1)])
    gone = confirm_wish(hub, uuid4())
    mine = confirm_wish(hub, held["id"])
    others = [hold_wish(hub, "bob", [(offer_id, 1)]) for _ in range(3)]
    with db.SessionFactory() as other:
        other.execute(text("SELECT id FROM hold FOR UPDATE"))
        began = time.monotonic()
        busy, unknown, *placed = decide(mine, gone, *others)
        assert time.monotonic() - began < 2
    assert isinstance(busy, PerformanceBusyError)
    assert isinstance(unknown, NotFoundError)
    assert [answer.status for answer in placed] == [201] * 3
    assert decide(mine)[0].status == 201
    hub.assert_lawful()


def test_a_request_that_was_answered_meanwhile_refuses_nobody_else(hub):
    rule = {"agent": "ann", "mode": "on-request"}
    own = {"channel": "online", "rules": [rule, {"agent": "bob"}]}
    offer_id = hub.offer_id("ann", hub.on_sale({"rules": [own]})["id"])
    made = hub.hold("ann", [(offer_id, 2)], expect=202)
    grant = hold_wish(hub, "ann", [(offer_id, 2)])
    grant = replace(grant, hold_id=UUID(made["id"]), kind=REQUEST)
    path = f"/v1/requests/{made['id']}/decision"
    hub.post("sup", path, {"decision": "reject", "reason": "full"}, 200)
    late, placed = decide(grant, hold_wish(hub, "bob", [(offer_id, 1)]))
    assert isinstance(late, NotFoundError)
    assert placed.status == 201
    hub.assert_lawful()
