"""`dasbench leaderboard`: which variant is best?"""

from typing import TYPE_CHECKING

import click

from dasbench.cli.options import (
    convention_option,
    db_option,
    profile_option,
    quick_reading,
    study_names,
    table_options,
    test_option,
    words_of,
)

if TYPE_CHECKING:
    from dasbench.analysis.significance import TestChoice
    from dasbench.render.tables.table import Layout

SHOWN = 100
"""Lines of a table for people, unless --top says otherwise."""


@click.command("leaderboard")
@click.argument("studies", metavar="STUDY...", nargs=-1)
@click.option(
    "--study",
    "more",
    metavar="STUDY",
    multiple=True,
    help="Another study; the variants of both are ranked.",
)
@profile_option
@db_option
@click.option(
    "--where",
    metavar="CONDITION",
    help="Only what passes, as in 'top1 > 60 and gate.first_norm = \"in\"'.",
)
@click.option(
    "--group-by",
    metavar="FIELD,...",
    help="Rank the values of fields, averaged over the other fields.",
)
@click.option(
    "--sort",
    metavar="COLUMN",
    help="Order by a column: macs, 'label desc'. [default: the study's objective]",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    metavar="N",
    help=f"Show N variants. [default: {SHOWN}; all as json, csv]",
)
@test_option
@convention_option
@table_options("table", "json", "csv", "md", "latex", "html")
def command(
    studies: tuple[str, ...],
    more: tuple[str, ...],
    profile: str | None,
    db: str,
    where: str | None,
    group_by: str | None,
    sort: str | None,
    top: int | None,
    test: "TestChoice",
    convention: str,
    layout: "Layout",
) -> None:
    """Rank the variants of a study, or of several: mean and interval over seeds, failures, costs.

    \b
    STUDY is the name of a study in the database, or its file.
    rank   the ranks that the seeds leave open: tests over common seeds, Holm over all pairs
    ≈      not distinguishable from the best

    What a search tried and did not confirm stands below, by the scores that it chose by and without
    ranks. --where knows metrics, costs, varied fields, label, study, seed, state, n, failed; and,
    or, not, in (...). A metric there is the variant's mean, so that no single seed is left out for
    its score.
    """
    from dasbench.render.leaderboard import board_records, board_tables
    from dasbench.render.tables.printing import RECORDS, print_found
    from dasbench.views.board import make_board
    from dasbench.views.selection import select_studies

    if not studies and not more:
        raise click.UsageError("Missing argument 'STUDY...': name a study, or its file.")
    records = layout.format_ in RECORDS
    if top is None and not records:
        top = SHOWN
    names = study_names((*studies, *more), profile=profile)
    with quick_reading():
        chosen = select_studies(db, names, where=where, test=test)
    board = make_board(
        chosen,
        convention=convention,
        sort=sort,
        top=top,
        group_by=words_of(group_by),
        all_metrics=records,
    )
    print_found(layout, tables=lambda: board_tables(board), records=lambda: board_records(board))
