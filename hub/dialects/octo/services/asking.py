"""Who asks over OCTO, in which languages, with which capabilities."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.dialects.octo.errors import bad_request
from hub.dialects.octo.rules import CAPABILITIES
from hub.kernel.callers import Caller
from hub.kernel.clock import LIVE

ENVIRONMENTS = ("live", "test")


@dataclass(frozen=True, slots=True)
class Asking:
    """A request's caller, languages (the best first) and capabilities."""

    who: Caller
    languages: tuple[str, ...]
    capabilities: tuple[str, ...]

    @property
    def is_test(self) -> bool:
        """Whether what is sold is sold in a sandbox."""
        return self.who.world != LIVE

    def has(self, capability: str) -> bool:
        """Whether a capability was asked for."""
        return capability in self.capabilities

    @property
    def key(self) -> tuple[Any, ...]:
        """What an answer for all agents of a world depends on."""
        return (self.who.world, self.languages, self.capabilities)


def asking(who: Caller, languages: Sequence[str], headers: Mapping[str, str]) -> Asking:
    """Read who asks and how; refuses a key of the other environment than is said."""
    wanted = _listed(headers.get("Octo-Capabilities", ""))
    known = tuple(one for one in CAPABILITIES if one in wanted)
    found = Asking(who, tuple(languages), known)
    environment = headers.get("Octo-Env")
    if environment is not None:
        if environment not in ENVIRONMENTS:
            raise bad_request("Octo-Env is live or test")
        if (environment == "test") != found.is_test:
            message = f"This key is not for Octo-Env: {environment}"
            raise bad_request(message)
    return found


def _listed(said: str) -> Collection[str]:
    return {one.strip() for one in said.split(",")}
