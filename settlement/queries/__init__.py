"""What settlement reads. Nothing here writes."""

from settlement.queries.laws import broken_laws

__all__ = ["broken_laws"]
