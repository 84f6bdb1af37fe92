"""The hub with one of its guards removed, as the control of a race test.

What the guard would have kept apart is also kept open for longer.
"""

import time
from dataclasses import replace
from functools import partial

import psycopg

from hub import app
from hub.sales.services import committing

WINDOW_S = 0.02
_DEFINITION = "SELECT pg_get_functiondef(%s::regproc)"
_LOCK = "ORDER BY cardinality(path) DESC, id FOR NO KEY UPDATE"


def change_function(owner_url, name, before, after):
    """Replace the only occurrence of some text in a function of the database."""
    with psycopg.connect(owner_url.replace("+psycopg", "")) as connection:
        written = connection.execute(_DEFINITION, [name]).fetchone()[0]
        assert written.count(before) == 1
        connection.execute(written.replace(before, after))


def drop(owner_url, table, constraint):
    """Take a constraint away, which would find out what a lock should have kept."""
    with psycopg.connect(owner_url.replace("+psycopg", "")) as connection:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")


def remove_the_guard(owner_url):
    """Let the database read nodes for a batch of holds without locking them."""
    change_function(owner_url, "lock_sales", _LOCK, _LOCK.partition(" FOR ")[0])


def _write_late(calls, batch, window_s=WINDOW_S):
    time.sleep(window_s)
    committing.write(calls, batch)


def write_late(monkeypatch, window_s=WINDOW_S):
    """Let this process's committers take their time between check and write."""
    late = partial(_write_late, window_s=window_s)
    monkeypatch.setattr(committing, "STEPS", replace(committing.STEPS, write=late))


def create_app():
    """Make the application of a server that takes its time between check and write."""
    committing.STEPS = replace(committing.STEPS, write=_write_late)
    return app.create_app()
