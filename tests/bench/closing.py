"""Closing a month: sales of three months are made in the database, from real ones.

``python -m tests.bench.closing`` measures it by itself; HUB_BENCH_LINES says how many
order lines there are in three months, of 400 partners (one million if it is not set).
"""

import os
import resource
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import duckdb
import psycopg

from hub import migrations
from hub.kernel.db import snapshot, transaction
from hub.kernel.embedded import Embedded
from partners.models import Contract
from settlement.cli.closing import approve_period, close_period, review_period
from settlement.cli.keys import identify
from settlement.queries import evidence as told
from settlement.queries.previews import preview
from settlement.rules.exports.sheets import xlsx
from settlement.rules.exports.shown import Shown
from settlement.rules.statements import SUMMED, StatementRow
from settlement.services import evidence
from settlement.services.drafting import draft_period
from tests.bench.harness import PAIRS, fresh_hub, say
from tests.hubs import SECRET, ZONE

LINES = int(os.environ.get("HUB_BENCH_LINES", "1000000"))
# More than the default for so much data, and less than a server of its own would have.
SETTINGS = {"max_connections": "100", "shared_buffers": "512MB", "max_wal_size": "8GB"}
SHEET_LINES = 100_000
NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
AGENTS, SUPPLIERS, MONTHS, TEMPLATES = 380, 20, 3, 24

# Rows are made by the database from a few real sales; a superuser's session does so
# without triggers. Agents sell by a power law, as agents do.
PARTNERS = """
CREATE TABLE bench_partner AS SELECT p.kind, g AS no, uuidv7() AS partner_id,
    uuidv7() AS contract_id, uuidv7() AS terms_id, c.id AS like_contract
FROM partner p JOIN contract c ON c.partner_id = p.id
CROSS JOIN LATERAL generate_series(0, CASE p.kind WHEN 'agent' THEN {agents}
    ELSE {suppliers} END - 1) AS g WHERE p.ref IN ('ann', 'sup');
INSERT INTO partner SELECT (p).* FROM (SELECT jsonb_populate_record(p, jsonb_build_object(
    'id', b.partner_id, 'ref', p.ref || b.no)) AS p FROM bench_partner b
    JOIN contract c ON c.id = b.like_contract JOIN partner p ON p.id = c.partner_id) x;
INSERT INTO contract SELECT (c).* FROM (SELECT jsonb_populate_record(c, jsonb_build_object(
    'id', b.contract_id, 'partner_id', b.partner_id)) AS c FROM bench_partner b
    JOIN contract c ON c.id = b.like_contract) x;
INSERT INTO terms (id, contract_id, version, valid, scope, clauses, state, created_by,
    created_at, decided_by, decided_at) SELECT b.terms_id, b.contract_id, t.version,
    t.valid, t.scope, t.clauses, t.state, t.created_by, t.created_at, t.decided_by,
    t.decided_at FROM bench_partner b JOIN terms t ON t.contract_id = b.like_contract;
CREATE TABLE bench_template AS SELECT (row_number() OVER (ORDER BY e.id) - 1)::int AS no,
    e.id AS entry_id, e.order_id, e.line_no FROM journal_entry e WHERE e.kind = 'sale';
CREATE TABLE bench_sale AS SELECT g, uuidv7() AS entry_id, uuidv7() AS order_id,
    (g % {templates})::int AS template,
    floor({agents} * power(random(), 2.5))::int AS agent,
    floor({suppliers} * random())::int AS supplier,
    CAST('{starts}' AS timestamptz) + random() * interval '{days} days' AS at
FROM generate_series(1, {lines}) AS g;
ANALYZE bench_partner;
ANALYZE bench_template;
ANALYZE bench_sale;
"""
ROWS = """
INSERT INTO journal_entry (id, world, legal_entity, kind, order_id, line_no, sequence,
    tickets, happened_at, supplier_contract_id, agent_contract_id, performance_id,
    supplier_amounts, agent_amounts, supplier_terms_id, agent_terms_id)
SELECT s.entry_id, e.world, e.legal_entity, e.kind, s.order_id, e.line_no, 0, e.tickets,
    s.at, u.contract_id, a.contract_id, e.performance_id, e.supplier_amounts,
    e.agent_amounts, u.terms_id, a.terms_id FROM bench_sale s
JOIN bench_template t ON t.no = s.template JOIN journal_entry e ON e.id = t.entry_id
JOIN bench_partner a ON a.kind = 'agent' AND a.no = s.agent
JOIN bench_partner u ON u.kind = 'supplier' AND u.no = s.supplier;
INSERT INTO posting SELECT s.entry_id, p.no, p.account, CASE r.kind WHEN 'agent'
    THEN a.partner_id WHEN 'supplier' THEN u.partner_id END, p.what, p.currency,
    p.amount_minor FROM bench_sale s JOIN bench_template t ON t.no = s.template
JOIN posting p ON p.entry_id = t.entry_id LEFT JOIN partner r ON r.id = p.party_id
JOIN bench_partner a ON a.kind = 'agent' AND a.no = s.agent
JOIN bench_partner u ON u.kind = 'supplier' AND u.no = s.supplier;
INSERT INTO order_line SELECT (l).* FROM (SELECT jsonb_populate_record(l,
    jsonb_build_object('order_id', s.order_id)) AS l FROM bench_sale s
    JOIN bench_template t ON t.no = s.template JOIN order_line l
    ON l.order_id = t.order_id AND l.no = t.line_no) x;
"""
TOTALS = """
INSERT INTO total SELECT b.contract_id, (s.at AT TIME ZONE '{zone}')::date, b.terms_id,
    '', d.world, d.legal_entity, {sums} FROM bench_sale s
JOIN bench_template t ON t.no = s.template
JOIN LATERAL (VALUES ('agent', s.agent), ('supplier', s.supplier)) AS k(kind, no) ON true
JOIN bench_partner b ON b.kind = k.kind AND b.no = k.no
JOIN bench_measure d ON d.template = s.template AND d.kind = k.kind
GROUP BY 1, 2, 3, 5, 6;
"""
MEASURED = """
CREATE TABLE bench_measure AS SELECT t.no AS template, k.kind, e.world, e.legal_entity,
    e.tickets, k.a[1] AS face_minor, k.a[2] AS booking_fee_minor,
    k.a[3] AS service_fee_minor, k.a[4] AS commission_minor, k.a[5] AS other_minor,
    k.a[6] AS due_minor, 0::bigint AS counted, 0::bigint AS measured,
    0::bigint AS base_minor, 0::bigint AS accrued_minor
FROM bench_template t JOIN journal_entry e ON e.id = t.entry_id
JOIN LATERAL (VALUES ('agent', e.agent_amounts), ('supplier', e.supplier_amounts))
    AS k(kind, a) ON true;
"""
NAMES = (
    *("tickets", "face_minor", "booking_fee_minor", "service_fee_minor"),
    *("commission_minor", "other_minor", "due_minor"),
    *("counted", "measured", "base_minor", "accrued_minor"),
)


def fill(hub, starts, days):
    """Make the sales; return how long that took."""
    performance = hub.on_sale(days=40)
    offer = hub.offer_id("ann", performance["id"])
    for no in range(TEMPLATES):
        hub.confirm("ann", hub.hold("ann", [(offer, no % 6 + 1)]))
    url = str(hub.settings.database_url)
    sockets = url.partition("host=")[2]
    name = url.partition("@/")[2].partition("?")[0]
    said = {
        "agents": AGENTS,
        "suppliers": SUPPLIERS,
        "templates": TEMPLATES,
        "lines": LINES,
        "starts": starts.isoformat(),
        "days": days,
        "zone": ZONE,
        "sums": ", ".join(f"sum(d.{name})" for name in NAMES),
    }
    began = time.perf_counter()
    with psycopg.connect(
        f"host={sockets} user=postgres dbname={name}", autocommit=True
    ) as line:
        line.execute("SET session_replication_role = replica")
        line.execute("SET maintenance_work_mem = '1GB'")
        line.execute("SET synchronous_commit = off")
        for part in (PARTNERS, ROWS, MEASURED, TOTALS):
            for statement in part.format(**said).split(";\n"):
                if statement.strip():
                    line.execute(statement)
        line.execute("VACUUM ANALYZE")
    return time.perf_counter() - began


def timed(what, work):
    began = time.perf_counter()
    found = work()
    took = time.perf_counter() - began
    say(f"  {what}: {took:.1f} s")
    return took, found


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def closing(make_hub, rows):
    """Preview, draft to close, evidence and recompute of one of three months."""
    with make_hub() as hub, tempfile.TemporaryDirectory(prefix="hub-bench-") as name:
        now = datetime.fromisoformat(hub.get("operator", "/v1/clock")["now"])
        here = now.astimezone(ZoneInfo(ZONE))
        first = here.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        starts = first.astimezone(UTC)
        say(f"  {LINES} lines: {fill(hub, starts, MONTHS * 30):.0f} s to make")
        hub.move_clock(days=100)
        period = first.strftime("%Y-%m")
        one, other = (identify(hub.keys[k], SECRET) for k in ("finance", "auditor"))
        looks = previews(hub, period)
        timed("draft", lambda: draft_period(transaction, one, period))
        timed("review", lambda: review_period(one, period))
        timed("approve", lambda: approve_period(other, period))
        closed, _ = timed("close", lambda: close_period(other, period))
        folder = Path(name) / "books"
        folder.mkdir()
        with snapshot() as session:
            written, count = timed(
                "evidence",
                lambda: evidence.write_evidence(
                    session, folder, world="test", period=period
                ),
            )
            proved, wrong = timed(
                "recompute", lambda: differing(session, folder, period)
            )
            ratios = beside_bare(folder)
        assert wrong == [], wrong
        assert count > LINES // MONTHS
    total = closed + written + proved
    label = f"closing a month of {LINES} lines, {AGENTS + SUPPLIERS} partners"
    parts = f"close {closed:.1f}, evidence {written:.1f}, recompute {proved:.1f} s"
    rows.append([label, f"{total:.1f} s ({parts})", "", f"{count} lines", ""])
    label = "preview of a statement, the slowest of 40"
    rows.append([label, f"{max(looks):.1f} ms", "", "", ""])
    label = "totals by DuckDB against the bare query over the same Parquet"
    told = f"{statistics.median(ratios):.2f}"
    rows.append([label, told, f"{min(ratios):.2f}-{max(ratios):.2f}", "", ""])
    rows.append(["peak memory of closing, MiB", f"{peak()}", "", "", ""])
    for row in rows[-4:]:
        say(f"{row[0]}: {row[1]}")


def beside_bare(folder):
    """Return how many times as long our totals take as a query that knows nothing."""
    files = f"read_parquet('{folder}/lines/*/*/*.parquet')"
    bare = (
        "SELECT statement_id, count(*), sum(tickets), sum(face_minor),"
        f" sum(commission_minor), sum(due_minor) FROM {files} GROUP BY 1"
    )
    ratios = []
    for _ in range(PAIRS):
        began = time.perf_counter()
        with duckdb.connect() as engine:
            engine.execute(bare).fetchall()
        between = time.perf_counter()
        with evidence.opened(folder) as engine:
            evidence.by_statement(engine)
        ratios.append((time.perf_counter() - between) / (between - began))
    return ratios


def sheets(rows):
    """Write a statement of so many lines as a spreadsheet."""
    lines = [
        StatementRow(
            *(no, uuid4(), uuid4(), 1, "sale", NOON + timedelta(seconds=no), 2),
            *(9_000, 300, 200, 720, 0, 8_780, uuid4(), "2026-10"),
        )
        for no in range(1, SHEET_LINES + 1)
    ]
    head = Shown(
        *("Hub GmbH", "Ann", "ann", "agent", "2026-11", ZONE, NOON, NOON, "EUR"),
        *("closed", 1, dict.fromkeys(("lines", *SUMMED), 0), "ab" * 32, 0, 0, 0),
    )
    took, _ = timed(f"{SHEET_LINES} lines as XLSX", lambda: xlsx(head, lines))
    label = f"a statement of {SHEET_LINES} lines as XLSX"
    rows.append([label, f"{took:.1f} s", "", f"{SHEET_LINES / took:.0f}/s", ""])


def previews(hub, period):
    """Return how long previews took, in milliseconds."""
    with transaction() as session:
        wanted = "SELECT id FROM contract ORDER BY id DESC LIMIT 40"
        ids = [row[0] for row in session.connection().exec_driver_sql(wanted)]
        now, looks = datetime.now(UTC), []
        for contract_id in ids:
            contract = session.get_one(Contract, UUID(str(contract_id)))
            began = time.perf_counter()
            preview(session, contract, period, now=now)
            looks.append((time.perf_counter() - began) * 1000)
    say(f"  preview: median {statistics.median(looks):.1f} ms")
    return looks


def differing(session, folder, period):
    """Return what DuckDB finds otherwise than the statements and the roll-up."""
    with evidence.opened(folder) as engine:
        return [
            *evidence.differences(
                told.stated_totals(session, "test", period),
                evidence.by_statement(engine),
            ),
            *evidence.differences(
                told.rolled_up(session, "test", period), evidence.by_day(engine)
            ),
            *map(str, evidence.wrong_cents(engine)),
        ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as place:
        embedded = Embedded(Path(place), settings=SETTINGS)
        stores = embedded.start()
        try:
            migrations.upgrade(stores.owner_url)
            closing(lambda: fresh_hub(stores, place), [])
            sheets([])
        finally:
            embedded.stop()
    sys.exit()
