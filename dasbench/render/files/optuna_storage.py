"""Results as a storage of Optuna, for optuna-dashboard and Optuna's own analyses."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from dasbench.analysis.quiet_optuna import quiet_optuna
from dasbench.records import COST_FIELDS, Row
from dasbench.render.text.records import finite_or_none, to_json
from dasbench.results.answers import StudyRecord
from dasbench.results.reading import Reader
from dasbench.spec.plain import Record
from dasbench.views.fields import flat_fields
from dasbench.views.selection import objectives_of
from dasbench.views.variants import cost_field

STATES = {"done": TrialState.COMPLETE, "stopped": TrialState.PRUNED, "failed": TrialState.FAIL}
"""State of a trial that has ended -> what Optuna calls it."""

Curves = Mapping[str, Mapping[int, Mapping[str, float]]]
"""Metrics by key and epoch."""


@dataclass(frozen=True, kw_only=True)
class _Space:
    """What all trials of a study share in Optuna's terms.

    Args:
        objectives: metric and direction, the one that ranks first.
        distributions: by varied field.
    """

    objectives: Sequence[tuple[str, str]]
    distributions: Mapping[str, BaseDistribution]


def write_storage(reader: Reader, path: Path, studies: Sequence[str] | None) -> None:
    """Write studies to a new SQLite file of Optuna; trials that have not ended are left out.

    A trial's values are those of the study's objectives on the test part, its parameters the varied
    fields; label, key, seed, every metric and the costs are user attributes. Done without finite
    values counts as failed.

    Args:
        reader: the results.
        path: the file, which must not exist.
        studies: their names; all by default.
    """
    rows = reader.rows(studies)
    chosen = reader.studies(counted=False)
    if studies is not None:
        chosen = [record for record in chosen if record.name in studies]
    # a temporary folder's path needs no escapes inside of a URL
    with quiet_optuna(), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "optuna.db"
        storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
        try:
            for record in chosen:
                ended = [row for row in rows if row.study == record.name and row.state in STATES]
                _write_study(storage, record, ended, _curves(reader, record.name))
        finally:
            storage.engine.dispose()
        shutil.copyfile(file, path)


def _curves(reader: Reader, study: str) -> Curves:
    curves: dict[str, dict[int, Mapping[str, float]]] = {}
    for point in reader.view("epochs", study):
        curves.setdefault(point["key"], {})[point["epoch"]] = point["metrics"]
    return curves


def _write_study(
    storage: optuna.storages.BaseStorage, record: StudyRecord, rows: Sequence[Row], curves: Curves
) -> None:
    objectives = objectives_of(record)
    ways = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}
    directions = [ways[direction] for _, direction in objectives]
    study = optuna.create_study(study_name=record.name, storage=storage, directions=directions)
    study.set_metric_names([metric for metric, _ in objectives])
    study.set_user_attr("question", record.question)
    space = _Space(objectives=objectives, distributions=distributions(rows))
    study.add_trials([_trial(row, space, curves.get(row.key, {})) for row in rows])


def distributions(rows: Sequence[Row]) -> dict[str, BaseDistribution]:
    """A distribution that spans the values of each varied field: a range, else choices.

    Example:
        >>> from dataclasses import replace
        >>> variant = {"gate.alpha": 0.4}
        >>> row = Row(study="s", key="0", variant=variant, label="", seed=0, state="done")
        >>> distributions([row, replace(row, variant={"gate.alpha": 0.1})])["gate.alpha"]
        FloatDistribution(high=0.4, log=False, low=0.1, step=None)
    """
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in flat_fields(row.variant).items():
            values.setdefault(name, []).append(value)
    return {name: _distribution(some) for name, some in values.items()}


def _distribution(values: Sequence[Any]) -> BaseDistribution:
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return IntDistribution(min(values), max(values))
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return FloatDistribution(min(values), max(values))
    return CategoricalDistribution(list(dict.fromkeys(map(_choice, values))))


def _choice(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)


def _trial(row: Row, space: _Space, curve: Mapping[int, Mapping[str, float]]) -> FrozenTrial:
    values = [_value(row, metric) for metric, _ in space.objectives]
    state = STATES[row.state]
    if state is TrialState.COMPLETE and not all(map(isfinite, values)):
        state = TrialState.FAIL
    fields = flat_fields(row.variant)
    known = {name: space.distributions[name] for name in fields}
    params = dict(fields)
    for name, distribution in known.items():
        if isinstance(distribution, CategoricalDistribution):
            params[name] = _choice(fields[name])
    trial = create_trial(
        state=state,
        values=values if state is TrialState.COMPLETE else None,
        params=params,
        distributions=known,
        user_attrs=_attributes(row),
        intermediate_values=_intermediate(space, curve),
    )
    if row.finished:
        finished = datetime.fromisoformat(row.finished)
        trial.datetime_complete = finished.astimezone().replace(tzinfo=None)
        trial.datetime_start = trial.datetime_complete - timedelta(seconds=row.seconds)
    return trial


def _value(row: Row, metric: str) -> float:
    """An objective's value: on the test part, else on the validation part, else a counted cost."""
    field = cost_field(metric)
    if row.cost and field and metric not in row.metrics:
        return float(getattr(row.cost, field))
    return row.metrics.get(metric, row.metrics.get(f"val_{metric}", float("nan")))


def _intermediate(space: _Space, curve: Mapping[int, Mapping[str, float]]) -> dict[int, float]:
    """The objective on the validation part after each epoch.

    Optuna knows none where there are several objectives.
    """
    if len(space.objectives) > 1:
        return {}
    name = f"val_{space.objectives[0][0]}"
    return {number: metrics[name] for number, metrics in curve.items() if name in metrics}


def _attributes(row: Row) -> Record:
    attributes = {name: finite_or_none(value) for name, value in row.metrics.items()}
    if row.cost:
        attributes |= {name: getattr(row.cost, name) for name in COST_FIELDS}
    attributes |= {"seconds": row.seconds, "label": row.label, "key": row.key, "seed": row.seed}
    attributes |= {"state": row.state, "reason": row.reason}
    if row.role:
        attributes["role"] = row.role
    return attributes
