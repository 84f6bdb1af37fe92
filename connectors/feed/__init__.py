"""The hub's own feed format: records, their checks, and how bodies become lines."""
