"""Our own rules, where no linter knows them."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from hub import app  # noqa: F401 - with all of its errors
from hub.kernel.errors import HubError, Retry

ROOT = Path(__file__).parents[2]
PACKAGES = ("hub", "connectors", "allocation", "settlement", "partners")
SOURCES = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if "versions" not in path.parts
]
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= FILE_LINES_MAX
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            lines = node.end_lineno - node.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, f"{node.name} has {lines} lines"


def test_nothing_is_validated_by_a_function_that_may_return_false():
    for path in SOURCES:
        assert "validate=lambda" not in path.read_text(), path


def test_only_the_edges_and_the_committer_open_transactions():
    allowed = {
        "api.py",
        "cli.py",
        "jobs.py",
        "worker.py",
        "app.py",
        "access.py",
        "committer.py",
        "db.py",
    }
    named = {
        "hub/sales/services/placing.py",  # gives back what has lapsed, then retries
        "hub/kernel/writes.py",  # a write under a key is one transaction with it
        "hub/sales/services/halls.py",  # reads a whole hall, outside the batch
        "hub/migrations/env.py",  # alembic's own
        "hub/sandbox/services/closing.py",  # a month is closed in several, with a fence
        "connectors/suppliers/rehearsal/client.py",  # a supplier's own, in our database
        "settlement/services/drafting.py",  # a contract at a time, agents sell meanwhile
        "settlement/services/fencing.py",  # the fence needs several, handed in
        # A booking of OCTO is several of the hub's own steps, each with its own.
        "hub/dialects/octo/services/bookings.py",
        "hub/dialects/octo/services/carts.py",
        "hub/dialects/octo/services/changing.py",
        "hub/dialects/octo/services/finding.py",
        "hub/dialects/octo/services/standings.py",
        "hub/dialects/tiqets/services/offering.py",  # what it keeps for some seconds
        "hub/dialects/tiqets/services/selling.py",
        # Suppliers are asked between transactions, never inside one.
        "connectors/services/guarding.py",
        "connectors/services/syncing.py",
        "connectors/services/visiting.py",
        "connectors/services/writing.py",
        "hub/suppliers.py",
    }
    for path in SOURCES:
        where = str(path.relative_to(ROOT))
        is_edge = path.name in allowed or path.parent.name in {"api", "cli"}
        asks = where.startswith("hub/sales/services/supplied/")
        if is_edge or where in named or asks or where.startswith("hub/demo"):
            continue
        assert "transaction() as" not in path.read_text(), where


def test_locks_of_a_session_are_the_workers_alone():
    """A pooled connection would keep one for whoever gets it next."""
    said = re.compile(r"pg_(try_)?advisory_lock(_shared)?\(")
    found = {
        str(path.relative_to(ROOT)) for path in SOURCES if said.search(path.read_text())
    }
    assert found == {"hub/worker.py"}


def test_the_tree_names_no_machine_and_no_registry():
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"],
        check=False,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    lock = (ROOT / "requirements-dev.lock").read_text()
    assert "://" not in lock
    assert "index-url" not in lock


def test_whoever_may_come_again_later_is_told_when():
    def all_of(kind):
        for found in kind.__subclasses__():
            yield found
            yield from all_of(found)

    later = [found for found in all_of(HubError) if found.retry is Retry.LATER]
    assert len(later) > 5
    assert [found.code for found in later if not found.retry_after_s] == []
