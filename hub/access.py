"""Who may do what: one table of route x kind of caller; what it lacks is refused."""

import re
import threading
import time
from dataclasses import dataclass
from typing import Final

from flask import Flask, request

from hub.kernel.callers import Caller, Kind, set_caller
from hub.kernel.db import transaction
from hub.kernel.errors import ForbiddenError, UnauthenticatedError
from hub.routes import TABLE
from partners.queries import find_caller
from partners.rules import key_hash

ANYONE: Final = "anyone"
CACHE_MAX = 10_000
TIQETS = "/tiqets/"

_ROW = re.compile(r"(\w+)\s+(/.*?)\s+(anyone|read|write)((?: \w+)*)")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use a route: nobody in particular, or these kinds with this scope."""

    scope: str
    kinds: frozenset[Kind]

    @property
    def is_open(self) -> bool:
        return self.scope == ANYONE


def _parsed(table: str) -> dict[tuple[str, str], Access]:
    found = {}
    for line in table.splitlines():
        if line:
            said = _ROW.fullmatch(line)
            assert said is not None, line  # noqa: S101 - the table is ours
            method, route, scope, kinds = said.groups()
            access = Access(scope, frozenset(map(Kind, kinds.split())))
            found[method, route] = access
    return found


ROUTES: Final = _parsed(TABLE)


class Callers:
    """Callers of this process by key hash, each remembered for a few stated seconds."""

    def __init__(self, cache_s: int) -> None:
        self._cache_s = cache_s
        self._known: dict[bytes, tuple[float, Caller]] = {}
        self._lock = threading.Lock()

    def find(self, hashed: bytes) -> Caller | None:
        """Return whose key it is; unknown ones are asked for every time."""
        now = time.monotonic()
        with self._lock:
            known = self._known.get(hashed)
        if known is not None and known[0] > now:
            return known[1]
        with transaction() as session:
            found = find_caller(session, hashed)
        with self._lock:
            if len(self._known) >= CACHE_MAX:
                self._known.clear()
            self._known.pop(hashed, None)
            if found is not None:
                self._known[hashed] = (now + self._cache_s, found)
        return found


def guard(app: Flask, *, secret: str, cache_s: int) -> None:
    """Check every request against the table before anything else sees it."""
    callers = Callers(cache_s)

    def check() -> None:
        if request.url_rule is None:
            return  # Flask answers 404 or 405 itself
        method = "GET" if request.method == "HEAD" else request.method
        access = ROUTES.get((method, request.url_rule.rule))
        if access is None:
            raise ForbiddenError(route=request.url_rule.rule)
        if access.is_open:
            return
        found = callers.find(key_hash(_key(), secret))
        if found is None:
            raise UnauthenticatedError
        if found.kind not in access.kinds:
            raise ForbiddenError(kind=found.kind, allowed=sorted(access.kinds))
        if access.scope not in found.scopes:
            raise ForbiddenError(scope_needed=access.scope)
        set_caller(found)

    app.before_request(check)


def _key() -> str:
    """Return the key of a request, where its API has it."""
    if request.path.startswith(TIQETS):
        key = request.headers.get("API-Key", "").strip()
        if not key:
            raise UnauthenticatedError(reason="send API-Key and your key")
        return key
    return _bearer()


def _bearer() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise UnauthenticatedError(reason="send Authorization: Bearer and your key")
    return key.strip()


__all__ = ["ROUTES", "Access", "guard"]
