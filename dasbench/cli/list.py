"""`dasbench list`: what is there to use, and what has been run?"""

from typing import TYPE_CHECKING

import click

from dasbench.cli.options import db_option, table_options
from dasbench.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from dasbench.render.tables.table import Layout

STUDIES = "studies"


@click.command("list")
@click.argument("what", metavar="KIND")
@db_option
@table_options("table", "json", "csv")
def command(what: str, db: str, layout: "Layout") -> None:
    """List components (gates, backbones, datasets, tasks, ...) or the studies of the database."""
    from dasbench.render.catalog import (
        component_records,
        component_tables,
        study_records,
        study_tables,
    )
    from dasbench.render.tables.printing import print_found
    from dasbench.views.components import known_studies, list_components

    if what == STUDIES:
        studies = known_studies(db)
        print_found(
            layout, tables=lambda: study_tables(studies), records=lambda: study_records(studies)
        )
        return
    found = list_components(_kind(what))
    print_found(
        layout, tables=lambda: component_tables(found), records=lambda: component_records(found)
    )


def _kind(what: str) -> str:
    from dasbench.catalog import KINDS

    singular = what.removesuffix("s")
    if singular not in KINDS:
        raise UsageError(unknown_name("kind", what, [*(f"{kind}s" for kind in KINDS), STUDIES]))
    return singular
