"""Calls of an OTSAPI: a signed document asks, a signed document answers."""

import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from lxml import etree

from connectors.errors import NotReachedError
from connectors.suppliers.otsapi import words
from connectors.suppliers.otsapi.signing import checked, signed
from connectors.suppliers.otsapi.words import OtsapiCredentials
from connectors.suppliers.soap import Soap

VERSION = "1.0"


class Calls:
    """What is asked of one OTSAPI, in our name and signed by our key.

    ValueError for a key or certificate that is none.
    """

    def __init__(self, own: OtsapiCredentials, soap: Soap, zone: str) -> None:
        self._own, self._soap, self._zone = own, soap, ZoneInfo(zone)
        key = load_pem_private_key(own.key.encode(), password=None)
        if not isinstance(key, RSAPrivateKey):
            message = "OTSAPI signs with RSA"
            raise ValueError(message)  # noqa: TRY004 - a setting that cannot be used
        self._key = key
        self._certificate = load_pem_x509_certificate(own.certificate.encode())

    def ask(
        self, operation: str, cinema: str, *more: etree._Element, **named: str
    ) -> etree._Element:
        """Ask by attributes and elements; return what a signed reply says is done.

        NotReachedError where no reply could be believed: its certificate has ended.
        """
        now = datetime.now(self._zone)  # noqa: TID251 - the message is of this moment
        if now > self._certificate.not_valid_after_utc:
            raise NotReachedError("its certificate has ended")
        part = etree.Element(
            operation, {"CinemaCode": cinema, **named, "Id": f"ID_{operation}"}
        )
        part.extend(more)
        password = hashlib.md5(self._own.password.encode(), usedforsecurity=False)
        query = etree.Element(
            "OnlineTicketingServiceQuery",
            {
                "Version": VERSION,
                "Datetime": now.strftime("%Y-%m-%dT%H:%M:%S"),
                "Username": self._own.user,
                "Password": password.hexdigest(),
            },
        )
        query.append(part)
        said = self._soap.call("query", msg=signed(query, f"ID_{operation}", self._key))
        reply = checked(str(said or ""), f"{operation}Reply", self._certificate)
        words.refuse_unless_done(reply)
        return reply
