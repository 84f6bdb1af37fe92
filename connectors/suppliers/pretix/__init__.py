"""pretix over its REST API: events and series, quotas and seats, carts as locks."""

from connectors.suppliers.pretix.client import PretixPort

__all__ = ["PretixPort"]
