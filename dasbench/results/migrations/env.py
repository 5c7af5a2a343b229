"""Run by Alembic for every migration, on the connection that `upgrade` hands over."""

from alembic import context

from dasbench.results.schema import VERSION_TABLE, metadata


def migrate() -> None:
    """Run the missing migrations; SQLite alters little in place, so its tables are copied over."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # the name under which Alembic runs this file
    migrate()
