"""Requests in a sandbox: what is magic about them, and what is noted of them.

Nothing here may cost an answer: what cannot be noted is logged.
"""

import threading
import time
from collections.abc import Collection
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from connectors.suppliers.rehearsal.pace import dawdle
from hub.kernel.callers import Caller, Kind, refusal
from hub.kernel.clock import LIVE
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.kernel.idempotency import digest
from hub.sandbox.errors import RehearsedError
from hub.sandbox.queries import partner_of
from hub.sandbox.rules import (
    AGAIN,
    LOST,
    RESENT,
    SLOW,
    SLOW_S,
    done,
    magic_word,
    refused,
    rehearsed,
)
from hub.sandbox.services import magic, seeing

WATCHED = "sandboxes_watched"
PARTNERS = {Kind.AGENT, Kind.SUPPLIER}
WRITE_EVERY_S = 5.0
KNOWN_MAX = 10_000
log = structlog.get_logger(__name__)


class Watched:
    """What a process knows of sandboxes: whose they are, and what it noted of late."""

    def __init__(self) -> None:
        self._owners: dict[str, Any] = {}
        self._noted: dict[tuple[str, str], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def is_owner(self, who: Caller) -> bool:
        """Say whether somebody is the partner of the sandbox it is in."""
        if who.world not in self._owners:
            with transaction() as session:
                found = partner_of(session, who.world)
            self._owners[who.world] = found
        owner = self._owners[who.world]
        return owner is not None and owner == who.partner_id

    def due(self, world: str, what: Collection[str]) -> dict[str, int]:
        """Return what is to be written now, and how often it was; the rest waits."""
        now, found = time.monotonic(), {}
        with self._lock:
            if len(self._noted) > KNOWN_MAX:
                self._noted.clear()
            for one in what:
                written_at, count = self._noted.get((world, one), (0.0, 0))
                if not written_at or now - written_at >= WRITE_EVERY_S:
                    found[one], written_at, count = count + 1, now, -1
                self._noted[world, one] = (written_at, count + 1)
        return found


def watch(app: Flask) -> None:
    """Look at every request of a sandbox's partner before and after it is answered."""
    app.before_request(_before)
    app.after_request(_after)


def _before() -> None:
    """Wait, or refuse, if the address of a buyer asks for it."""
    who = _partner()
    if who is None:
        return
    word = magic_word(_body(who))
    if word is None:
        return
    if word == SLOW:
        dawdle(SLOW_S)
    error = magic.refusal(word)
    if error is None:
        return
    if error.retry in magic.PASSING and not _is_first(who, AGAIN):
        return  # it was told to come again, and does
    raise error


def _after(response: Response) -> Response:
    """Note what was done or refused; lose an answer that is to be lost."""
    try:
        who = _partner()
        if who is None or request.url_rule is None:
            return response
        noted = set[str]()
        if response.status_code < HTTPStatus.BAD_REQUEST:
            response = _perhaps_lost(who, response, noted)
        noted |= _noted(response, request.url_rule.rule)
        found = current_app.extensions[WATCHED].due(who.world, noted)
        if found:
            with transaction() as session:
                seeing.note(session, who.world, found)
    except SQLAlchemyError as error:
        said = str(error).splitlines()[0]
        log.warning("what a sandbox did is not noted", error=said)
    return response


def _noted(response: Response, rule: str) -> set[str]:
    error = refusal()
    if response.status_code < HTTPStatus.BAD_REQUEST:
        return {done(request.method, rule)}
    if error is None:  # a dialect's own
        body = _json(response)
        said = body if isinstance(body, dict) else {}
        return {refused(str(said.get("code"))), refused(_with_reason(said))}
    if error.facts.get("rehearsed"):
        return {rehearsed(error.code)}
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return set()  # whoever asks too much is not written about for it
    said = {"code": error.code, **error.facts}
    return {refused(error.code), refused(_with_reason(said))}


def _with_reason(said: dict[str, Any]) -> str:
    return f"{said.get('code')} {said.get('reason')}"


def _partner() -> Caller | None:
    """Return who asks, if it is the partner of a sandbox, in it."""
    who: Caller | None = g.get("caller")
    if who is None or who.world == LIVE or who.kind not in PARTNERS:
        return None
    watched: Watched = current_app.extensions[WATCHED]
    return who if watched.is_owner(who) else None


def _body(who: Caller) -> bytes:
    """Return what is asked, where words of it may be magic: of an agent, and short.

    A supplier's body is a feed, which its view reads as it comes.
    """
    most: int = current_app.config["MAX_CONTENT_LENGTH"]
    length = request.content_length or 0
    if who.kind != Kind.AGENT or request.method in {"GET", "HEAD"}:
        return b""
    return request.get_data(cache=True) if 0 < length <= most else b""


def _is_first(who: Caller, what: str) -> bool:
    """Say whether a request was not sent before, byte by byte and key by key."""
    key = request.headers.get("Idempotency-Key", "")
    mark = digest(request.method, f"{request.path} {key}", _body(who))
    with transaction() as session:
        return seeing.is_first(session, who.world, f"{what} {mark.hex()}")


def _perhaps_lost(who: Caller, response: Response, noted: set[str]) -> Response:
    """Lose the answer if its buyer's address says so, the first time."""
    if magic_word(_body(who)) != LOST:
        return response
    if not _is_first(who, LOST):
        noted.add(RESENT)
        return response
    error: HubError = RehearsedError()
    return current_app.make_response(current_app.handle_user_exception(error))


def _json(response: Response) -> Any:
    """Return what a reply says, if that is JSON and short enough to look at."""
    if response.is_streamed or not (response.mimetype or "").endswith("json"):
        return None
    return response.get_json(silent=True)
