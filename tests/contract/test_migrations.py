"""Migrations: up from empty and from every earlier head, to what the models say."""

import uuid

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from hub import migrations
from hub.kernel.db import transaction
from tests.conftest import admin

REVISIONS = migrations.revisions()


@pytest.fixture
def empty(server):
    """The owner's URL of an empty database."""
    name = f"empty_{uuid.uuid4().hex}"
    with admin(server[0]) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER hub_owner")
    yield server[0].replace("/hub?", f"/{name}?")
    with admin(server[0]) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("earlier", [None, *REVISIONS[:-1]])
def test_up_from_empty_and_every_earlier_head(empty, earlier):
    if earlier is not None:
        migrations.upgrade(empty, earlier)
    migrations.upgrade(empty)
    command.check(migrations._config(empty))
    engine = create_engine(empty)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT name FROM world")) == "live"
    engine.dispose()


def test_the_application_owns_nothing(session):
    owned = text(
        "SELECT count(*) FROM pg_class WHERE relowner = 'hub_app'::regrole"
        " AND relnamespace = 'public'::regnamespace"
    )
    assert session.scalar(owned) == 0
    assert session.scalar(text("SELECT current_user")) == "hub_app"


def test_tables_of_worlds_and_money_say_whose_they_are(session):
    """Every table that can belong to a sandbox has its world, or hangs on one that has."""
    hangs_on = {
        "area": "auditorium",
        "seat": "area",
        "performance_area": "performance",
        "offer": "performance_area",
        "seat_taken": "performance",
        "block_seat": "block",
        "hold_line": "hold",
        "order_line": "sale_order",
        "ticket": "sale_order",
        "former_code": "sale_order",
        "order_person": "sale_order",
        "source_venue": "source",
        "source_measured": "source",
        "supply": "performance",
        "terms": "contract",
        "posting": "journal_entry",
        "tax_code": "",
        "account": "",
        "statement_line": "statement",
        "delivery_part": "delivery",
        "delivery_ref": "delivery",
        "delivery_refusal": "delivery",
        "world": "",
        "legal_entity": "",
        "document_number": "",
        "octo_told": "webhook_endpoint",
        "rehearsal_order": "supplier_order",
        "partitioned": "",
        "alembic_version": "",
    }
    tables = text(
        "SELECT c.relname, bool_or(a.attname = 'world') AS has_world,"
        " bool_or(a.attname = 'legal_entity') AS has_entity FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND NOT c.relispartition GROUP BY c.relname"
    )
    found = {row.relname: row for row in session.execute(tables)}
    without = {name for name, row in found.items() if not row.has_world}
    assert without == set(hangs_on)
    for money in ("contract", "journal_entry", "seal_block", "statement"):
        assert found[money].has_entity


def until_done(query):
    """Call a partition function, one transaction each; return how often it did work."""
    times = 0
    while True:
        with transaction() as session:
            if not session.scalar(text(query)):
                return times
        times += 1


def test_partitions_are_made_ahead_and_pruned_when_finished(engine):
    count = text("SELECT count(*) FROM pg_inherits WHERE inhparent = 'hold'::regclass")
    far = "SELECT drop_partitions(clock_timestamp() + interval '400 days')"
    until_done("SELECT make_partitions(8)")  # a week may have begun since
    with transaction() as session:
        before = session.scalar(count)
    assert until_done("SELECT make_partitions(12)") == 4 * 7
    assert until_done("SELECT make_partitions(12)") == 0
    with transaction() as session:
        assert session.scalar(count) == before + 4
        session.execute(
            text(
                "INSERT INTO hold (id, world, agent_id, state, version, expires_at)"
                " SELECT first_id_at(clock_timestamp() + interval '1 day'), 'live',"
                " gen_random_uuid(), 'held', 1, clock_timestamp()"
            )
        )
    assert until_done(far) > 0
    with transaction() as session:
        assert session.scalar(count) == 2  # the default, and the week of the open hold
        session.execute(text("UPDATE hold SET state = 'lapsed'"))
    assert until_done(far) == 1
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM hold")) == 0


def test_rows_find_the_partition_of_their_week(session):
    session.execute(
        text(
            "INSERT INTO outbox_message (id, world, topic, payload)"
            " VALUES (first_id_at(clock_timestamp()), 'live', 't', '{}')"
        )
    )
    where = session.scalar(text("SELECT tableoid::regclass::text FROM outbox_message"))
    assert where.startswith("outbox_message_p2")
