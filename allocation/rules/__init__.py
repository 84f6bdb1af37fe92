"""Pure rules of allocation: the quota tree, plans, seats."""
