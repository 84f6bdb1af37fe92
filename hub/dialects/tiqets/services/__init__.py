"""Tiqets' use cases: what is offered, and its sale."""
