"""`dasbench importance`: which axis matters?"""

from typing import TYPE_CHECKING, get_args

import click

from dasbench.cli.options import (
    db_option,
    figure_option,
    profile_option,
    quick_reading,
    study_names,
    table_options,
    where_option,
)

if TYPE_CHECKING:
    from dasbench.render.tables.table import Layout


@click.command("importance")
@click.argument("studies", metavar="STUDY...", nargs=-1, required=True)
@profile_option
@db_option
@click.option(
    "--metric",
    metavar="NAME",
    help="What is explained. [default: the study's first measured objective]",
)
@where_option
@click.option(
    "--method",
    type=click.Choice(["auto", "anova", "fanova"]),
    default="auto",
    show_default=True,
    help="Whichever the study carries, or one of them.",
)
@figure_option("Draw the shares as bars, too.")
@table_options("table", "json", "csv")
def command(
    studies: tuple[str, ...],
    profile: str | None,
    db: str,
    metric: str | None,
    where: str | None,
    method: str,
    outputs: tuple[str, ...],
    layout: "Layout",
) -> None:
    """Say how much of the differences between variants each axis explains.

    \b
      dasbench importance norm_ablation
      dasbench importance norm_ablation --format json
      dasbench importance norm_ablation -o importance.png

    A study of all combinations of its axes gets an exact analysis of variance: axes and pairs of
    axes against the noise between seeds, with seeds as blocks. Any other study gets fANOVA, with
    the fit of its forest beside it.
    """
    from dasbench.analysis.importance import Method
    from dasbench.catalog import PLOTS
    from dasbench.render.importance import importance_records, importance_tables
    from dasbench.render.plots.figure import figure_paths
    from dasbench.render.questions import with_title
    from dasbench.render.tables.printing import print_found
    from dasbench.views.figures.importance import info
    from dasbench.views.quantities import refuse_without_results, with_metric
    from dasbench.views.selection import select_studies

    names = study_names(studies, profile=profile)
    paths = figure_paths("+".join(names), "importance", outputs, drawn=False)
    with quick_reading():
        chosen = select_studies(db, names, where=where)
    chosen = with_title(with_metric(chosen, metric))
    refuse_without_results(chosen)
    found = info(chosen, method=next(known for known in get_args(Method) if known == method))
    print_found(
        layout,
        tables=lambda: importance_tables(found),
        records=lambda: importance_records(found.found),
    )
    for path in paths:
        PLOTS["importance"].make(found, path)
        click.echo(str(path), err=True)
