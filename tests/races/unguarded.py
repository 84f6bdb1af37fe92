"""The hub with its guard removed, as the control of the race test.

Nodes are read without a lock, and time passes between the check and the write.
"""

import time
from dataclasses import replace

from sqlalchemy import text

from allocation.queries import locks
from hub import app
from hub.sales.services import storing

WINDOW_S = 0.02


def create_app():
    guarded = str(locks._LOCK)
    assert guarded.endswith("FOR NO KEY UPDATE")
    locks._LOCK = text(guarded.removesuffix("FOR NO KEY UPDATE"))

    def write_late(session, batch):
        time.sleep(WINDOW_S)
        storing.write(session, batch)

    storing.STEPS = replace(storing.STEPS, write=write_late)
    return app.create_app()
