"""The sale over HTTP: what agents see, holds, orders, and who steps in."""

from hub.sales.api import (
    cases,
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
    "cases",
    "catalogue",
    "disruptions",
    "explaining",
    "holds",
    "orders",
    "performances",
    "steering",
]
