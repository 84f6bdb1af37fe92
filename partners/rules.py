"""Pure rules of partners: keys and their hashes, scopes."""

import hmac
import secrets
from zoneinfo import ZoneInfo

from hub.kernel.zones import zones
from partners.errors import UnknownZoneError

KEY_PREFIX = "hub_"
HINT_LENGTH = 10
SCOPES = frozenset({"read", "write"})


def new_key() -> str:
    """Return a new API key: 256 random bits; it is shown once and never stored."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def key_hash(key: str, secret: str) -> bytes:
    """Return the keyed hash (HMAC-SHA256) under which a key is stored."""
    said = key.encode(errors="replace")
    return hmac.digest(secret.encode(), said, "sha256")


def zone(name: str) -> ZoneInfo:
    """Return an IANA zone; UnknownZoneError if there is none of that name."""
    if name not in zones():
        raise UnknownZoneError(zone=name)
    return ZoneInfo(name)
