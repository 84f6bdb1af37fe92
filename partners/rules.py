"""Pure rules of partners: keys and their hashes, scopes, tax ids."""

import hmac
import re
import secrets
from zoneinfo import ZoneInfo

from stdnum import get_cc_module

from hub.kernel.countries import countries
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


# A country's two letters come first, then what it gives out.
_VAT_ID = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,18}")
_OTHERWISE = {"EL": "GR", "XI": "GB"}  # Greece, Northern Ireland
_SPACED = re.compile(r"[\s.-]+")


def vat_id(said: str) -> str:
    """Return a VAT identifier as documents have it; WrongTaxIdError if it is none.

    Its check digits are looked at where python-stdnum knows the country's.
    """
    found = _SPACED.sub("", said).upper()
    if not _VAT_ID.fullmatch(found):
        raise WrongTaxIdError(vat_id=said)
    country = _OTHERWISE.get(found[:2], found[:2])
    if country not in countries():
        raise WrongTaxIdError(vat_id=said, reason=f"{found[:2]} is no country")
    known = get_cc_module(country.lower(), "vat")
    if known is not None and not (known.is_valid(found) or known.is_valid(found[2:])):
        raise WrongTaxIdError(vat_id=said, reason="its check digits are wrong")
    return found
