"""The chained hash over a book's entries. Pure."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

FIRST = bytes(32)


def seal(previous: bytes, entries: Iterable[dict[str, Any]]) -> tuple[bytes, int]:
    """Return SHA-256 over the previous block's hash and each entry, and their number.

    Entries are written canonically: sorted keys, no spaces, times in UTC.
    """
    chain = hashlib.sha256(previous)
    count = 0
    for entry in entries:
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), default=_plain)
        chain.update(text.encode() + b"\n")
        count += 1
    return chain.digest(), count


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)
