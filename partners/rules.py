"""Pure rules of partners: keys and their hashes, scopes, tax ids."""

import hmac
import re
import secrets
from zoneinfo import ZoneInfo

from stdnum import get_cc_module
from stdnum.exceptions import ValidationError

from hub.kernel.zones import zones
from partners.errors import UnknownZoneError, WrongTaxIdError

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


# A country's two letters come first (Greece: EL), then what it gives out.
_VAT_ID = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,18}")
_SPACED = re.compile(r"[\s.-]+")


def vat_id(said: str) -> str:
    """Return a VAT identifier as documents have it; WrongTaxIdError if it is none.

    Its check digits are looked at where python-stdnum knows the country's.
    """
    found = _SPACED.sub("", said).upper()
    if not _VAT_ID.fullmatch(found):
        raise WrongTaxIdError(vat_id=said)
    country = "gr" if found.startswith("EL") else found[:2].lower()
    known = get_cc_module(country, "vat")
    if known is not None:
        try:
            known.validate(found)
        except ValidationError as error:
            raise WrongTaxIdError(vat_id=said, reason=str(error)) from None
    return found
