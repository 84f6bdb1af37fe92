"""How webhooks are signed, when they are tried again, where they may go. Pure.

Signatures are those of Standard Webhooks (symmetric, ``v1``): HMAC-SHA256 over id,
timestamp and body.
"""

import base64
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from hub.webhooks.errors import EndpointRefusedError

ACTIVE, PAUSED, REMOVED = "active", "paused", "removed"
WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"
KINDS = (
    *("order", "hold", "notice", "endpoint", "performance", "production", "venue"),
    "auditorium",
)
BACKOFF_S = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800)
"""Pauses between tries: the last is a day after the first."""
PAUSE_AFTER = timedelta(hours=24)
GONE = 410
NOTHING_LEFT = "what it would tell of is gone"
SECRET_PREFIX = "whsec_"  # noqa: S105 - not a secret, what one begins with
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
PURPOSE = b"webhook secret 1\0"


@dataclass(frozen=True, slots=True)
class Part:
    """A payload, and what it is of a message: a repeat of it has the same name."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A change on its way to an endpoint; *said*: in the words of its dialect."""

    position: int
    kind: str
    entity_id: UUID
    version: int
    what: str
    made_at: datetime
    is_replay: bool = False
    delivery_id: UUID | None = None
    attempts: int = 0
    said: tuple[Part, ...] | None = None

    @property
    def id(self) -> str:
        """What a receiver knows a repeat by: the same however often it is sent."""
        return f"chg_{self.position}"

    @property
    def parts(self) -> tuple[Part, ...]:
        """The payloads, one after the other; in the hub's own words it is one."""
        return (Part("", self.body),) if self.said is None else self.said

    @property
    def body(self) -> bytes:
        """The payload: type, time, and the change as ``/v1/changes`` tells it."""
        return msgspec.json.encode(
            {
                "type": f"{self.kind}.{self.what}",
                "timestamp": self.made_at,
                "data": {
                    "position": self.position,
                    "kind": self.kind,
                    "id": self.entity_id,
                    "version": self.version,
                    "what": self.what,
                },
            }
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: HTTP status, or an error; neither if not sent."""

    status: int | None = None
    error: str | None = None
    took_ms: int | None = None
    retry_after_s: int | None = None

    @property
    def is_sent(self) -> bool:
        return self.status is not None or self.error is not None

    @property
    def is_void(self) -> bool:
        return self.error == NOTHING_LEFT

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004


def secret_of(endpoint_id: UUID, generation: int, hub_secret: str) -> str:
    """Return an endpoint's secret: made from the hub's, so that none is stored."""
    said = PURPOSE + endpoint_id.bytes + generation.to_bytes(4, "big")
    made = hmac.new(hub_secret.encode(), said, hashlib.sha256).digest()
    return SECRET_PREFIX + base64.b64encode(made).decode()


def headers(
    message_id: str, sent_at: int, body: bytes, secrets: list[str]
) -> dict[str, str]:
    """Return the headers of a message, signed with each secret that is valid."""
    signed = f"{message_id}.{sent_at}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": " ".join(f"v1,{_mac(signed, one)}" for one in secrets),
        "content-type": "application/json",
        "user-agent": "ticket-hub",
    }


def _mac(signed: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def pause_after(failures: int, retry_after_s: int | None = None) -> timedelta:
    """Return how long to wait after so many failures, or as the receiver says."""
    own = BACKOFF_S[min(failures, len(BACKOFF_S)) - 1]
    return timedelta(seconds=max(own, min(retry_after_s or 0, BACKOFF_S[-1])))


def is_given_up(attempts: int) -> bool:
    """Say whether a message was tried for the last time."""
    return attempts > len(BACKOFF_S)


def refuse_address(url: str, *, allows_private: bool) -> None:
    """Raise EndpointRefusedError for a URL the hub would not send to."""
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("ascii")
        (parts.hostname or "").encode("idna")
        (parts.path + parts.query).encode("ascii")
    except ValueError:
        reason = "not an address: in ASCII, a name as DNS has it, a port"
        raise EndpointRefusedError(reason=reason) from None
    if parts.scheme not in ({"https", "http"} if allows_private else {"https"}):
        raise EndpointRefusedError(reason="only https")
    if not parts.hostname or parts.username or parts.password or parts.fragment:
        reason = "a host and a path: no user, no fragment"
        raise EndpointRefusedError(reason=reason)
    if port == 0:
        raise EndpointRefusedError(reason="not a port")
    try:
        address = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return  # a name: looked up, and looked at, each time it is sent to
    if not (allows_private or is_public(str(address))):
        raise EndpointRefusedError(reason="not a public address")


def is_public(address: str) -> bool:
    """Say whether an IP address is public: not private, not link-local."""
    found: ipaddress.IPv4Address | ipaddress.IPv6Address
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour
        if found in NAT64:
            inside = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        found = inside or found
    return found.is_global and not found.is_multicast
