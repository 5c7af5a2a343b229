"""Labelled images; one file per data set."""
