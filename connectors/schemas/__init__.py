"""The wire of connectors."""
