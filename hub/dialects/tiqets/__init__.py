"""The Tiqets supplier API, as a venue of Tiqets."""
