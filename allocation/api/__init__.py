"""Operators' and suppliers' resources: plans, what is moved by hand, stops, blocks."""

from allocation.api import moves, plans
from allocation.api.blueprint import blp

__all__ = ["blp", "moves", "plans"]
