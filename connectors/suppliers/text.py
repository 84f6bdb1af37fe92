"""Small readings that suppliers' texts share."""

import hashlib
import re
from decimal import Decimal

from hub.kernel.money import exponent

_REF = re.compile(r"[\x21-\x7E]{1,128}")
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


def ref_of(said: object) -> str:
    """Return a reference: as it is told, or a hash of it where it cannot be one."""
    text = str(said)
    if _REF.fullmatch(text):
        return text
    return "h-" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def plain(said: str) -> str:
    """Return a name as a price type: lower case, dashes, at most 32 characters."""
    text = _NOT_PLAIN.sub("-", said.lower()).strip("-")[:32].rstrip("-")
    return text if text[:1].isalpha() else "standard"


def minor(amount: Decimal, currency: str) -> int:
    """Return an amount in minor units; ValueError if it has a part of one."""
    found = amount.scaleb(exponent(currency))
    if found != found.to_integral_value() or found < 0:
        message = f"{amount} {currency} is not a price"
        raise ValueError(message)
    return int(found)
