"""Requests in a sandbox: what is magic about them, and what is noted of them."""

import time
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, request

from hub.kernel.callers import Caller, Kind, refusal
from hub.kernel.clock import LIVE
from hub.kernel.db import transaction
from hub.sandbox.errors import NoSandboxError, RehearsedError
from hub.sandbox.queries import own_sandbox
from hub.sandbox.rules import (
    LOST,
    REPLAYED,
    SLOW,
    SLOW_S,
    UNKNOWN,
    done,
    magic_word,
    refused,
    told_unknown,
)
from hub.sandbox.services import magic, seeing

OWNERS = "sandbox_owners"
PARTNERS = {Kind.AGENT, Kind.SUPPLIER}


def watch(app: Flask) -> None:
    """Look at every request of a sandbox's partner before and after it is answered."""
    app.before_request(_before)
    app.after_request(_after)


def _before() -> None:
    """Wait, or refuse, if the address of a buyer asks for it."""
    who = _partner()
    if who is None or request.method in {"GET", "HEAD"}:
        return
    word = magic_word(request.get_data(cache=True))
    if word is None:
        return
    if word == SLOW:
        time.sleep(SLOW_S)
    error = magic.refusal(word)
    if error is not None:
        raise error


def _after(response: Response) -> Response:
    """Note what was done or refused; lose an answer that is to be lost."""
    who = _partner()
    if who is None or request.url_rule is None:
        return response
    noted = set[str]()
    if response.status_code < HTTPStatus.BAD_REQUEST:
        response = _perhaps_lost(who, response, noted)
    noted |= _noted(response, request.url_rule.rule)
    with transaction() as session:
        seeing.note(session, who.world, noted)
    return response


def _noted(response: Response, rule: str) -> set[str]:
    body, found = _json(response), set[str]()
    if response.status_code < HTTPStatus.BAD_REQUEST:
        found.add(done(request.method, rule))
        if told_unknown(body):
            found.add(UNKNOWN)
    else:
        error = refusal()
        said = body if isinstance(body, dict) else {}
        code = said.get("code") if error is None else error.code
        reason = said.get("reason") if error is None else error.facts.get("reason")
        found |= {refused(f"{code}"), refused(f"{code} {reason}")}
    if response.headers.get("Idempotency-Replayed"):
        found.add(REPLAYED)
    return found


def _partner() -> Caller | None:
    """Return who asks, if it is the partner of a sandbox, in it."""
    who: Caller | None = g.get("caller")
    if who is None or who.world == LIVE or who.kind not in PARTNERS:
        return None
    owners: dict[str, Any] = current_app.extensions[OWNERS]
    if who.world not in owners:
        owners[who.world] = None
        with suppress(NoSandboxError), transaction() as session:
            owners[who.world] = own_sandbox(session, who).partner_id
    return who if owners[who.world] == who.partner_id else None


def _perhaps_lost(who: Caller, response: Response, noted: set[str]) -> Response:
    """Lose the answer if its buyer's address says so, the first time."""
    body = request.get_data(cache=True)
    if magic_word(body) != LOST:
        return response
    key = request.headers.get("Idempotency-Key", "")
    said = (request.method, request.path, key)
    mark = f"lost {magic.fingerprint(*(one.encode() for one in said), body)}"
    with transaction() as session:
        if seeing.was_seen(session, who.world, mark):
            noted.add(REPLAYED)
            return response
    noted.add(mark)
    return current_app.make_response(
        current_app.handle_user_exception(RehearsedError())
    )


def _json(response: Response) -> Any:
    """Return what a reply says, if that is JSON and short enough to look at."""
    if response.is_streamed or not (response.mimetype or "").endswith("json"):
        return None
    return response.get_json(silent=True)
