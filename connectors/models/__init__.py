"""Tables of connectors."""

from connectors.models.feeds import (
    Delivery,
    DeliveryPart,
    DeliveryRef,
    DeliveryRefusal,
    Feed,
)
from connectors.models.sources import (
    RehearsalOrder,
    Source,
    SourceMeasured,
    SourceSync,
    SourceVenue,
    Supply,
)

__all__ = [
    "Delivery",
    "DeliveryPart",
    "DeliveryRef",
    "DeliveryRefusal",
    "Feed",
    "RehearsalOrder",
    "Source",
    "SourceMeasured",
    "SourceSync",
    "SourceVenue",
    "Supply",
]
