"""`dasbench plan`: what would a run do?"""

from typing import TYPE_CHECKING

import click

from dasbench.cli.data import lines_about_data
from dasbench.cli.options import (
    data_option,
    db_option,
    known_results,
    read_study,
    study_options,
    table_options,
)
from dasbench.cli.output import tell
from dasbench.cli.running.earlier import announce_changes
from dasbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dasbench.plan import Plan
    from dasbench.records import Cost, Row
    from dasbench.render.tables.table import Layout
    from dasbench.views.plan import PlanRow


@click.command("plan")
@click.argument("study", metavar="STUDY.yaml")
@study_options
@data_option
@db_option
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Trials at once, for the expected time. [default: all cores]",
)
@table_options("table", "json", "csv")
def command(
    study: str,
    profile: str | None,
    overrides: tuple[str, ...],
    gate: str | None,
    db: str,
    workers: int | None,
    layout: "Layout",
) -> None:
    """List a study's trials with parameters, MACs, what the database already has, and the expected time.

    Nothing is trained; the database is read if it is there and not made if it is not.
    """
    loaded = read_study(study, profile=profile, overrides=overrides, gate=gate)
    from dasbench.cli.running.workers import default_workers
    from dasbench.prepare import prepare  # imports torch
    from dasbench.records import COUNTING
    from dasbench.render.plan import plan_records, plan_tables
    from dasbench.render.tables.printing import print_found
    from dasbench.results.costing import refuse_other_costs
    from dasbench.spec.cost_key import cost_key
    from dasbench.views.plan import PlanView, plan_rows

    with known_results(db) as reader:
        history = reader.rows() if reader else []
        prepared = prepare(loaded, [row for row in history if row.study == loaded.name])
        plan = prepared.plan
        known = reader.states(list(plan.items)) if reader else {}
        known_costs = reader.known_costs() if reader else {}
    members = [item.member for item in plan.items.values()]
    try:
        announce_changes(loaded, members, db, replace=False)
    except UsageError as error:  # what a run would answer
        tell(str(error))
    costs = prepared.costs()
    networks = {cost_key(item.trial): costs[key] for key, item in plan.items.items()}
    refuse_other_costs(known_costs, networks, COUNTING)
    for line in lines_about_data(prepared.trials):
        tell(line)
    rows = plan_rows(members, costs, {key: trial.state for key, trial in known.items()})
    found = PlanView(
        question=loaded.question,
        rows=rows,
        seconds=_seconds(
            plan, rows, costs, history, workers=workers or default_workers(loaded.resources.cpus)
        ),
        to_come=prepared.agenda.total - len(rows) if loaded.is_searched else 0,
        sampler=str(loaded.sampler),
    )
    print_found(layout, tables=lambda: plan_tables(found), records=lambda: plan_records(found))


def _seconds(
    plan: "Plan",
    rows: "Sequence[PlanRow]",
    costs: "Mapping[str, Cost]",
    history: "Sequence[Row]",
    *,
    workers: int,
) -> float | None:
    """How long the trials without a result will take."""
    from dasbench.views.plan import expected_seconds, missing_rows

    missing = [(row.key, plan.items[row.key].trial.training.epochs) for row in missing_rows(rows)]
    return expected_seconds(missing, costs, history, workers=workers)
