"""What has changed of a booking since it was last told."""

from collections.abc import Mapping
from typing import Any

from hub.dialects.octo.rules import ON_HOLD

WHAT = (
    *("status", "utcExpiresAt", "utcConfirmedAt", "utcRedeemedAt", "cancellation"),
    *("productId", "optionId", "availabilityId", "resellerReference", "cancellable"),
)
OF_ITEMS = ("status", "utcRedeemedAt", "supplierReference")
Values = dict[str, Any]
"""Values of a booking by their paths; of people nothing."""


def values(booking: Mapping[str, Any]) -> Values:
    """Return what a difference is told of."""
    found = {f"/{name}": booking[name] for name in WHAT}
    for no, item in enumerate(booking["unitItems"]):
        found |= {f"/unitItems/{no}/{name}": item[name] for name in OF_ITEMS}
    return found


def as_held(now: Values) -> Values:
    """Return how a booking was when it was made, if nothing of it was ever told."""
    of_items = {"status": ON_HOLD}
    first = {"/status": ON_HOLD, "/utcConfirmedAt": None, "/cancellation": None}
    for path in now:
        if path.startswith("/unitItems/"):
            first[path] = of_items.get(path.rpartition("/")[2])
    return {**now, **first}


def difference(before: Values, now: Values) -> list[dict[str, Any]]:
    """Return the difference, as OCTO writes it: operations with what was."""
    return [
        {"op": _op(path, before, now), "path": path}
        | {"was": before.get(path), "value": now.get(path)}
        for path in {**before, **now}
        if before.get(path) != now.get(path)
    ]


def _op(path: str, before: Values, now: Values) -> str:
    if path not in before:
        return "add"
    return "replace" if path in now else "remove"
