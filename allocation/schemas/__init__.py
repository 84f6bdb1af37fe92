"""The wire of allocation."""
