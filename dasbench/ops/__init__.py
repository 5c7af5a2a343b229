"""Operators that several gates share."""
