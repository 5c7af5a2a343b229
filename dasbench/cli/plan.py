"""`dasbench plan`: what would a run do?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from dasbench.cli.options import (
    data_option,
    db_option,
    known_results,
    read_study,
    study_options,
    table_options,
)
from dasbench.cli.output import tell
from dasbench.cli.running.data import lines_about_data, num_test_examples
from dasbench.cli.running.earlier import announce_changes
from dasbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dasbench.prepare import Prepared
    from dasbench.records import Row
    from dasbench.render.tables.table import Layout
    from dasbench.results.costing import Counts
    from dasbench.spec.cost_key import CostKey
    from dasbench.spec.study import Study
    from dasbench.views.forecast import Forecast


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
    """List a study's trials with parameters, MACs, known results and the expected time.

    Nothing is trained; the database is read if it is there and not made if it is not.
    """
    loaded = read_study(study, profile=profile, overrides=overrides, gate=gate)
    from dasbench.cli.running.workers import default_workers
    from dasbench.records import COUNTING
    from dasbench.render.plan import plan_records, plan_tables
    from dasbench.render.tables.printing import print_found
    from dasbench.results.costing import refuse_other_costs
    from dasbench.spec.cost_key import cost_key
    from dasbench.views.plan import PlanView, expected_seconds, missing_rows, plan_rows

    earlier = _prepare_beside(loaded, db)
    prepared, plan = earlier.prepared, earlier.prepared.plan
    members = [item.member for item in plan.items.values()]
    try:
        announce_changes(loaded, members, db, replace=False)
    except UsageError as error:  # what a run would answer
        tell(str(error))
    costs = prepared.costs()
    networks = {cost_key(item.trial): costs[key] for key, item in plan.items.items()}
    refuse_other_costs(earlier.costs, networks, COUNTING)
    for line in lines_about_data(prepared.trials):
        tell(line)
    rows = plan_rows(members, costs, earlier.states)
    missing = [(row.key, plan.items[row.key].trial.training.epochs) for row in missing_rows(rows)]
    to_come = 0
    if loaded.is_searched:
        to_come = prepared.agenda.total - len(rows)
    workers = workers or default_workers(loaded.resources.cpus)
    found = PlanView(
        question=loaded.question,
        rows=rows,
        seconds=expected_seconds(missing, costs, earlier.rows, workers=workers),
        to_come=to_come,
        sampler=str(loaded.sampler),
        forecast=_forecast(loaded, earlier),
    )
    print_found(layout, tables=lambda: plan_tables(found), records=lambda: plan_records(found))


@dataclass(frozen=True)
class _Earlier:
    """A prepared study, and what the database knows.

    Args:
        prepared: the study.
        rows: all results.
        states: state by key of the study's trials that the database knows.
        costs: what networks cost.
    """

    prepared: "Prepared"
    rows: "Sequence[Row]" = ()
    states: Mapping[str, str] = field(default_factory=dict)
    costs: "Mapping[CostKey, Mapping[int, Counts]]" = field(default_factory=dict)


def _prepare_beside(study: "Study", db: str) -> _Earlier:
    """Prepare a study beside what the database knows, if it is there."""
    from dasbench.prepare import prepare  # imports torch

    with known_results(db) as reader:
        if reader is None:
            return _Earlier(prepare(study))
        rows = reader.rows()
        prepared = prepare(study, [row for row in rows if row.study == study.name])
        known = reader.states(list(prepared.plan.items))
        states = {key: trial.state for key, trial in known.items()}
        return _Earlier(prepared, rows, states, reader.known_costs())


def _forecast(study: "Study", earlier: _Earlier) -> "Forecast | None":
    """What a study can resolve, by its trials in the database or its data."""
    from dasbench.views.forecast import forecast

    prepared = earlier.prepared
    return forecast(
        study,
        [row for row in earlier.rows if row.study == study.name],
        num_variants=len({item.label for item in prepared.plan.items.values()}),
        num_test_examples=num_test_examples(prepared.trials),
    )
