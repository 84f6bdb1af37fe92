"""The sealer: complete, chained, and a changed cent is found."""

import threading

import psycopg
from sqlalchemy import text

from hub.kernel.db import transaction
from hub.verify import verify
from settlement.services.seals import seal_journal


def sell(hub, offer_id, count=1):
    for _ in range(count):
        hub.confirm("ann", hub.hold("ann", [(offer_id, 1)]))


def seal():
    with transaction() as session:
        return seal_journal(session)


def as_superuser(owner_url):
    sockets = owner_url.partition("host=")[2]
    name = owner_url.partition("@/")[2].partition("?")[0]
    return psycopg.connect(f"host={sockets} user=postgres dbname={name}")


def test_what_is_committed_is_sealed_once_and_in_a_chain(hub):
    offer_id = hub.offer_id("ann", hub.on_sale()["id"])
    sell(hub, offer_id, 3)
    assert verify().unsealed_entries == 3
    assert hub.seal(3) == 3
    assert seal() == 0
    sell(hub, offer_id, 2)
    assert hub.seal(2) == 2
    verdict = hub.assert_lawful()
    assert verdict.unsealed_entries == 0


def test_an_entry_of_an_older_transaction_is_never_skipped(hub):
    """A transaction that began first and commits last is sealed with the rest later."""
    offer_id = hub.offer_id("ann", hub.on_sale()["id"])
    sell(hub, offer_id)
    is_open, may_end = threading.Event(), threading.Event()

    def linger():
        with transaction() as session:
            session.execute(text("SELECT pg_current_xact_id()"))
            is_open.set()
            may_end.wait(10)

    older = threading.Thread(target=linger)
    older.start()
    is_open.wait(10)
    sell(hub, offer_id, 2)
    assert hub.seal(1) == 1  # not the two that came after the one still open
    assert seal() == 0
    may_end.set()
    older.join()
    assert hub.seal(2) == 2
    hub.assert_lawful()


def test_a_cent_changed_behind_the_triggers_is_found(hub, owner_url):
    offer_id = hub.offer_id("ann", hub.on_sale()["id"])
    sell(hub, offer_id, 2)
    hub.seal(2)
    with as_superuser(owner_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE posting SET amount_minor = amount_minor + sign(amount_minor)"
            " WHERE what = 'face'"
        )
    laws = {fact["law"] for fact in verify().broken}
    assert "sealed entries are as they were when they were sealed" in laws
    assert "postings are what the order lines say" in laws


def test_a_dropped_entry_is_found(hub, owner_url):
    offer_id = hub.offer_id("ann", hub.on_sale()["id"])
    sell(hub, offer_id, 2)
    hub.seal(2)
    with as_superuser(owner_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "DELETE FROM posting WHERE entry_id = (SELECT min(id::text)::uuid FROM journal_entry)"
        )
        connection.execute(
            "DELETE FROM journal_entry WHERE id = (SELECT min(id::text)::uuid FROM journal_entry)"
        )
    laws = {fact["law"] for fact in verify().broken}
    assert "sealed entries are as they were when they were sealed" in laws
