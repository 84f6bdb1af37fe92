"""The demo: a sandbox world with a sample season, agents that buy, a settled month."""
