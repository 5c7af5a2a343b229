"""A trial as tables for people and as one record for programs; two trials side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from dasbench.analysis.stats import Direction
from dasbench.records import Row
from dasbench.render.classes import class_tables, confusion_record
from dasbench.render.tables.table import Column, Table
from dasbench.render.text.numbers import MIB, NOTHING
from dasbench.render.text.plain import shown
from dasbench.render.text.records import to_json
from dasbench.render.text.sparkline import sparkline
from dasbench.render.text.words import BASE, in_brackets
from dasbench.results.answers import AttemptRecord, TrialRecord
from dasbench.spec.plain import Record
from dasbench.views.trial import Difference, Fact, confusion_of, cost_of, curves, facts, repeats
from dasbench.views.units import better_direction, known_metrics

TITLES = {
    "spec": "Asked for",
    "metrics": "Came out",
    "costs": "Cost",
    "resources": "Took",
    "environment": "Environment",
}
"""Part of a trial's facts -> the heading of its table."""

NO_OUTCOME: Mapping[str, Any] = {
    "metrics": {},
    "cost": None,
    "seconds": None,
    "peak_memory": None,
    "device": None,
    "environment": {},
    "error": "",
    "correct": "",
}
"""What a record says of a trial that has not ended."""

FIELD = Column(key="field", title="field", is_text=True)
FACT_COLUMNS = (FIELD, Column(key="value", title="value", is_text=True))
STUDY_COLUMNS = (
    Column(key="study", title="study", is_text=True),
    Column(key="variant", title="variant", is_text=True),
    Column(key="seed", title="seed"),
    Column(key="role", title="role", is_text=True, priority=1),
    Column(key="first_study", title="first trained for", is_text=True, priority=2),
)
CURVE_COLUMNS = (
    Column(key="metric", title="metric", is_text=True),
    Column(key="curve", title="curve", is_text=True, priority=1),
    Column(key="first", title="first", priority=2),
    Column(key="last", title="last"),
    Column(key="best", title="best"),
)
ATTEMPT_COLUMNS = (
    Column(key="attempt", title="number"),
    Column(key="study", title="study", is_text=True, priority=1),
    Column(key="started", title="started", is_text=True),
    Column(key="ended", title="ended", is_text=True, priority=2),
    Column(key="how", title="how", is_text=True),
    Column(key="host", title="host", is_text=True, priority=4),
    Column(key="device", title="device", is_text=True, priority=3),
)
REPEAT_COLUMNS = (
    Column(key="result", title="former result", is_text=True),
    Column(key="metric", title="metric", is_text=True),
    Column(key="then", title="then"),
    Column(key="now", title="now"),
    Column(key="difference", title="difference", priority=1),
)


def trial_tables(trial: TrialRecord) -> list[Table]:
    """All that is known of a trial but for its traceback; what is not known has no table."""
    tables = [_state_table(trial)]
    tables.append(Table(title="Listed by", columns=STUDY_COLUMNS, rows=_study_rows(trial)))
    by_part: dict[str, list[Fact]] = {}
    for fact in facts(trial):
        by_part.setdefault(fact.part, []).append(fact)
    tables += [_fact_table(title, by_part.get(part, ())) for part, title in TITLES.items()]
    tables.append(Table(title="Learning curve", columns=CURVE_COLUMNS, rows=_curve_rows(trial)))
    if confusion := confusion_of(trial):
        tables += class_tables(confusion)
    attempts = list(map(_attempt_row, trial.attempts))
    tables.append(Table(title="Attempts", columns=ATTEMPT_COLUMNS, rows=attempts))
    tables.append(Table(title="Trained again", columns=REPEAT_COLUMNS, rows=_repeat_rows(trial)))
    return [table for table in tables if table.rows]


def failure_text(trial: TrialRecord) -> str:
    """Why a trial failed, as Python says it; `""` if it did not."""
    if not trial.outcome or not trial.outcome.error:
        return ""
    text = "Why it failed"
    for line in trial.outcome.error.rstrip().splitlines():
        text += f"\n  {shown(line)}"
    return text


def trial_record(trial: TrialRecord) -> Record:
    """Everything about a trial as plain data, for programs."""
    record: Record = {"key": trial.key}
    record |= {"state": trial.state.state, "reason": trial.state.reason}
    record |= {"attempt": trial.state.attempt, "studies": list(map(_study_record, trial.rows))}
    record |= {"first_study": trial.first_study}
    record |= {"created": trial.created, "finished": trial.finished}
    record |= {"spec": trial.spec, **_outcome_record(trial)}
    record["epochs"] = [{"epoch": epoch.number, "metrics": epoch.metrics} for epoch in trial.epochs]
    return record | {"attempts": list(map(asdict, trial.attempts))}


def _study_record(row: Row) -> Record:
    """What a trial is in one of the studies that list it."""
    return {
        "study": row.study,
        "label": row.label,
        "variant": row.variant,
        "seed": row.seed,
        "role": row.role,
        "reused": row.reused,
    }


def _outcome_record(trial: TrialRecord) -> Record:
    """What came out of a trial; of one that has not ended, the same fields with nothing in them."""
    outcome, cost, confusion = trial.outcome, cost_of(trial), confusion_of(trial)
    record = dict(NO_OUTCOME)
    if outcome:
        record |= {name: getattr(outcome, name) for name in NO_OUTCOME}
    record |= {"cost": None, "confusion": None}
    if cost:
        record["cost"] = asdict(cost)
    if confusion:
        record["confusion"] = confusion_record(confusion)
    return record


def fact_records(trial: TrialRecord) -> list[Record]:
    """What is known of a trial, flat: a record for each fact."""
    return list(map(asdict, facts(trial)))


def difference_tables(
    first: TrialRecord, second: TrialRecord, found: Sequence[Difference]
) -> list[Table]:
    """What differs between two trials side by side."""
    columns = (
        Column(key="part", title="part", is_text=True, priority=3),
        FIELD,
        Column(key="first", title=_name(first), is_text=True),
        Column(key="second", title=_name(second), is_text=True),
        Column(key="difference", title="difference", priority=2),
    )
    rows = [(one.part, *_difference(one)) for one in found]
    notes = []
    if not rows:
        notes.append(f"{first.key} and {second.key} differ in nothing.")
    return [Table(title="What differs", columns=columns, rows=rows, notes=notes)]


def difference_records(found: Sequence[Difference]) -> list[Record]:
    """A record for each difference."""
    return list(map(asdict, found))


def _name(trial: TrialRecord) -> str:
    """A trial by its key, and by the variant that it is in the first study that lists it."""
    if not trial.rows:
        return trial.key
    return f"{trial.key} {trial.rows[0].label}".strip()


def _state_table(trial: TrialRecord) -> Table:
    state = f"{trial.state.state}{in_brackets(trial.state.reason or '')}"
    rows = [("state", state), ("planned", trial.created)]
    if trial.finished:
        rows.append(("finished", trial.finished))
    return Table(title=f"Trial {trial.key}", columns=FACT_COLUMNS, rows=rows)


def _fact_table(title: str, known: Sequence[Fact]) -> Table:
    return Table(
        title=title, columns=FACT_COLUMNS, rows=[(fact.field, _value(fact)) for fact in known]
    )


def _study_rows(trial: TrialRecord) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for row in trial.rows:
        first = ""
        if row.reused:
            first = trial.first_study or ""
        rows.append((row.study, row.label or BASE, str(row.seed), row.role, first))
    return rows


def _curve_rows(trial: TrialRecord) -> list[tuple[str, ...]]:
    metrics = known_metrics([trial.metrics])
    rows: list[tuple[str, ...]] = []
    for name, values in curves(trial.epochs).items():
        known = list(filter(isfinite, values))
        best = _best(known, better_direction(name, known=metrics))
        rows.append((name, sparkline(values), _cell(values[0]), _cell(values[-1]), best))
    return rows


def _best(values: Sequence[float], direction: Direction | None) -> str:
    """The best of some values; none where nobody said what is better."""
    if not values or direction is None:
        return ""
    if direction == "max":
        return _cell(max(values))
    return _cell(min(values))


def _attempt_row(attempt: AttemptRecord) -> tuple[str, ...]:
    how = f"{attempt.how or 'runs'}{in_brackets(attempt.reason or '')}"
    times = (attempt.started, attempt.ended or NOTHING)
    number = str(attempt.attempt)
    return (number, attempt.study, *times, how, attempt.host, attempt.device)


def _repeat_rows(trial: TrialRecord) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for repeat in repeats(trial):
        result = f"attempt {repeat.attempt} ({repeat.status})"
        rows += [(result, *_difference(each)) for each in repeat.metrics]
    return rows


def _difference(one: Difference) -> tuple[str, str, str, str]:
    return one.field, _cell(one.first), _cell(one.second), _change(one.difference)


def _value(fact: Fact) -> str:
    if fact.field == "peak_memory":
        return f"{fact.value / MIB:.1f} MiB"
    if fact.field == "seconds" and fact.part == "resources":
        return f"{fact.value:.1f} s"
    return _cell(fact.value)


def _change(difference: float | None) -> str:
    if difference is None:
        return ""
    return f"{difference:+.6g}"


def _cell(value: Any) -> str:
    """A value as text: counts with their digits in threes, other numbers with six digits."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return to_json(value)
