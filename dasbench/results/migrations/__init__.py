"""The history of the database's layout; each version is one file in `versions`."""

from pathlib import Path
from threading import Lock

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from dasbench.results.views import create_views, drop_views

FOLDER = Path(__file__).parent

_ALONE = Lock()
"""Alembic keeps the migration that runs in module globals, so threads take turns."""


def upgrade(connection: Connection, *, folder: Path = FOLDER) -> None:
    """Bring a database to the newest layout, inside the transaction of the caller.

    The views are made anew, as a table cannot be altered below a view.

    Args:
        connection: a connection with a transaction that has the database to itself.
        folder: where `env.py` and `versions` are.
    """
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _ALONE:
        drop_views(connection)
        command.upgrade(config, "head")
        create_views(connection)
