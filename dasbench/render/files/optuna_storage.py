"""Results as a storage of Optuna, for optuna-dashboard and Optuna's own analyses."""

import shutil
import tempfile
from collections import defaultdict
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
from dasbench.records import Row
from dasbench.render.text.records import finite_or_none, text_or_json
from dasbench.results.answers import StudyRecord
from dasbench.results.reading import Reader
from dasbench.spec.plain import Record
from dasbench.views.fields import flat_fields
from dasbench.views.selection import objectives_of
from dasbench.views.variants import cost_field, known_counts

STATES = {"done": TrialState.COMPLETE, "stopped": TrialState.PRUNED, "failed": TrialState.FAIL}
"""State of a trial that has ended -> what Optuna calls it."""

_DIRECTIONS = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}

Curves = Mapping[str, Mapping[int, Mapping[str, float]]]
"""Metrics by key and epoch."""


@dataclass(frozen=True, kw_only=True)
class _Space:
    """What all trials of a study share in Optuna's terms.

    Args:
        metrics: of the objectives, the one that ranks first.
        distributions: by varied field.
    """

    metrics: Sequence[str]
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
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in reader.rows(studies):
        if row.state in STATES:
            rows[row.study].append(row)
    # a temporary folder's path needs no escapes inside of a URL
    with quiet_optuna(), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "optuna.db"
        storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
        try:
            for record in reader.studies(counted=False):
                if studies is None or record.name in studies:
                    curves = _curves(reader, record.name)
                    _write_study(storage, record, rows[record.name], curves)
        finally:
            storage.engine.dispose()
        shutil.copyfile(file, path)


def _curves(reader: Reader, study: str) -> Curves:
    curves: dict[str, dict[int, Mapping[str, float]]] = defaultdict(dict)
    for point in reader.view("epochs", study):
        curves[point["key"]][point["epoch"]] = point["metrics"]
    return curves


def _write_study(
    storage: optuna.storages.BaseStorage, record: StudyRecord, rows: Sequence[Row], curves: Curves
) -> None:
    metrics, directions = [], []
    for metric, direction in objectives_of(record):
        metrics.append(metric)
        directions.append(_DIRECTIONS[direction])
    study = optuna.create_study(study_name=record.name, storage=storage, directions=directions)
    study.set_metric_names(metrics)
    study.set_user_attr("question", record.question)
    space = _Space(metrics=metrics, distributions=distributions(rows))
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
    values: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        for name, value in flat_fields(row.variant).items():
            values[name].append(value)
    return {name: _distribution(some) for name, some in values.items()}


def _distribution(values: Sequence[Any]) -> BaseDistribution:
    types = set(map(type, values))
    if types == {int}:
        return IntDistribution(min(values), max(values))
    if types <= {int, float}:
        return FloatDistribution(min(values), max(values))
    return CategoricalDistribution(list(dict.fromkeys(map(text_or_json, values))))


def _trial(row: Row, space: _Space, curve: Mapping[int, Mapping[str, float]]) -> FrozenTrial:
    state = STATES[row.state]
    values = _values(row, space.metrics)
    if state is TrialState.COMPLETE and values is None:
        state = TrialState.FAIL
    params, spans = {}, {}
    for name, value in flat_fields(row.variant).items():
        spans[name] = space.distributions[name]
        params[name] = value
        if isinstance(spans[name], CategoricalDistribution):
            params[name] = text_or_json(value)
    trial = create_trial(
        state=state,
        values=values,
        params=params,
        distributions=spans,
        user_attrs=_attributes(row),
        intermediate_values=_intermediate_values(space, curve),
    )
    if row.finished:
        finished = datetime.fromisoformat(row.finished)
        trial.datetime_complete = finished.astimezone().replace(tzinfo=None)
        trial.datetime_start = trial.datetime_complete - timedelta(seconds=row.seconds)
    return trial


def _values(row: Row, metrics: Sequence[str]) -> list[float] | None:
    """The objectives' values of a trial that is done; None where one of them is not finite."""
    values = [_value(row, metric) for metric in metrics]
    if not row.is_done or not all(map(isfinite, values)):
        return None
    return values


def _value(row: Row, metric: str) -> float:
    """An objective's value: on the test part, else on the validation part, else a counted cost."""
    field = cost_field(metric)
    if row.cost and field and metric not in row.metrics:
        return float(getattr(row.cost, field))
    return row.metrics.get(metric, row.metrics.get(f"val_{metric}", float("nan")))


def _intermediate_values(
    space: _Space, curve: Mapping[int, Mapping[str, float]]
) -> dict[int, float]:
    """The objective on the validation part after each epoch.

    Optuna knows none where there are several objectives.
    """
    if len(space.metrics) > 1:
        return {}
    name = f"val_{space.metrics[0]}"
    return {number: metrics[name] for number, metrics in curve.items() if name in metrics}


def _attributes(row: Row) -> Record:
    attributes = {name: finite_or_none(value) for name, value in row.metrics.items()}
    attributes |= known_counts(row.cost)
    attributes |= {"seconds": row.seconds, "label": row.label, "key": row.key, "seed": row.seed}
    attributes |= {"state": row.state, "reason": row.reason}
    if row.role:
        attributes["role"] = row.role
    return attributes
