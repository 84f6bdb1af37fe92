"""The hub with one slow route more, for tests of who waits for whom."""

import time

from hub import access
from hub.app import create_app
from hub.kernel.callers import Kind

SLOW_S = 2.0


def served():
    route = ("GET", "/slow")
    access.ROUTES[route] = access.Access("read", frozenset(Kind))
    app = create_app()
    app.add_url_rule("/slow", "slow", lambda: time.sleep(SLOW_S) or "done")
    return app
