"""Something in front of a system that runs, which has faults: replies lost, cut, late."""

from contextlib import contextmanager

import requests
from flask import request

from tests.simulators.faults import Faults
from tests.simulators.serving import application, serving

KEPT = ("Authorization", "Content-Type", "Accept-Language")


@contextmanager
def between(base, named, *, delay_s=2.0):
    """Serve what passes all on to *base*; yield its address and the faults.

    *named*(method, path, body) is what a call is called.
    """
    faults, line = Faults(delay_s=delay_s), requests.Session()

    def answer(path, body):
        method, query = request.method, request.query_string.decode()
        kept = {k: v for k, v in request.headers.items() if _is_kept(k)}

        def work():
            url = f"{base}{path}?{query}"
            said = line.request(method, url, data=body, headers=kept, timeout=60)
            return said.content, said.headers.get("Content-Type", ""), said.status_code

        return named(method, path, body), work

    with serving(application(faults, answer, ["/<path:rest>"])) as url:
        yield url, faults


def _is_kept(name):
    return name in KEPT or name.endswith("Idempotency-Key")
