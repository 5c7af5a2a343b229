"""`dasbench list`: what is there to use, and what has been run?"""

import click

from dasbench.cli.options import db_option, format_option
from dasbench.errors import UsageError, unknown_name

STUDIES = "studies"


@click.command("list")
@click.argument("what", metavar="KIND")
@db_option
@format_option("table", "json", "csv")
def command(what: str, db: str, format_: str) -> None:
    """List components (gates, backbones, datasets, tasks, metrics, samplers, plots) or studies of the database."""
    from dasbench.render.formats import console, text_table
    from dasbench.render.records import print_records
    from dasbench.views.components import component_records, study_records

    records = study_records(db) if what == STUDIES else component_records(_kind(what))
    if format_ != "table":
        print_records(records, format_=format_)
        return
    columns = list(records[0]) if records else ["name"]
    table = text_table("", columns, left=len(columns))
    for record in records:
        table.add_row(
            *[", ".join(f"{k}={v}" for k, v in x.items()) if isinstance(x, dict) else str(x) for x in record.values()]
        )
    console().print(table)


def _kind(what: str) -> str:
    from dasbench.catalog import KINDS

    singular = what.removesuffix("s")
    if singular not in KINDS:
        raise UsageError(unknown_name("kind", what, [*(f"{kind}s" for kind in KINDS), STUDIES]))
    return singular
