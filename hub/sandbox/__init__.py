"""Sandboxes: a partner's own world, in which what never happens happens on demand."""
