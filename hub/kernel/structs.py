"""What msgspec knows of our Structs, built before there are threads.

It builds that at the first use of each, and two threads that are first at one moment
crash the process (seen with 0.22, and with Structs that hold Structs).
"""

from collections.abc import Iterable, Iterator

import msgspec

PACKAGES = ("hub", "allocation", "connectors", "partners", "settlement")


def prepare(packages: Iterable[str] = PACKAGES) -> int:
    """Build it for every Struct of these packages that is imported; return how many."""
    own = set(packages)
    found = [s for s in _all_of(msgspec.Struct) if s.__module__.split(".")[0] in own]
    for struct in found:
        msgspec.json.Decoder(struct)
    return len(found)


def _all_of(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for below in struct.__subclasses__():
        yield below
        yield from _all_of(below)
