"""JSON over HTTP as suppliers speak it: bounded, and never guessing what was done."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from connectors.errors import NoAnswerError, SaidNoError
from connectors.suppliers.soap import Wire

JSON_TYPES = ("application/json", "application/problem+json")
NOTHING_SAID = 204
REFUSED_WHO = {401, 403}
REFUSED = range(400, 500)
LATER = {408, 425, 429}  # refused as it is, but not for what was asked


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the status, and the JSON it holds."""

    status: int
    said: Any

    @property
    def is_good(self) -> bool:
        """Whether it was done."""
        return self.status < REFUSED.start


class Rest:
    """A supplier's JSON interface at an address.

    *heard*: statuses that say "later" elsewhere, and here what was refused.
    """

    def __init__(
        self,
        base: str,
        wire: Wire,
        headers: Mapping[str, str],
        *,
        heard: Collection[int] = (),
    ) -> None:
        self._base, self._wire, self._heard = base.rstrip("/"), wire, frozenset(heard)
        self._headers = {"Accept": "application/json", **headers}

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        named: Mapping[str, str] | None = None,
    ) -> Reply:
        """Ask, and return a reply that is whole JSON: good, or refused with 4xx.

        *named* are more headers. A good reply of 204 says nothing.

        Anything else is NoAnswerError, for a server may have done the work before it
        failed; 401 and 403 are a permanent SaidNoError.
        """
        more: dict[str, Any] = {"headers": self._headers | dict(named or {})}
        if body is not None:
            more["data"] = msgspec.json.encode(body)
            more["headers"]["Content-Type"] = "application/json"
        found, data = self._wire.fetch(method, self._base + path, **more)
        status = found.status_code
        if status == NOTHING_SAID and not data:
            return Reply(status, None)
        if status in REFUSED_WHO:
            raise SaidNoError("not-allowed", f"{status}", is_permanent=True)
        kind = found.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        is_refused = status in REFUSED and status not in LATER - self._heard
        if not (found.ok or is_refused) or kind not in JSON_TYPES:
            raise NoAnswerError(f"{status} with {kind or 'no type'}")
        try:
            return Reply(status, msgspec.json.decode(data.decode()))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NoAnswerError(f"not whole JSON: {error}"[:200]) from error
