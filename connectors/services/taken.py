"""A record that is news, on its way into the catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from connectors.feed.records import AnyRecord


@dataclass(frozen=True, slots=True)
class Taken:
    """Its line, the record, the hash of its content, and what it replaces."""

    line: int
    record: Any
    digest: bytes
    old_id: UUID | None

    def __iter__(self) -> Iterator[int | AnyRecord]:
        """Unpack as (line, record), which is what a refusal needs."""
        yield self.line
        yield self.record
