"""What the sale does: hold, confirm, cancel, let lapse."""
