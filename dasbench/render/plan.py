"""What a run would do, as a table and as records."""

from dataclasses import asdict

from dasbench.render.forecast import forecast_sentences
from dasbench.render.tables.table import Column, Table
from dasbench.render.text.words import BASE, counted
from dasbench.spec.plain import Record
from dasbench.views.plan import PlanView

COLUMNS = (
    Column(key="variant", title="variant", is_text=True),
    Column(key="seed", title="seed"),
    Column(key="state", title="state", is_text=True),
    Column(key="params_full", title="params (full)", priority=1),
    Column(key="macs_full", title="MACs (full)", priority=1),
    Column(key="params_paper", title="params (paper)", priority=4),
    Column(key="macs_paper", title="MACs (paper)", priority=4),
    Column(key="key", title="key", is_text=True, priority=2),
)


def plan_tables(plan: PlanView) -> list[Table]:
    """The planned trials with their costs and states, and what is left to do below them."""
    rows = []
    for row in plan.rows:
        counts = (row.params_full, row.macs_full, row.params_paper, row.macs_paper)
        texts = map("{:,}".format, counts)
        rows.append((row.label or BASE, str(row.seed), row.state, *texts, row.key))
    notes = ["A multiply-add counts once.", *forecast_sentences(plan.forecast), _work(plan)]
    return [Table(title=plan.question, columns=COLUMNS, rows=rows, notes=notes)]


def plan_records(plan: PlanView) -> list[Record]:
    """A record for each planned trial; what the study can resolve stands in each."""
    foreseen: Record = {}
    if plan.forecast:
        foreseen["forecast"] = asdict(plan.forecast)
    return [{**asdict(row), **foreseen} for row in plan.rows]


def _work(plan: PlanView) -> str:
    """How much there is to train, how long that takes, and what is not planned yet."""
    work = f"{counted(len(plan.rows), 'trial')}, {len(plan.missing):,} to run: {_time(plan)}."
    if not plan.to_come:
        return work
    return f"{work} {plan.to_come:,} more will be proposed by {plan.sampler}."


def _time(plan: PlanView) -> str:
    if not plan.missing:
        return "nothing to train"
    if plan.seconds is None:
        return "expected time unknown until a first trial of this image size is done"
    return f"about {plan.seconds / 60:.1f} minutes"
