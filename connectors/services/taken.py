"""A record on its way into the catalogue."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Taken:
    """Its line, the record, the hash of its content, and what it replaces."""

    line: int
    record: Any
    delivery_id: UUID
    digest: bytes = b""
    old_id: UUID | None = None
