"""Keyset pages: opaque cursors, no offsets, no totals."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from hub.kernel.errors import InvalidRequestError

T = TypeVar("T")
CURSOR_LENGTH_MAX = 300


def cursor(*key: object) -> str:
    """Pack the sort key of the last row of a page."""
    packed = json.dumps([str(part) for part in key]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def key_of(text: str | None, *, length: int) -> list[str] | None:
    """Unpack a cursor into its parts; InvalidRequestError if it is not ours."""
    if text is None:
        return None
    try:
        text = text[:CURSOR_LENGTH_MAX]
        key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise InvalidRequestError(field="after", reason="not a cursor") from None
    if not isinstance(key, list) or [type(part) for part in key] != [str] * length:
        raise InvalidRequestError(field="after", reason="not a cursor of this list")
    return key


def page(
    rows: Sequence[T], limit: int, key: Callable[[T], Sequence[object]]
) -> dict[str, Any]:
    """Make a page of *limit* items from *limit* + 1 rows, with the next's cursor."""
    items = list(rows[:limit])
    more = len(rows) > limit
    return {"items": items, "next": cursor(*key(items[-1])) if more else None}


def id_after(text: str | None) -> UUID | None:
    """Unpack a cursor that is one id; InvalidRequestError if it is not ours."""
    key = key_of(text, length=1)
    try:
        return UUID(key[0]) if key else None
    except ValueError:
        raise InvalidRequestError(field="after", reason="not a cursor") from None
