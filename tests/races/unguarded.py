"""The hub with its guard removed, as the control of the race test.

Nodes are read without a lock, and time passes between the check and the write.
"""

import time
from dataclasses import replace

import psycopg

from hub import app
from hub.sales.services import storing

WINDOW_S = 0.02
_DEFINITION = "SELECT pg_get_functiondef('lock_holds'::regproc)"


def remove_the_guard(owner_url):
    """Let the database read nodes for a batch of holds without locking them."""
    with psycopg.connect(owner_url.replace("+psycopg", "")) as connection:
        guarded = connection.execute(_DEFINITION).fetchone()[0]
        nodes = "ORDER BY cardinality(path) DESC, id FOR NO KEY UPDATE"
        assert guarded.count(nodes) == 1
        connection.execute(guarded.replace(nodes, nodes.partition(" FOR ")[0]))


def create_app():
    def write_late(calls, batch):
        time.sleep(WINDOW_S)
        storing.write(calls, batch)

    storing.STEPS = replace(storing.STEPS, write=write_late)
    return app.create_app()
