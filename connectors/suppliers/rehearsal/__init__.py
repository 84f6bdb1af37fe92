"""A supplier of sandboxes: it does on purpose what suppliers do by accident."""

from connectors.suppliers.rehearsal.client import RehearsalPort

__all__ = ["RehearsalPort"]
