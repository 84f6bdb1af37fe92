"""The commands of connectors."""

from connectors.cli.feed import feed
from connectors.cli.sources import simulate, sources

__all__ = ["feed", "simulate", "sources"]
