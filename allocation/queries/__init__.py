"""What allocation reads and locks. Every function takes a session; none writes."""

from allocation.queries.laws import broken_laws

__all__ = ["broken_laws"]
