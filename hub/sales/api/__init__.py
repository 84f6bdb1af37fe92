"""The sale over HTTP: what agents see, holds, orders, and who steps in."""

from hub.sales.api import catalogue, explaining, holds, orders, performances, steering
from hub.sales.api.blueprint import blp

__all__ = [
    "blp",
    "catalogue",
    "explaining",
    "holds",
    "orders",
    "performances",
    "steering",
]
