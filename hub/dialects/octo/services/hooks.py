"""Webhooks of OCTO: endpoints of the hub that are told in OCTO's words."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit
from uuid import UUID

from flask import current_app
from sqlalchemy.orm import Session

from connectors.services.sealing import Sealer
from hub.dialects.octo.errors import bad_request, invalid
from hub.dialects.octo.rules import WEBHOOKS
from hub.dialects.octo.services.asking import Asking
from hub.kernel.errors import NotFoundError
from hub.webhooks.models import WebhookEndpoint
from hub.webhooks.queries import endpoints_of, get_endpoint
from hub.webhooks.services.endpoints import add_endpoint, remove_endpoint

OCTO = "octo"
BOOKING, CART = "booking_update", "order_update"
AVAILABILITY, PRODUCT = "availability_update", "product_update"
TOPICS = {
    BOOKING: ["order", "hold"],
    CART: ["order", "hold"],
    AVAILABILITY: ["performance"],
    PRODUCT: ["production", "venue"],
}
"""What of the hub's changes an event may come from."""
OURS = {
    *("connection", "content-length", "content-type", "host", "transfer-encoding"),
    *("user-agent", "webhook-id", "webhook-signature", "webhook-timestamp"),
}


def add(session: Session, asked: Asking, said: Mapping[str, Any]) -> WebhookEndpoint:
    """Have an event told; what is secret of it is sealed."""
    url, headers = _without_user(said["url"], said.get("headers") or {})
    taken = sorted(name for name in headers if name.lower() in OURS)
    if taken:
        raise bad_request(f"The hub itself sends {', '.join(taken)}")
    if len({name.lower() for name in headers}) < len(headers):
        raise bad_request("A header is said twice")
    wants = {
        "event": said["event"],
        "capabilities": [one for one in asked.capabilities if one != WEBHOOKS],
        "languages": list(asked.languages),
        "useContactLanguage": said.get("useContactLanguage") is not False,
        "headers": _sealer().seal(headers).decode() if headers else None,
        "header_names": list(headers),
    }
    return add_endpoint(
        *(session, asked.who),
        url=url,
        topics=TOPICS[said["event"]],
        allows_private=current_app.config["HUB_WEBHOOKS_PRIVATE"],
        dialect=OCTO,
        wants=wants,
        is_tried_once=said.get("retryOnError") is False,
    )


def _without_user(url: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return an address without its user and password: they become a header."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise bad_request("The url is none") from None
    if parts.username is None:
        return url, dict(headers)
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    basic = base64.b64encode(user.encode()).decode()
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return urlunsplit(bare), {**headers, "Authorization": f"Basic {basic}"}


def all_of(session: Session, asked: Asking) -> list[WebhookEndpoint]:
    """Return an agent's webhooks."""
    return [one for one in endpoints_of(session, asked.who) if one.dialect == OCTO]


def remove(session: Session, asked: Asking, said: str) -> WebhookEndpoint:
    """Remove a webhook; INVALID_WEBHOOK_ID if the agent has none of that id."""
    endpoint = find(session, asked, said)
    remove_endpoint(session, asked.who, endpoint.id)
    return endpoint


def find(session: Session, asked: Asking, said: str) -> WebhookEndpoint:
    """Return a webhook; INVALID_WEBHOOK_ID if the agent has none of that id."""
    try:
        found = get_endpoint(session, asked.who, UUID(said))
    except (NotFoundError, ValueError):
        raise invalid("webhookId", said) from None
    if found.dialect != OCTO:
        raise invalid("webhookId", said)
    return found


def told(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Return a webhook as it is told; of its headers only the names."""
    wants = endpoint.wants
    return {
        "id": str(endpoint.id),
        "event": wants["event"],
        "url": endpoint.url,
        "retryOnError": not endpoint.is_tried_once,
        "useContactLanguage": wants["useContactLanguage"],
        "headers": dict.fromkeys(wants["header_names"], "***"),
        "capabilities": wants["capabilities"],
    }


def headers_of(endpoint: WebhookEndpoint) -> dict[str, str]:
    """Return what is sent along; CredentialsKeyError if no key opens it."""
    sealed = endpoint.wants["headers"]
    return {} if sealed is None else _sealer().open(sealed.encode())


def _sealer() -> Sealer:
    found: Sealer = current_app.extensions["sealer"]
    return found
