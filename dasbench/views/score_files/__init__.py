"""Scores from elsewhere: tables that people and spreadsheets wrote."""
