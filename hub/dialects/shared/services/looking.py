"""What an agent may take, as the hub's own API tells it, and on which days."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from hub.dialects.shared.queries import Sale
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


def own_span(sale: Sale) -> tuple[date, date]:
    """Return the days a performance may be visited on, on the clocks of its venue."""
    zone = ZoneInfo(sale.zone)
    ends = sale.ends_at or sale.starts_at
    return sale.starts_at.astimezone(zone).date(), ends.astimezone(zone).date()


def area_of(told: Mapping[str, Any] | None, area: str) -> Mapping[str, Any] | None:
    """Return what is told of an area, if it is."""
    areas = () if told is None else told["areas"]
    return next((one for one in areas if one["area"] == area), None)
