"""Another hub of this kind, of which we are an agent: its own API."""

from connectors.suppliers.hub.client import HubPort

__all__ = ["HubPort"]
