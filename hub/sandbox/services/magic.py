"""Words in a buyer's address that make a request go wrong."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from connectors.suppliers.rehearsal.words import BEHAVIOURS
from hub.kernel.errors import HubError, Retry, every_refusal
from hub.sandbox.rules import LOST, SLOW, SLOW_S
from hub.sandbox.services.season import SHOWS

RETRY_AFTER_S = 1
PASSING = {Retry.LATER, Retry.SAME_KEY}
"""What is refused so is refused once: whoever comes again is not."""


@cache
def refusals() -> Mapping[str, type[HubError]]:
    """Return every refusal of the hub by its code."""
    found = {kind.code: kind for kind in every_refusal()}
    return dict(sorted(found.items()))


def refusal(word: str) -> HubError | None:
    """Return the refusal of a code; None if it is none."""
    kind = refusals().get(word)
    if kind is None or word == LOST:
        return None
    error = kind.__new__(kind)
    HubError.__init__(error, rehearsed=True)  # whatever facts it is else made of
    if kind.retry in PASSING:
        error.retry_after_s = error.retry_after_s or RETRY_AFTER_S
    return error


def buyers() -> list[dict[str, str]]:
    """Return what may be said before the address's @, and what it does."""
    own = {
        LOST: "It is carried out, and the answer is lost; sent again it is answered",
        SLOW: f"The answer takes {SLOW_S:.0f} s",
    }
    codes = {code: kind.title for code, kind in refusals().items() if code != LOST}
    return [{"word": word, "what": what} for word, what in {**own, **codes}.items()]


def productions(rows: Any) -> list[dict[str, Any]]:
    """Return what the season's productions do, with their performances."""
    by_ref: dict[str, list[Any]] = {}
    for row in rows:
        by_ref.setdefault(row.ref, []).append(row.id)
    return [
        {"ref": one.ref, "what": one.what, "performances": by_ref.get(one.ref, [])}
        for one in SHOWS
    ]


def areas_and_rows() -> list[dict[str, str]]:
    """Return what the areas and rows of what is sold by its supplier's word do."""
    return [{"word": word, "what": what} for word, what in BEHAVIOURS.items()]
