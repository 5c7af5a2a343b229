"""One file per version of the layout, run in order."""
