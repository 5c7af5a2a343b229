"""A database of today as an earlier dasbench would have left it."""

import sqlite3

NEW_COLUMNS = ("semantics", "question", "code", "network", "network_code", "repeats")
"""Of the trials, since the fourth layout."""


def undo_seventh(connection: sqlite3.Connection) -> None:
    """Take away what the seventh layout brought."""
    connection.execute("ALTER TABLE das_members DROP COLUMN looked_at")


def undo_sixth(connection: sqlite3.Connection) -> None:
    """Take away what the sixth and later layouts brought."""
    undo_seventh(connection)
    connection.execute("ALTER TABLE das_studies DROP COLUMN metrics")


def undo_fifth(connection: sqlite3.Connection) -> None:
    """Take away what the fifth and later layouts brought."""
    undo_sixth(connection)
    connection.execute("ALTER TABLE das_trials DROP COLUMN confusion")


def undo_fourth(connection: sqlite3.Connection) -> None:
    """Take away what the fourth and later layouts brought, and the views, which every upgrade makes anew."""
    undo_fifth(connection)
    for (view,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'view'"
    ).fetchall():
        connection.execute(f"DROP VIEW {view}")
    for index in ("ix_das_trials_question", "ix_das_trials_network_network_code"):
        connection.execute(f"DROP INDEX {index}")
    for column in NEW_COLUMNS:
        connection.execute(f"ALTER TABLE das_trials DROP COLUMN {column}")
    connection.execute("ALTER TABLE das_attempts DROP COLUMN outcome")
    connection.execute("DROP TABLE das_costs")
