"""OCTO's use cases: products, availability, bookings, carts."""
