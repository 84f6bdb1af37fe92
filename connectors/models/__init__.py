"""Tables of connectors."""

from connectors.models.feeds import (
    Delivery,
    DeliveryPart,
    DeliveryRef,
    DeliveryRefusal,
    Feed,
)
from connectors.models.sources import (
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
    "Source",
    "SourceMeasured",
    "SourceSync",
    "SourceVenue",
    "Supply",
]
