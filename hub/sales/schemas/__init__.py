"""The wire of the sale, and of what agents see."""
