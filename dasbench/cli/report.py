"""`dasbench report`: the ablation section of a study, to be read or to be put into a paper."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dasbench.cli.flags import every_flag
from dasbench.cli.options import (
    convention_option,
    db_option,
    profile_option,
    study_name,
    test_option,
)

if TYPE_CHECKING:
    from dasbench.analysis.significance import TestChoice


@click.command("report")
@click.argument("study", metavar="STUDY")
@click.option(
    "-o",
    "--output",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder to write to; it is made if it is missing.",
)
@profile_option
@db_option
@click.option(
    "--metric", metavar="NAME", help="What ranks. [default: the study's first measured objective]"
)
@click.option(
    "--baseline",
    metavar="NAME",
    help="Compare every variant with this one. [default: the study's base, or no gate]",
)
@test_option
@convention_option
@click.option("--force", is_flag=True, help="Replace a report that is in DIR; other files stay.")
def command(
    study: str,
    folder: Path,
    profile: str | None,
    db: str,
    metric: str | None,
    baseline: str | None,
    test: "TestChoice",
    convention: str,
    force: bool,
) -> None:
    """Write the ablation section of a study, in LaTeX and as one HTML page.

    \b
      dasbench report norm_ablation -o report
      dasbench report design_ablation -o report --baseline c --convention paper --force

    \b
    index.html      everything on one page; opens without a network
    section.tex     \\input it into a paper (booktabs, graphicx); document.tex is one that does
    references.bib  whom it cites, from the sources of the components
    methods.txt     how the results came about: recipe, seeds, statistics, versions, devices, commit
    tables/*.csv    every number behind the tables
    figures/        PDF and PNG, and the CSV behind each

    Equal results give equal files. The folder is written completely or not at all.
    """
    from dasbench.render.section.report import report

    name = study_name(study, profile=profile)
    files = report(
        db,
        name,
        folder,
        metric=metric,
        convention=convention,
        baseline=baseline,
        test=test,
        force=force,
        flags=every_flag("plot"),
    )
    for path in files:
        click.echo(str(folder / path.relative_to(folder.resolve())))
