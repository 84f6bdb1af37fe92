"""Webhooks: the changes an agent may read, pushed to where it wants them."""
