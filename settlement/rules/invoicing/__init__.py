"""Invoices of what the hub and its partners sell each other, as EN 16931 has them.

Face values, booking fees and shares are other people's money, and on no invoice.
"""
