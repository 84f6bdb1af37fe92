"""What the first version sold is sold still: its rows after the upgrade."""

import json
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from hub import migrations
from hub.kernel import db
from hub.kernel.db import transaction
from settlement.queries.credit import credit_lines
from settlement.queries.terms import all_versions
from settlement.rules.facts import Fact
from settlement.rules.postings import postings
from settlement.rules.quotes import Quote
from settlement.rules.seals import FIRST, seal
from tests.contract.test_migrations import empty  # noqa: F401 - a fixture

ID = {
    name: UUID(int=no)
    for no, name in enumerate(
        (
            "sup",
            "ann",
            "key",
            "cs",
            "ca",
            "ts",
            "ta",
            "order",
            "hold",
            "entry",
            "perf",
            "held",
        ),
        1,
    )
}
AT = datetime(2026, 11, 5, 12, tzinfo=UTC)


def side(contract, terms, commission_bp, fee):
    return {
        "contract_id": str(ID[contract]),
        "terms_id": str(ID[terms]),
        "version": 1,
        "rule": "percent of face value, half-even; fee per ticket",
        "commission_bp": commission_bp,
        "commission_base_minor": 9_000,
        "commission_minor": 9_000 * commission_bp // 10_000,
        "ticket_fee_minor": fee,
        "service_fee_minor": 2 * fee,
        "state": "final",
    }


OLD_QUOTE = {
    "legal_entity": "hub-eu",
    "supplier_id": str(ID["sup"]),
    "agent_id": str(ID["ann"]),
    "quantity": 2,
    "currency": "EUR",
    "face_minor": 9_000,
    "booking_fee_minor": 300,
    "supplier": side("cs", "ts", 1_200, 10),
    "agent": side("ca", "ta", 800, 100),
}
LEGS = [
    ("receivable:agent", "ann", "face", 9_000),
    ("receivable:agent", "ann", "booking-fee", 300),
    ("receivable:agent", "ann", "service-fee", 200),
    ("receivable:agent", "ann", "commission", -720),
    ("payable:supplier", "sup", "face", -9_000),
    ("payable:supplier", "sup", "booking-fee", -300),
    ("payable:supplier", "sup", "service-fee", 20),
    ("payable:supplier", "sup", "commission", 1_080),
    ("income:commission", None, "commission", -1_080),
    ("income:service-fee", None, "service-fee", -220),
    ("expense:commission", None, "commission", 720),
]
SEAL = (
    "SELECT e.id, e.kind, e.order_id, e.line_no, e.sequence, e.tickets, e.happened_at,"
    " e.posted_at, e.supplier_contract_id, e.agent_contract_id,"
    " (SELECT json_agg(json_build_array(p.no, p.account, p.party_id, p.what,"
    " p.currency, p.amount_minor) ORDER BY p.no) FROM posting p"
    " WHERE p.entry_id = e.id) AS postings FROM journal_entry e"
)


def fill(connection):
    """Put one sale, one hold and their terms into the first version's tables."""
    run = connection.execute
    run("SET session_replication_role = replica")
    run("INSERT INTO legal_entity VALUES ('hub-eu', 'Hub', 'AT', now())")
    for ref, kind, channel in (("sup", "supplier", None), ("ann", "agent", "online")):
        run(
            "INSERT INTO partner VALUES (%s, 'live', %s, %s, %s, %s, now())",
            (ID[ref], kind, ref, ref, channel),
        )
    run(
        "INSERT INTO credential (id, world, kind, name, key_hash, key_hint, scopes,"
        " holder_id) VALUES (%s, 'live', 'operator', 'Olga', 'x', 'x', '{}', %s)",
        (ID["key"], ID["key"]),
    )
    for contract, terms, partner, bp, fee in (
        ("cs", "ts", "sup", 1_200, 10),
        ("ca", "ta", "ann", 800, 100),
    ):
        run(
            "INSERT INTO contract VALUES (%s, 'live', 'hub-eu', %s, 'EUR',"
            " 'Europe/Vienna', now())",
            (ID[contract], ID[partner]),
        )
        run(
            "INSERT INTO terms (id, contract_id, version, valid, commission_bp,"
            " ticket_fee_minor, created_by) VALUES (%s, %s, 1, '[2020-01-01,)', %s, %s, %s)",
            (ID[terms], ID[contract], bp, fee, ID["key"]),
        )
    quote = json.dumps(OLD_QUOTE)
    run(
        "INSERT INTO sale_order VALUES (%s, 'live', %s, %s, 'r', 'confirmed', 1, %s)",
        (ID["order"], ID["ann"], ID["hold"], AT),
    )
    run(
        "INSERT INTO order_line VALUES (%s, 1, %s, %s, %s, 2, 0, 'EUR', 9000, 300, %s)",
        (ID["order"], ID["perf"], ID["perf"], ID["perf"], quote),
    )
    for hold, state in (("hold", "confirmed"), ("held", "held")):
        run(
            "INSERT INTO hold (id, world, agent_id, state, version, expires_at)"
            " VALUES (%s, 'live', %s, %s, 1, %s)",
            (ID[hold], ID["ann"], state, AT),
        )
        run(
            "INSERT INTO hold_line VALUES (%s, 1, %s, %s, %s, 2, '{}', %s)",
            (ID[hold], ID["perf"], ID["perf"], ID["perf"], quote),
        )
    run(
        "INSERT INTO journal_entry (id, world, legal_entity, kind, order_id, line_no,"
        " sequence, tickets, happened_at, supplier_contract_id, agent_contract_id)"
        " VALUES (%s, 'live', 'hub-eu', 'sale', %s, 1, 0, 2, %s, %s, %s)",
        (ID["entry"], ID["order"], AT, ID["cs"], ID["ca"]),
    )
    tickets = [("tickets:agent", "ann", 2), ("tickets:supplier", "sup", -2)]
    legs = [(*leg[:3], "EUR", leg[3]) for leg in LEGS]
    legs += [(account, who, "tickets", "TKT", n) for account, who, n in tickets]
    for no, (account, who, what, currency, minor) in enumerate(legs, 1):
        run(
            "INSERT INTO posting VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (ID["entry"], no, account, who and ID[who], what, currency, minor),
        )
    cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
    hashed, count = seal(FIRST, cursor.execute(SEAL).fetchall())
    run(
        "INSERT INTO seal_block VALUES ('live', 'hub-eu', 1, '0',"
        " (pg_current_xact_id()::text::bigint + 1)::text::xid8, %s, %s, %s, now())",
        (count, FIRST, hashed),
    )


@pytest.fixture
def upgraded(empty):  # noqa: F811 - the fixture
    migrations.upgrade(empty, "0002")
    superuser = empty.replace("+psycopg", "").replace("hub_owner@", "postgres@")
    with psycopg.connect(superuser) as connection:
        fill(connection)
    migrations.upgrade(empty)
    engine = db.connect(empty.replace("hub_owner@", "hub_app@"))
    db.bind(engine)
    yield engine
    engine.dispose()


def sums(legs):
    found = {}
    for account, party, what, minor in legs:
        found[account, party, what] = found.get((account, party, what), 0) + minor
    return found


def test_terms_quotes_and_postings_say_the_same_as_before(upgraded):
    with transaction() as session:
        quote = Quote.decoded(
            session.scalar(text("SELECT quote::text FROM order_line"))
        )
        versions = all_versions(session)
    assert quote.sum_of("commission", "agent") == 720
    assert quote.agent.zone == "Europe/Vienna"
    legs = [
        (leg.account, leg.party_id, leg.what, leg.amount_minor)
        for leg in postings(Fact(ID["order"], 1, 0, quote, (0, 0), AT))
        if leg.currency == "EUR"
    ]
    before = [
        (account, who and ID[who], what, minor) for account, who, what, minor in LEGS
    ]
    assert sums(legs) == sums(before)
    agent = versions[str(ID["ta"])].clauses
    assert agent.commission.rate == 800
    assert agent.service_fees[0].fixed_minor == 100


def test_credit_and_totals_are_what_had_been_sold(upgraded):
    with transaction() as session:
        [line] = credit_lines(session, ID["ann"])
        days = session.execute(
            text(
                "SELECT contract_id, day::text, tickets, due_minor FROM total ORDER BY 1"
            )
        ).all()
    assert (line.exposure_minor, line.reserved_minor) == (8_780, 8_780)
    assert [tuple(row) for row in days] == [
        (ID["cs"], "2026-11-05", 2, 8_200),
        (ID["ca"], "2026-11-05", 2, 8_780),
    ]


def test_seals_made_before_hold_and_so_do_the_laws_of_the_journal(upgraded):
    from settlement.queries.laws.journal import broken_journal  # noqa: PLC0415
    from settlement.queries.seals import broken_seals  # noqa: PLC0415

    with db.snapshot() as session:
        assert broken_journal(session) == []
        assert broken_seals(session) == []
