"""`dasbench reproduce`: what does the paper print, and what comes out here?"""

from typing import TYPE_CHECKING

import click

from dasbench.cli.options import table_options

if TYPE_CHECKING:
    from dasbench.render.tables.table import Layout


@click.command("reproduce")
@click.argument("table", metavar="TABLE")
@click.option(
    "--db",
    metavar="FILE|URL",
    envvar="DASBENCH_DB",
    help="Look trained results up here. [default: $DASBENCH_DB]",
)
@click.option("--study", metavar="NAME", help="Look at the results of one study only.")
@table_options("table", "md", "json", "csv")
def command(table: str, db: str | None, study: str | None, layout: "Layout") -> None:
    """Put a table of the paper beside what comes out here, with a verdict for every figure.

    \b
    TABLE: table1 to table5, fig3, fig4, section4_4.
    Verdicts: matches, differs, not run, not comparable.

    Parameters and FLOPs are counted at once, nothing is trained. Accuracies are those of trials in
    a database, found by their network, data and recipe: they match if the printed figure lies
    within the 95 % interval over seeds, and are not comparable if they were measured on other data
    or with another recipe than the paper's. Rows of DAS are also counted in full, with the
    deformable kernel that the printed figures do not see. The exit code is 0 whatever the verdicts.
    """
    from rich.console import Console
    from rich.progress import track

    from dasbench.paper.tables import find_table

    found = find_table(table)
    if study and not db:
        raise click.UsageError("--study NAME is looked up in a database: add --db FILE.")
    from dasbench.render.tables.printing import print_found
    from dasbench.reproduction.rows import reproduce_row  # imports torch
    from dasbench.reproduction.table import reproduction_records, reproduction_tables
    from dasbench.reproduction.trained import read_trained

    trained = None
    if db:
        trained = read_trained(db, study=study)
    screen = Console(stderr=True)
    rows = track(
        found.rows,
        description=f"counting {found.name}",
        console=screen,
        disable=not screen.is_terminal,
    )
    reports = [reproduce_row(found, row, trained) for row in rows]
    print_found(
        layout,
        tables=lambda: reproduction_tables(found, reports),
        records=lambda: reproduction_records(found, reports),
    )
