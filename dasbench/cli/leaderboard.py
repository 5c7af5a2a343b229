"""`dasbench leaderboard`: which variant is best?"""

import click

from dasbench.cli.options import db_option, format_option, study_name


@click.command("leaderboard")
@click.argument("study", metavar="STUDY")
@click.option("--profile", metavar="NAME", help="Results of one of the study's profiles.")
@db_option
@click.option("--convention", type=click.Choice(["full", "paper"]), default="full", show_default=True, help="Costs.")
@format_option("table", "json", "csv")
def command(study: str, profile: str | None, db: str, convention: str, format_: str) -> None:
    """Rank the variants of a study: mean and standard deviation over seeds, cost, number of failures.

    STUDY is the name of a study in the database, or its file.
    """
    from dasbench.reports.leaderboard import leaderboard, print_leaderboard
    from dasbench.reports.selection import select_study

    chosen = select_study(db, study_name(study, profile=profile))
    rows = leaderboard(chosen.rows, metric=chosen.metric, maximise=chosen.maximise)
    print_leaderboard(chosen.question, rows, metric=chosen.metric, convention=convention, format_=format_)
