"""Inventory in, over HTTP: what is pushed, and who is asked."""

from connectors.api import deliveries, sources
from connectors.api import hints as hinting
from connectors.api.blueprint import blp, hints

__all__ = ["blp", "deliveries", "hinting", "hints", "sources"]
