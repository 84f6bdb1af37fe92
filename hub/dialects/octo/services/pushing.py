"""What webhooks of OCTO are told: bookings, carts, availabilities, products."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from hub.dialects.octo import queries
from hub.dialects.octo.errors import OctoError
from hub.dialects.octo.models import OctoBooking, OctoTold
from hub.dialects.octo.services import carts, diffs, hooks
from hub.dialects.octo.services.asking import Asking
from hub.dialects.octo.services.availability import Wanted, availability
from hub.dialects.octo.services.finding import Finder
from hub.dialects.octo.services.products import products
from hub.dialects.octo.services.standings import standing, told
from hub.dialects.shared import queries as shared
from hub.dialects.shared.queries import Sale
from hub.dialects.shared.services.looking import area_of, look_for, own_span
from hub.kernel import clock
from hub.kernel.callers import Caller, Kind
from hub.kernel.db import joined, rows
from hub.sales.services.caching import AnswerCache
from hub.webhooks.models import WebhookEndpoint
from hub.webhooks.rules import Message, Part

GONE: Mapping[str, Any] = {"available": 0, "offers": [], "nothing_because": "withdrawn"}
_TOLD = text(
    "INSERT INTO octo_told (endpoint_id, uuid, told) SELECT :endpoint, uuid, told"
    " FROM json_to_recordset(CAST(:rows AS json)) AS r(uuid uuid, told jsonb)"
    " ON CONFLICT (endpoint_id, uuid) DO UPDATE SET told = excluded.told"
)
PARTS_MAX = 25
Bodies = Mapping[str, dict[str, Any]]
"""What a message tells, by the names of its parts."""


class OctoWebhooks:
    """How endpoints of OCTO are told, with what an application keeps."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def choose(
        self, session: Session, endpoint: WebhookEndpoint, messages: Sequence[Message]
    ) -> list[Message]:
        """Return those that are of bookings, or of the catalogue."""
        event = endpoint.wants["event"]
        if event not in {hooks.BOOKING, hooks.CART}:
            return list(messages)
        found = _bookings(session, endpoint, messages)
        return [
            # its hold and its order are one booking: they are told one after the other
            replace(one, entity_id=found[one.entity_id].uuid)
            for one in messages
            if one.entity_id in found
            and (event == hooks.BOOKING or found[one.entity_id].cart_id is not None)
        ]

    def say(
        self, session: Session, endpoint: WebhookEndpoint, messages: Sequence[Message]
    ) -> list[Message]:
        """Return messages that tell what they are about as it stands now, whole."""
        makers = {
            hooks.BOOKING: _told_bookings,
            hooks.CART: _told_carts,
            hooks.AVAILABILITY: _availabilities,
            hooks.PRODUCT: _products,
        }
        make = makers[endpoint.wants["event"]]
        with self._app.app_context(), joined(session):
            self._look_afresh()
            head = {"webhook": hooks.told(endpoint)}
            bodies = make(session, endpoint, messages) if messages else {}
        return [
            replace(one, said=_encoded(head, bodies.get(one.position, {})))
            for one in messages
        ]

    def _look_afresh(self) -> None:
        """Forget what is kept: a change is told as it is after it."""
        self._app.extensions["octo"] = Finder(
            self._app.config["HUB_AVAILABILITY_AGE_S"]
        )
        self._app.extensions["availability_cache"] = AnswerCache()

    def headers(self, endpoint: WebhookEndpoint) -> Mapping[str, str]:
        """Return what its agent wants sent along."""
        with self._app.app_context():
            return hooks.headers_of(endpoint)

    def note_told(
        self, session: Session, endpoint: WebhookEndpoint, messages: Sequence[Message]
    ) -> None:
        """Keep what has arrived of bookings, so that the next tells the difference."""
        if endpoint.wants["event"] != hooks.BOOKING:
            return
        kept = {}
        for message in messages:
            for part in message.said or ():
                booking = msgspec.json.decode(part.body)["booking"]
                kept[booking["uuid"]] = diffs.values(booking)
        said = [{"uuid": uuid, "told": told} for uuid, told in kept.items()]
        session.execute(_TOLD, {"endpoint": endpoint.id, "rows": rows(said)})


def _encoded(head: Mapping[str, Any], bodies: Bodies) -> tuple[Part, ...]:
    return tuple(
        Part(name, msgspec.json.encode({**head, **body}))
        for name, body in islice(bodies.items(), PARTS_MAX)
    )


def _asking(endpoint: WebhookEndpoint, languages: Collection[str] = ()) -> Asking:
    """Return who is told, as if it had asked for it itself."""
    who = Caller(
        credential_id=endpoint.id,
        holder_id=endpoint.agent_id,
        world=endpoint.world,
        kind=Kind.AGENT,
        partner_id=endpoint.agent_id,
        scopes=frozenset({"read"}),
        expires_at=None,
        name=hooks.OCTO,
    )
    wants = endpoint.wants
    spoken = dict.fromkeys((*languages, *wants["languages"]))
    return Asking(who, tuple(spoken), tuple(wants["capabilities"]))


def _bookings(
    session: Session, endpoint: WebhookEndpoint, messages: Sequence[Message]
) -> dict[UUID, OctoBooking]:
    ids = {one.entity_id for one in messages}
    return queries.of_changed(session, endpoint.agent_id, sorted(ids))


def _told_bookings(
    session: Session, endpoint: WebhookEndpoint, messages: Sequence[Message]
) -> dict[int, Bodies]:
    """Return bookings with what is different since each was last told."""
    found = _bookings(session, endpoint, messages)
    known: dict[UUID, diffs.Values] = {}
    bodies: dict[int, Bodies] = {}
    for message in messages:
        row = found.get(message.entity_id)
        booking = None if row is None else _booking(session, endpoint, row)
        if row is None or booking is None:
            continue
        now = diffs.values(booking)
        if row.uuid not in known:
            kept = session.get(OctoTold, (endpoint.id, row.uuid))
            known[row.uuid] = diffs.as_held(now) if kept is None else kept.told
        diff = diffs.difference(known[row.uuid], now)
        known[row.uuid] = now
        bodies[message.position] = {"": {"booking": booking, "diff": diff}}
    return bodies


def _booking(
    session: Session, endpoint: WebhookEndpoint, row: OctoBooking
) -> dict[str, Any] | None:
    """Return a booking as its agent would be told it; None if it ended long ago."""
    asked = _asking(endpoint, _spoken(endpoint, row))
    try:
        how = standing(session, asked, row)
        said = told(asked, row, how, clock.now(session, endpoint.world))
    except OctoError:
        return None
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(said))
    return found


def _spoken(endpoint: WebhookEndpoint, row: OctoBooking) -> list[str]:
    contact = row.said.get("contact") or {}
    return (
        (contact.get("locales") or []) if endpoint.wants["useContactLanguage"] else []
    )


def _told_carts(
    session: Session, endpoint: WebhookEndpoint, messages: Sequence[Message]
) -> dict[int, Bodies]:
    found = _bookings(session, endpoint, messages)
    asked, bodies = _asking(endpoint), dict[int, Bodies]()
    for one in messages:
        row = found.get(one.entity_id)
        if row is None:
            continue
        try:
            cart = carts.show(asked, str(row.cart_id))
        except OctoError:  # a booking in it ended long ago
            continue
        bodies[one.position] = {"": {"order": cart}}
    return bodies


def _availabilities(
    session: Session, endpoint: WebhookEndpoint, messages: Sequence[Message]
) -> dict[int, Bodies]:
    """Return every option of a performance; of what is open for days the next day."""
    asked, now = _asking(endpoint), clock.now(session, endpoint.world)
    ids = [one.entity_id for one in messages]
    sales = shared.sales(session, ids, world=endpoint.world, now=now, has_gone=True)
    look = look_for(asked.who)
    found: dict[UUID, Bodies] = {}
    for sale in sales:
        day = None
        if sale.product.is_open_dated:
            first, last = own_span(sale)
            day = min(max(first, now.date()), last)
        shown = look(sale.id)
        found[sale.id] = {
            option: _of_option(sale, option)
            | {
                "availability": availability(
                    *(asked, sale, area_of(shown, option) or GONE),
                    *(Wanted(option, {}), day),
                )
            }
            for option in sale.areas
        }
    return {one.position: found.get(one.entity_id, {}) for one in messages}


def _of_option(sale: Sale, option: str) -> dict[str, Any]:
    return {"productId": str(sale.product), "optionId": option}


def _products(
    session: Session, endpoint: WebhookEndpoint, messages: Sequence[Message]
) -> dict[int, Bodies]:
    asked, now = _asking(endpoint), clock.now(session, endpoint.world)
    found: dict[int, Bodies] = {}
    for one in messages:
        ids = shared.products_of(
            session, [one.entity_id], world=endpoint.world, now=now
        )
        found[one.position] = {
            product["id"]: {"product": product}
            for only in ids
            for product in products(session, asked, now, only)
        }
    return found
