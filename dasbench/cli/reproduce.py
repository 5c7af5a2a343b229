"""`dasbench reproduce`: what does the paper print, and what comes out here?"""

import click

from dasbench.cli.options import format_option


@click.command("reproduce")
@click.argument("table", metavar="TABLE")
@format_option("table", "md", "json", "csv")
def command(table: str, format_: str) -> None:
    r"""Put a table of the paper beside what is counted here, with a verdict for every figure.

    \b
    TABLE: table1 to table5, fig3, fig4, section4_4.
    Verdicts: matches, differs, not run, not comparable. Parameters and FLOPs are counted at once, nothing is trained.

    Rows of DAS are also counted in full, with the deformable kernel that the printed figures do not see.
    The exit code is 0 whatever the verdicts.
    """
    from rich.console import Console
    from rich.progress import track

    from dasbench.paper.tables import find_table

    found = find_table(table)
    from dasbench.reports.paper import reproduce_row  # imports torch
    from dasbench.reports.paper_table import print_reproduction

    screen = Console(stderr=True)
    rows = track(found.rows, description=f"counting {found.name}", console=screen, disable=not screen.is_terminal)
    print_reproduction(found, [reproduce_row(found, row) for row in rows], format_=format_)
