"""Tickets over HTTP."""

from hub.tickets.api import doors, shipping, showing
from hub.tickets.api.blueprint import blp, links

__all__ = ["blp", "doors", "links", "shipping", "showing"]
