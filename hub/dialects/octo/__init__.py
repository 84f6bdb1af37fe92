"""OCTO (Open Connectivity for Tours, Activities and Attractions), as a supplier.

A production at a venue is a product, an area of it an option, a price type a unit, a
performance an availability, a hold a booking ON_HOLD, an order one that is CONFIRMED.
"""
