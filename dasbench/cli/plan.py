"""`dasbench plan`: what would a run do?"""

import click

from dasbench.cli.data import lines_about_data
from dasbench.cli.earlier import announce_changes
from dasbench.cli.options import (
    data_option,
    db_option,
    format_option,
    known_results,
    read_study,
    study_options,
)
from dasbench.cli.output import tell
from dasbench.errors import UsageError


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
    from dasbench.agenda import Agenda
    from dasbench.cli.place import trials_of
    from dasbench.cli.workers import default_workers
    from dasbench.plan import Plan, count_costs, network_of  # imports torch
    from dasbench.records import COUNTING
    from dasbench.results.costing import refuse_other_costs
    from dasbench.views.plan import expected_seconds, plan_rows, print_plan

    with known_results(db) as reader:
        history = reader.rows() if reader else []
        agenda = Agenda(loaded)
        agenda.start([row for row in history if row.study == loaded.name])
        known = reader.states(list(agenda.items)) if reader else {}
        known_costs = reader.known_costs() if reader else {}
    states = {key: trial.state for key, trial in known.items()}
    plan = Plan(loaded, agenda.items)
    try:
        announce_changes(loaded, [item.member for item in plan.items.values()], db, replace=False)
    except UsageError as error:  # what a run would answer
        tell(str(error))
    costs = count_costs(plan)
    networks = {network_of(item.trial): costs[key] for key, item in plan.items.items()}
    refuse_other_costs(known_costs, networks, COUNTING)
    rows = plan_rows([item.member for item in plan.items.values()], costs, states)
    left = [
        (row.key, plan.items[row.key].trial.training.epochs) for row in rows if row.state not in ("done", "stopped")
    ]
    seconds = expected_seconds(left, costs, history, workers=workers or default_workers(loaded.resources.cpus))
    for line in lines_about_data(trials_of(loaded, plan.items)):
        tell(line)
    to_come = f"{agenda.total - len(rows)} more will be proposed by {loaded.sampler}" if loaded.is_searched else ""
    print_plan(loaded.question, rows, seconds, to_come=to_come, format_=format_)
