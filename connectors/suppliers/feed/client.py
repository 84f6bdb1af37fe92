"""Files by HTTP as a supplier: fetched with their ETag, read whole, sold by the hub."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar
from urllib.parse import urljoin, urlsplit

import msgspec

from connectors.errors import NoAnswerError, SaidNoError
from connectors.feed import bodies
from connectors.feed.records import (
    AuditoriumRecord,
    VenueRecord,
    decoder,
)
from connectors.ports import (
    Answer,
    Available,
    Begun,
    Capabilities,
    Locked,
    OrderWanted,
    Read,
    Rooms,
    Schedule,
    Sold,
    TicketSold,
    Told,
)
from connectors.suppliers.feed import google, schema_org, showtimes
from connectors.suppliers.feed.found import (
    FilesCredentials,
    FilesSettings,
    Found,
    Json,
)
from connectors.suppliers.settings import Said, read
from connectors.suppliers.soap import Wire

WHOLE, UNCHANGED = 200, 304
OWN = {"ndjson": bodies.lines, "csv": bodies.csv_lines}
FORMATS: Mapping[str, Callable[[Json, FilesSettings], Found]] = {
    "showtimes": showtimes.read,
    "schema-org": schema_org.read_schema_org,
    "google-events": google.read_google,
}


class FilesPort:
    """A file at an address. The hub is the master of what it tells."""

    settings_type: ClassVar[type[FilesSettings]] = FilesSettings
    credentials_type: ClassVar[type[FilesCredentials]] = FilesCredentials
    capabilities: ClassVar[Capabilities] = Capabilities(
        sells=False, availability=Told.NOTHING, incremental=True, by_venue=False
    )

    def __init__(self, url: str, settings: Said, credentials: Said, wire: Wire) -> None:
        self._url, self._wire = url, wire
        self._settings = read(FilesSettings, settings)
        if self._settings.format not in {*OWN, *FORMATS}:
            message = f"format is one of {', '.join([*OWN, *FORMATS])}"
            raise ValueError(message)
        bearer = read(FilesCredentials, credentials).bearer
        self._headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        self._found = Found()

    def begin(self, mark: str | None) -> Begun:
        """Fetch the file, unless it is the one whose ETag (*mark*) is known."""
        url = self._url
        if self._settings.format == "google-events":
            url = self._followed(url)
        body, etag = self._fetch(url, mark)
        if body is None:
            return Begun(mark, is_unchanged=True)
        self._found = self._parsed(body)
        return Begun(etag)

    def _fetch(self, url: str, mark: str | None) -> tuple[bytes | None, str | None]:
        headers = self._headers | ({"If-None-Match": mark} if mark else {})
        reply, body = self._wire.fetch("GET", url, headers=headers)
        if reply.status_code == UNCHANGED and mark:
            return None, mark
        if reply.status_code in {401, 403}:
            raise SaidNoError("not-allowed", f"{reply.status_code}", is_permanent=True)
        if reply.status_code != WHOLE:
            raise NoAnswerError(f"{reply.status_code} {reply.reason}")
        is_chunked = "chunked" in reply.headers.get("Transfer-Encoding", "")
        declared = reply.headers.get("Content-Length")
        if declared is None and not is_chunked:
            raise NoAnswerError("a body that does not say where it ends")
        encoded = reply.headers.get("Content-Encoding")
        if declared and not encoded and len(body) != int(declared):
            raise NoAnswerError(f"{len(body)} bytes of {declared}")
        return body, reply.headers.get("ETag")

    def _followed(self, url: str) -> str:
        """Return where the data is that a descriptor names, or the file itself."""
        body, _ = self._fetch(url, None)
        said = self._json(body or b"")
        if isinstance(said, dict) and "data_file" in said:
            names = said["data_file"]
            every = [names] if isinstance(names, str) else list(names)
            if len(every) != 1:
                raise NoAnswerError(f"{len(every)} data files: only one can be read")
            found = urljoin(url, str(every[0]))
            if urlsplit(found)[:2] != urlsplit(url)[:2]:
                raise NoAnswerError("a data file of another host is not fetched")
            return found
        return url

    def _parsed(self, body: bytes) -> Found:
        lines = OWN.get(self._settings.format)
        if lines is None:
            return FORMATS[self._settings.format](self._json(body), self._settings)
        found = Found()
        for line in lines([body]):
            try:
                found.add([decoder.decode(line.json)])
            except ValueError as error:
                found.skipped.append(f"line {line.no}: {error}")
        return found

    @staticmethod
    def _json(body: bytes) -> Json:
        try:
            return msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            raise NoAnswerError(f"not whole JSON: {error}"[:200]) from error

    def venues(self) -> Sequence[VenueRecord]:
        """List the venues of the file."""
        return list(self._found.venues.values())

    def auditorium(
        self,
        venue: VenueRecord,  # noqa: ARG002 - the port's
        ref: str,
        performance: str,  # noqa: ARG002 - the port's
    ) -> AuditoriumRecord:
        """Tell a room of the file; KeyError for one that is not in it."""
        return self._found.rooms[ref]

    def schedule(
        self,
        venue: VenueRecord | None,  # noqa: ARG002 - the file is of all venues
        rooms: Rooms,  # noqa: ARG002 - it tells its own
        read: Read,  # noqa: ARG002 - the whole file is new or is not
    ) -> Schedule:
        """Tell all that is in the file; what could not be read makes it incomplete."""
        found, self._found = self._found, Found()  # a file may be large
        if not found.performances:
            found.skipped.append("it names no performance")
        return Schedule(
            list(found.productions.values()),
            list(found.performances.values()),
            is_complete=not found.skipped,
            count=len(found.performances),
            rooms=list(found.rooms.values()),
            skipped=tuple(found.skipped),
        )

    def availability(self, performance: str) -> Available:
        """Refuse: a file does not know."""
        raise _not_sold(performance)

    def lock(self, wanted: OrderWanted) -> Locked:
        """Refuse: the hub sells it."""
        raise _not_sold(wanted)

    def extend(self, wanted: OrderWanted) -> datetime | None:
        """Refuse: the hub sells it."""
        raise _not_sold(wanted)

    def release(self, wanted: OrderWanted) -> None:
        """Refuse: the hub sells it."""
        raise _not_sold(wanted)

    def sell(self, wanted: OrderWanted) -> Sold:
        """Refuse: the hub sells it."""
        raise _not_sold(wanted)

    def ask(self, wanted: OrderWanted) -> Answer:
        """Refuse: the hub sells it."""
        raise _not_sold(wanted)

    def cancel(self, wanted: OrderWanted, tickets: Sequence[TicketSold]) -> None:
        """Refuse: the hub sells it."""
        raise _not_sold(wanted, tickets)


def _not_sold(*_what: object) -> SaidNoError:
    return SaidNoError("not-allowed", "a file sells nothing")
