"""How every hold is placed: priced from what is kept if it can be, then decided."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import structlog
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hub.kernel import idempotency
from hub.kernel.callers import Caller, caller
from hub.kernel.db import transaction
from hub.kernel.errors import HubError
from hub.kernel.idempotency import Claim, Reply
from hub.sales import queries
from hub.sales.errors import NotLiveError, OfferChangedError
from hub.sales.rules.supplied import Told
from hub.sales.services import requesting, views, wishes
from hub.sales.services.baskets import keep_basket
from hub.sales.services.looking import refuse_looking
from hub.sales.services.measuring import Answers
from hub.sales.services.placing import place_hold
from hub.sales.services.supplied.holding import hold_live, is_live
from hub.sales.services.telling import HELD
from hub.sales.services.wishes import HoldWish

log = structlog.get_logger(__name__)
PRICE_TRIES = 3
CREATED, ACCEPTED = 201, 202
Prepare = Callable[[HoldWish], HoldWish]


def placed(
    claim: Claim,
    wanted: dict[str, Any],
    prepare: Prepare,
    *,
    who: Caller | None = None,
    is_answered: bool = False,
) -> Reply:
    """Price a wish and have it decided; a request only goes to the supplier.

    *prepare* makes of it what else is wanted; *answered*: the supplier has agreed.
    What was priced just before a change is priced once more.
    """
    agent = who or caller()
    for attempt in range(PRICE_TRIES):
        wish = _wish(claim, wanted, agent, is_first=attempt == 0)
        if isinstance(wish, Reply):
            return _whole(agent, wish)
        try:
            wish = prepare(wish)
            if not is_answered:
                _refuse_looking(wish)
        except HubError:
            earlier = _earlier(claim)
            if earlier is None:
                raise
            return _whole(agent, earlier)
        if requesting.is_on_request(wish) and not is_answered:
            if is_live(wish):
                raise NotLiveError(wanted="a request")
            return _ask(wish, wanted)
        try:
            reply = _decided(wish)
        except OfferChangedError as error:
            changed = error
        else:
            return _live(agent, reply) if is_live(wish) else _whole(agent, reply)
    raise changed


def _live(who: Caller, reply: Reply) -> Reply:
    """Tell a hold that suppliers have locked as it stands: 202 if they have not yet."""
    hold_id = UUID(reply.body[HELD])
    with transaction() as session:
        hold = queries.get_hold(session, hold_id, world=who.world, agent_id=who.partner)
        body = views.hold_view(session, who, hold)
    return Reply(_status(body), body, is_replay=reply.is_replay)


def _status(body: dict[str, Any]) -> int:
    return ACCEPTED if body["state"] in {*Told} else CREATED


def _decided(wish: HoldWish) -> Reply:
    """Have a wish decided; what availability had said of it is compared with that."""
    answers: Answers = current_app.extensions["answers"]
    try:
        place = partial(place_hold, current_app.extensions["committer"])
        if is_live(wish):
            reply = hold_live(current_app.extensions["suppliers"], wish, place)
        else:
            reply = place(wish)
    except HubError as refusal:
        answers.compare(wish, refusal)
        raise
    else:
        if not reply.is_replay:
            answers.compare(wish, None)
        return reply
    finally:
        _write(answers)


def _write(answers: Answers) -> None:
    """Write what was measured, if it is time; a hold does not fail for that."""
    if not answers.due():
        return
    try:
        with transaction() as session:
            answers.write(session)
    except SQLAlchemyError as error:
        log.warning("what was measured is lost", error=str(error).splitlines()[0])


def _whole(who: Caller, reply: Reply) -> Reply:
    """Return a reply whole: of what a hold was answered only its id is kept."""
    if not reply.is_replay or HELD not in (reply.said or {}):
        return reply
    with transaction() as session:
        body = views.first_reply(session, who, reply.body)
    return Reply(_status(body), body, is_replay=True)


def _refuse_looking(wish: HoldWish) -> None:
    if wish.basket.holding.look_to_book is not None:
        with transaction() as session:
            refuse_looking(session, wish)


def _earlier(claim: Claim) -> Reply | None:
    """Return what a repeat was answered before: it is, even if it may not be now."""
    with transaction() as session:
        return idempotency.find(session, claim)


def _ask(wish: HoldWish, wanted: dict[str, Any]) -> Reply:
    with transaction() as session:
        body: dict[str, Any] = {}

        def ask() -> tuple[int, bytes]:
            kept = wishes.as_wanted(wanted)
            body.update(requesting.ask_supplier(session, wish, kept))
            return ACCEPTED, msgspec.json.encode(body)

        earlier = idempotency.once(session, wish.claim, ask)
    return earlier or Reply(ACCEPTED, body)


def _wish(
    claim: Claim, wanted: dict[str, Any], who: Caller, *, is_first: bool
) -> HoldWish | Reply:
    """Price a wish; a repeat is answered even if its offer is gone since.

    The first time what this process has priced of late will do.
    """
    lines, ttl_s = wanted["lines"], current_app.config["HUB_HOLD_TTL_S"]
    buyer = wishes.buyer_of(wanted)
    if is_first:
        found = wishes.kept(who, lines, claim=claim, ttl_s=ttl_s, buyer=buyer)
        if found is not None:
            return found
    with transaction() as session:
        wish = _priced(session, claim, who, lines, buyer=buyer, ttl_s=ttl_s)
    if isinstance(wish, HoldWish):
        keep_basket(who, wish.basket)
    return wish


def _priced(
    session: Session, claim: Claim, who: Caller, lines: Any, **more: Any
) -> HoldWish | Reply:
    try:
        return wishes.price(session, who, lines, claim=claim, **more)
    except HubError:
        earlier = idempotency.find(session, claim)
        if earlier is None:
            raise
        return earlier
