"""The sale over HTTP: what agents see, holds, orders, and who steps in."""

from hub.sales.api import (
    catalogue,
    disruptions,
    explaining,
    holds,
    orders,
    performances,
    steering,
)
from hub.sales.api.blueprint import blp

__all__ = [
    "blp",
    "catalogue",
    "disruptions",
    "explaining",
    "holds",
    "orders",
    "performances",
    "steering",
]
