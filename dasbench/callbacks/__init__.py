"""Trackers that hear of a study while it runs; one file each, imported when a study names it."""
