"""Tickets once they are sold: shown, printed, sent, and let in."""
