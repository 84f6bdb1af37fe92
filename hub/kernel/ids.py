"""Identifiers: UUIDv7, made in Python, so nobody asks the database for a key."""

import os
import time
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_RANDOM_A = 0xFFF << 64
_RANDOM_B = (1 << 62) - 1


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits."""
    random = int.from_bytes(os.urandom(10))
    value = (time.time_ns() // 1_000_000) << 80
    return UUID(
        int=value | _VERSION | (random & _RANDOM_A) | _VARIANT | random & _RANDOM_B
    )


def first_id_at(unix_ms: int) -> UUID:
    """Return the smallest id of that millisecond: the bound of a partition."""
    return UUID(int=unix_ms << 80)
