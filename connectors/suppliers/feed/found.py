"""What a file holds, once it is read: records of every kind, by what they are."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from connectors.feed.records import (
    AnyRecord,
    AuditoriumRecord,
    PerformanceRecord,
    ProductionRecord,
    VenueRecord,
)
from connectors.suppliers.settings import Place

Json = Any


class FilesSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How files are read. Formats without prices or places need the defaults.

    *capacity*: of what is not counted there; *face_minor*: of what has no price.
    """

    format: str
    place: Place | None = None
    genre: str = "general"
    capacity: int = 0
    face_minor: int | None = None


class FilesCredentials(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is sent along, if anything: a bearer key."""

    bearer: str = ""


@dataclass(slots=True)
class Found:
    """The records of a file; *skipped*: what in it could not be one, and why."""

    venues: dict[str, VenueRecord] = field(default_factory=dict)
    rooms: dict[str, AuditoriumRecord] = field(default_factory=dict)
    productions: dict[str, ProductionRecord] = field(default_factory=dict)
    performances: dict[str, PerformanceRecord] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def add(self, records: Iterable[AnyRecord]) -> None:
        """Add records; of two of one reference the later counts."""
        for record in records:
            match record:
                case VenueRecord():
                    self.venues[record.ref] = record
                case AuditoriumRecord():
                    self.rooms[record.ref] = record
                case ProductionRecord():
                    self.productions[record.ref] = record
                case PerformanceRecord():
                    self.performances[record.ref] = record
