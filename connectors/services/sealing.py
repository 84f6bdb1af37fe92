"""Credentials sealed at rest: Fernet, by keys from the environment, first one seals."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from connectors.errors import CredentialsKeyError
from connectors.models import Source

_HEADERS = text(
    "SELECT id, wants->>'headers' AS headers FROM webhook_endpoint"
    " WHERE wants->>'headers' IS NOT NULL ORDER BY id FOR UPDATE"
)
_SEAL_HEADERS = text(
    "UPDATE webhook_endpoint SET wants = wants"
    " || jsonb_build_object('headers', CAST(:headers AS text)) WHERE id = :id"
)


class Sealer:
    """Seals with the first of its keys, opens with any: so a key can be replaced."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = MultiFernet([Fernet(key) for key in keys]) if keys else None

    def seal(self, credentials: Mapping[str, Any]) -> bytes:
        """Seal credentials; CredentialsKeyError without a key."""
        return self._own().encrypt(msgspec.json.encode(dict(credentials)))

    def open(self, sealed: bytes) -> dict[str, Any]:
        """Open credentials; CredentialsKeyError if no key opens them."""
        try:
            found: dict[str, Any] = msgspec.json.decode(self._own().decrypt(sealed))
        except InvalidToken:
            raise CredentialsKeyError(reason="sealed with another key") from None
        return found

    def again(self, sealed: bytes) -> bytes:
        """Seal anew with the first key; CredentialsKeyError if no key opens it."""
        try:
            return self._own().rotate(sealed)
        except InvalidToken:
            raise CredentialsKeyError(reason="sealed with another key") from None

    def _own(self) -> MultiFernet:
        if self._keys is None:
            raise CredentialsKeyError(set="HUB_CREDENTIALS_KEYS")
        return self._keys


def rekey(session: Session, sealer: Sealer) -> int:
    """Seal all that is sealed with the first key; return of how many sources.

    Beside credentials these are what agents want sent along with their webhooks.
    """
    sources = session.scalars(select(Source).order_by(Source.id).with_for_update())
    count = 0
    for source in sources:
        source.credentials = sealer.again(source.credentials)
        count += 1
    for row in session.execute(_HEADERS):
        said = {"id": row.id, "headers": sealer.again(row.headers.encode()).decode()}
        session.execute(_SEAL_HEADERS, said)
    return count
