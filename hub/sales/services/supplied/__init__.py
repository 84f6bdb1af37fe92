"""Holds and sales of what suppliers sell themselves: our tree, then their word."""
