"""Scores as pure functions, each with its unit and direction."""
