"""Self-contained interactive pages: one file each, opened without a network."""
