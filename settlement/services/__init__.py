"""What settlement does: terms, the journal, seals, statements."""
