"""The books of a month, read by somebody else's programs; and what they would miss."""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import psycopg
import pytest

from hub.kernel.db import snapshot
from settlement.queries.books import books_of, entries_of
from settlement.queries.evidence import stated_totals
from settlement.rules.exports.journals import beancount, hledger
from settlement.rules.periods import month as month_of
from settlement.services import evidence
from settlement.services.books import write_books
from settlement.services.outsiders import asked
from settlement.services.proving import prove
from tests.hubs import ZONE
from tests.servers import environment
from tests.settlement.months import begin_month, closed, end_month, pay, table

BEAN_CHECK = Path(sys.executable).with_name("bean-check")
CHECKERS = [
    pytest.param(
        "hledger",
        marks=pytest.mark.skipif(
            shutil.which("hledger") is None, reason="hledger is not on this machine"
        ),
    ),
    pytest.param(
        "beancount",
        marks=pytest.mark.skipif(
            not BEAN_CHECK.exists(), reason="beancount is not installed"
        ),
    ),
]


@pytest.fixture
def month(hub):
    """A month with sales, a cancellation, money in and out; closed."""
    begin_month(hub)
    performance = hub.on_sale(days=200)
    hub.offer = hub.offer_id("ann", performance["id"])
    order = hub.confirm("ann", hub.hold("ann", [(hub.offer, 3)]))
    hub.cancel("ann", order, [order["tickets"][0]["id"]])
    hub.cancel("ann", order, [order["tickets"][1]["id"]])
    hub.confirm("bob", hub.hold("bob", [(hub.offer, 2)]))
    paid = {
        "reference": "bank-1",
        "event": {"event": "remittance", "amount_minor": 5_000},
    }
    path = f"/v1/contracts/{hub.ids['ann-contract']}/movements"
    hub.post("finance", path, paid, 201)
    end_month(hub)
    hub.statements = closed(hub)
    return hub


def written(folder, hub, period=None):
    with snapshot() as session:
        return write_books(
            session, folder, world="test", period=period or hub.period, zone=ZONE
        )


def journal(folder, ending):
    (found,) = folder.glob(f"*.{ending}")
    return found


@pytest.mark.parametrize("ending", CHECKERS)
def test_outsiders_accept_the_journal(month, tmp_path, ending):
    written(tmp_path, month)
    said = asked(journal(tmp_path, ending))
    assert said.is_content, said.said


@pytest.mark.parametrize("ending", CHECKERS)
def test_the_next_month_opens_with_what_is_carried_over(month, tmp_path, ending):
    statement = month.statements["sup"]
    pay(month, "finance", statement, statement["totals"]["due_minor"])
    later = month.get("operator", "/v1/clock")["now"][:7]
    written(tmp_path, month, later)
    found = journal(tmp_path, ending)
    assert "opening balances" in found.read_text()
    said = asked(found)
    assert said.is_content, said.said


def _one_more(line):
    """Return a line with a cent more in its last amount."""
    words = line.split(" ")
    for at in reversed(range(len(words))):
        if words[at].lstrip("-").isdigit():
            words[at] = str(int(words[at]) + 1)
            return " ".join(words)
    raise AssertionError(line)


def mutations(text):
    """Yield each journal in which one amount is a cent off, or a line is gone."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if ("MINOR" in line and line.lstrip()[:1].isupper()) or " balance " in line:
            if not any(word.lstrip("-").isdigit() for word in line.split(" ")):
                continue
            yield at, "\n".join([*lines[:at], _one_more(line), *lines[at + 1 :]])


@pytest.mark.parametrize("ending", CHECKERS)
def test_every_cent_that_is_off_is_caught(month, tmp_path, ending):
    written(tmp_path, month)
    path = journal(tmp_path, ending)
    whole = path.read_text()
    tried = 0
    for at, text in mutations(whole):
        if tried > 24:  # each is a program of its own
            break
        path.write_text(text)
        said = asked(path)
        assert said.is_content is False, (at, text.split("\n")[at])
        tried += 1
    assert tried > 10


@pytest.mark.parametrize("ending", CHECKERS)
def test_a_cent_moved_between_partners_inside_an_entry_is_caught(
    month, tmp_path, ending
):
    """It balances; only what order lines come to gives it away."""
    form = {"hledger": hledger, "beancount": beancount}[ending]
    span = month_of(month.period, ZONE)
    with snapshot() as session:
        books = books_of(
            session,
            world="test",
            entity="hub-eu",
            zone=ZONE,
            period=(span.starts_at, span.ends_at),
        )
        entries = list(entries_of(session, books))
    sale = next(entry for entry in entries if entry.kind == "sale")
    legs = list(sale.legs)
    of = {leg.account: at for at, leg in enumerate(legs)}
    up, down = of["receivable:agent"], of["payable:supplier"]
    legs[up] = replace(legs[up], amount_minor=legs[up].amount_minor + 1)
    legs[down] = replace(legs[down], amount_minor=legs[down].amount_minor - 1)
    path = tmp_path / f"moved.{ending}"
    for legs_now, is_content in ((sale.legs, True), (legs, False)):
        told = [replace(e, legs=legs_now) if e is sale else e for e in entries]
        path.write_text("\n".join(form(books, told)) + "\n")
        assert asked(path).is_content is is_content


def test_the_evidence_is_parquet_by_period_and_partner(month, tmp_path):
    lines, _ = written(tmp_path, month)
    rows = table(month, "finance", month.statements["ann"])
    assert lines == 3 + 1 + 4  # ann, bob, and both on the supplier's side
    folder = tmp_path / "lines" / f"period={month.period}"
    assert {one.name for one in folder.iterdir()} == {
        "partner=ann",
        "partner=bob",
        "partner=sup",
    }
    files = str(folder / "partner=ann" / "*.parquet")
    due = duckdb.sql(f"SELECT sum(due_minor) FROM '{files}'").fetchall()[0][0]
    assert due == sum(int(row["due_minor"]) for row in rows)


def test_a_recompute_that_differs_says_where(month, tmp_path):
    written(tmp_path, month)
    with snapshot() as session, evidence.opened(tmp_path) as engine:
        told = stated_totals(session, "test", month.period)
        found = evidence.by_statement(engine)
        assert evidence.differences(told, found) == []
        assert evidence.wrong_cents(engine) == []
    one = list(found[0])
    one[-1] += 1
    assert len(evidence.differences(told, [tuple(one), *found[1:]])) == 2
    with evidence.opened(tmp_path) as engine:
        engine.execute("CREATE TABLE kept AS SELECT * FROM lines")
        engine.execute("DROP VIEW lines")
        engine.execute("UPDATE kept SET commission_minor = commission_minor + 1")
        engine.execute("CREATE VIEW lines AS SELECT * FROM kept")
        assert evidence.wrong_cents(engine)


def test_a_period_is_proved_and_a_changed_total_is_not(month, owner_url):
    with snapshot() as session:
        proofs = list(prove(session, world="test", period=month.period, zone=ZONE))
    assert [proof.what for proof in proofs if proof.broken] == []
    assert len([proof for proof in proofs if not proof.is_skipped]) >= 11
    spoil(owner_url)
    with snapshot() as session:
        proofs = list(prove(session, world="test", period=month.period, zone=ZONE))
    broken = [proof.what for proof in proofs if proof.broken]
    assert "totals of a statement are the sums of its lines" in broken
    assert "DuckDB finds each statement's totals in the evidence" in broken


def spoil(owner_url):
    """Change a total behind everybody's back, as who has the disk could."""
    sockets = owner_url.partition("host=")[2]
    name = owner_url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(f"host={sockets} user=postgres dbname={name}") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE statement SET totals = jsonb_set(totals, '{tickets}',"
            " to_jsonb((totals->>'tickets')::int + 1)) WHERE side = 'agent'"
        )


def run(hub, *words):
    command = [sys.executable, "-m", "hub.cli", "settlement", *words]
    keyed = {
        **os.environ,
        **environment(hub.settings),
        "HUB_API_KEY": hub.keys["finance"],
    }
    return subprocess.run(
        command, env=keyed, capture_output=True, text=True, check=False
    )


def test_the_commands_write_and_prove(month, tmp_path):
    folder = tmp_path / "books"
    told = run(month, "books", month.period, "--to", str(folder), "--zone", ZONE)
    assert told.returncode == 0, told.stderr
    assert "8 lines as Parquet" in told.stderr
    suffixes = {one.suffix for one in folder.iterdir()}
    assert suffixes == {"", ".hledger", ".beancount", ".parquet"}
    again = run(month, "books", month.period, "--to", str(folder))
    assert again.returncode != 0
    assert "it is there already" in again.stderr
    proved = run(month, "verify", month.period, "--zone", ZONE)
    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert "BROKEN" not in proved.stdout
    wrong = run(month, "verify", "2026-13")
    assert wrong.returncode != 0
    assert "month such as" in wrong.stderr


SMALL = ("unshare", "--user", "--map-root-user", "--mount", "--fork", "sh", "-ec")


def test_a_folder_that_is_full_is_said_and_nothing_is_left(month, tmp_path):
    """On a disk of its own, with room for nothing much."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = f"mount -t tmpfs -o size=16k none {disk}"
    if subprocess.run([*SMALL, mounted], capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    words = [sys.executable, "-m", "hub.cli", "settlement", "books", month.period]
    script = (
        f"{mounted}; {shlex.join(words)} --to {disk}/books || code=$?; ls -A {disk}"
    )
    keyed = {
        **os.environ,
        **environment(month.settings),
        "HUB_API_KEY": month.keys["finance"],
    }
    told = subprocess.run(
        [*SMALL, f"{script}; exit $code"],
        env=keyed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 2, told.stderr
    assert "cannot be written" in told.stderr
    assert len(told.stderr.splitlines()) == 1
    assert told.stdout == ""


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_left(month, tmp_path):
    target = tmp_path / "file"
    target.write_text("")
    told = run(month, "books", month.period, "--to", str(target / "below"))
    assert told.returncode != 0
    assert "cannot be written" in told.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
