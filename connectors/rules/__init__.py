"""Pure rules of connectors."""
