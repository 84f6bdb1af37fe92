"""The demo: from an empty folder to the same statements to the cent, every time."""

from pathlib import Path

import pytest

from tests.end_to_end.test_processes import Served

STATEMENTS = Path(__file__).with_name("statements.txt").read_text()
MAKING = ("Loading the season", "Agents buy", "closing")


@pytest.fixture
def demo(tmp_path):
    served = Served(tmp_path)
    served.environment["HUB_WORKERS"] = "2"
    yield served
    served.embedded._valkey.stop()
    served.embedded.postgres.stop()


def test_every_run_gives_the_same_statements_and_the_second_makes_nothing_anew(demo):
    first = demo.run("demo", "--exit")
    assert first.returncode == 0, first.stderr
    assert first.stdout == STATEMENTS
    assert "hub verify: every law holds" in first.stderr
    assert all(step in first.stderr for step in MAKING)
    assert not demo.embedded.postgres.is_running()
    second = demo.run("demo", "--exit")
    assert second.returncode == 0, second.stderr
    assert second.stdout == STATEMENTS
    assert "settled already" in second.stderr
    assert not any(step in second.stderr for step in MAKING)
