"""Inventory in, over HTTP: what is pushed, and who is asked."""

from connectors.api import deliveries, sources
from connectors.api.blueprint import blp

__all__ = ["blp", "deliveries", "sources"]
