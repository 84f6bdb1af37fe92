"""What dialects share: looking at performances, keeping for a moment."""
