"""`dasbench export`: results as a file for another program."""

from pathlib import Path

import click

from dasbench.cli.options import (
    db_option,
    study_names,
)


@click.command("export")
@click.argument("studies", metavar="[STUDY]...", nargs=-1)
@click.option("--profile", metavar="NAME", help="Results of one of the studies' profiles.")
@db_option
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["csv", "parquet", "jsonl", "sqlite", "optuna"]),
    help="What to write. [default: what the file's ending says]",
)
@click.option(
    "--what",
    type=click.Choice(["trials", "epochs", "leaderboard", "confusion"]),
    help="Which table, of csv, parquet and jsonl. [default: trials]",
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def command(
    studies: tuple[str, ...],
    profile: str | None,
    db: str,
    output: Path,
    format_: str | None,
    what: str | None,
    force: bool,
) -> None:
    """Write the results of studies, or of all that the database holds, to a file.

    \b
      dasbench export norm_ablation -o trials.csv
      dasbench export norm_ablation -o curves.parquet --what epochs
      dasbench export norm_ablation -o confusion.csv --what confusion
      dasbench export norm_ablation -o norms.db                    # a results database of its own
      dasbench export norm_ablation -o optuna.db --format optuna   # for optuna-dashboard

    \b
    STUDY is the name of a study in the database, or its file.
    csv, parquet, jsonl   the views v_trials, v_epochs, v_leaderboard (numbers exact, what is not
                          finite left empty), or the classes that were taken for others
    sqlite                the studies with everything that is known of their trials
    optuna                trials that have ended, for optuna-dashboard and Optuna
    """
    from dasbench.render.files.export import export  # SQLAlchemy takes a quarter of a second

    names = study_names(studies, profile=profile)
    export(db, output, studies=names, format_=format_, what=what, force=force)  # type: ignore[arg-type]
    click.echo(str(output))
