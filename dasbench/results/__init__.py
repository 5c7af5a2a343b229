"""The results database; the only SQL."""
