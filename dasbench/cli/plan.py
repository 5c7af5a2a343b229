"""`dasbench plan`: what would a run do?"""

import click

from dasbench.cli.options import (
    data_option,
    db_option,
    format_option,
    has_database,
    known_states,
    read_study,
    study_options,
)


@click.command("plan")
@click.argument("study", metavar="STUDY.yaml")
@study_options
@data_option
@db_option
@click.option("--workers", type=click.IntRange(1), help="Trials at once, for the expected time. [default: all cores]")
@format_option("table", "json", "csv")
def command(
    study: str,
    profile: str | None,
    overrides: tuple[str, ...],
    gate: str | None,
    db: str,
    workers: int | None,
    format_: str,
) -> None:
    """List a study's trials with parameters, MACs, what the database already has, and the expected time.

    Nothing is trained; the database is read if it is there and not made if it is not.
    """
    loaded = read_study(study, profile=profile, overrides=overrides, gate=gate)
    from dasbench.cli.workers import default_workers
    from dasbench.plan import count_costs, plan_study  # imports torch
    from dasbench.reports.plan import expected_seconds, plan_rows, print_plan
    from dasbench.results.reading import read_store

    plan = plan_study(loaded)
    costs = count_costs(plan)
    states = known_states(db, list(plan.items))
    history = []
    if has_database(db):
        with read_store(db) as reader:
            history = reader.rows()
    rows = plan_rows([item.member for item in plan.items.values()], costs, states)
    left = [
        (row.key, plan.items[row.key].trial.training.epochs) for row in rows if row.state not in ("done", "stopped")
    ]
    seconds = expected_seconds(left, costs, history, workers=workers or default_workers(loaded.resources.cpus))
    print_plan(loaded.question, rows, seconds, format_=format_)
