"""A venue that speaks the Tiqets supplier API: products, reservations, bookings."""

from connectors.suppliers.tiqets.client import TiqetsPort

__all__ = ["TiqetsPort"]
