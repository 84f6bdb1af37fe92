"""What allocation does: keep the tree, publish plans, share capacity out."""
