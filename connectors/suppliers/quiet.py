"""What suppliers share that have no way to say that nothing is new."""

from connectors.ports import Begun


class Quiet:
    """A supplier that is read anew each time; digests find what is the same."""

    def begin(self, mark: str | None) -> Begun:  # noqa: ARG002 - it tells no news
        """Begin; nothing is known of what is new."""
        return Begun()
