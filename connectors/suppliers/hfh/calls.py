"""Calls of an HFH: a signed form; the reply is XML, escaped, in one element of XML.

The signature (``checkValue``) is the MD5 of the form as it is sent, in its order. MD5
is theirs, not our choice; golden vectors test it.
"""

import hashlib
import secrets
from collections.abc import Iterable
from urllib.parse import urlencode

from lxml import etree

from connectors.errors import NoAnswerError
from connectors.suppliers import xml
from connectors.suppliers.hfh.words import HfhCredentials, refuse_unless_done
from connectors.suppliers.soap import XML_TYPES, Wire

KEY_DIGITS = 8
OK = 200


def signed(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a form with its signature at the end."""
    form = urlencode(list(pairs))
    digest = hashlib.md5(form.encode(), usedforsecurity=False).hexdigest()
    return f"{form}&checkValue={digest}"


class Calls:
    """An HFH at an address, asked in our name."""

    def __init__(self, base: str, own: HfhCredentials, wire: Wire) -> None:
        self._base, self._own, self._wire = base.rstrip("/"), own, wire

    def ask(self, operation: str, **named: str) -> etree._Element:
        """Ask, and return what a reply holds that says it was done."""
        key = str(secrets.randbelow(10**KEY_DIGITS)).zfill(KEY_DIGITS)
        who = [("userId", self._own.user), ("userPass", self._own.password)]
        form = signed([*who, ("randKey", key), *named.items()])
        reply, body = self._wire.fetch(
            "POST",
            f"{self._base}/{operation}",
            data=form,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        kind = reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if reply.status_code != OK or kind not in XML_TYPES:
            raise NoAnswerError(f"{reply.status_code} with {kind or 'no type'}")
        inner = xml.parse(body).text
        if not inner:
            raise NoAnswerError("an empty reply")
        root = xml.parse(inner)
        refuse_unless_done(root.get("result"), root.get("message", ""))
        return root
