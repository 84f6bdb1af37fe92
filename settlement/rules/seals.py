"""The chained hash over a book's entries. Pure."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

FIRST = bytes(32)


def seal(previous: bytes, entries: Iterable[dict[str, Any]]) -> bytes:
    """Return SHA-256 over the previous block's hash and each entry, canonically."""
    chain = hashlib.sha256(previous)
    for entry in entries:
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), default=str)
        chain.update(text.encode() + b"\n")
    return chain.digest()
