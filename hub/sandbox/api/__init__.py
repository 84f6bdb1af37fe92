"""Sandboxes over HTTP, and how requests in them are watched."""

from hub.sandbox.api.resources import blp
from hub.sandbox.api.watching import WATCHED, Watched, watch

__all__ = ["WATCHED", "Watched", "blp", "watch"]
