"""What suppliers' ports share that cannot do a thing."""

from datetime import datetime

from connectors.errors import SaidNoError
from connectors.ports import Begun, OrderWanted


class Quiet:
    """A supplier that is read anew each time; digests find what is the same."""

    def begin(self, mark: str | None) -> Begun:  # noqa: ARG002 - it tells no news
        """Begin; nothing is known of what is new."""
        return Begun()


class Lapsing:
    """A supplier whose locks have their time, and no more."""

    def extend(self, wanted: OrderWanted) -> datetime | None:  # noqa: ARG002 - it cannot
        """Refuse: it cannot extend a lock."""
        raise SaidNoError("not-allowed", "it extends no lock")
