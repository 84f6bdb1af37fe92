"""What an agent may take of a performance, as the hub's own API tells it."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from hub.kernel.callers import Caller
from hub.kernel.errors import NotFoundError
from hub.sales.api.performances import available

_DECODER = msgspec.json.Decoder(dict[str, Any])


def look_for(who: Caller) -> Callable[[UUID], Mapping[str, Any] | None]:
    """Return how an agent looks at a performance; None: it may not know of it."""

    def look(performance_id: UUID) -> Mapping[str, Any] | None:
        try:
            return _DECODER.decode(available(who, performance_id, None))
        except NotFoundError:
            return None

    return look
