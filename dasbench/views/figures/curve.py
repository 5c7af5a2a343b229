"""The learning curve of one trial: its scores and its losses after each epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from dasbench.results.answers import TrialRecord
from dasbench.spec.metrics import metric_of
from dasbench.views.trial import curves
from dasbench.views.units import known_metrics

RESOURCES = ("seconds", "images_per_s", "peak_memory")
"""What an epoch took; no curve of learning."""


@dataclass(frozen=True, kw_only=True)
class CurveInfo:
    """All that the figure shows.

    Args:
        key: the trial's key.
        state: where it stands.
        label: its variant in a few words, `""` if no study lists it.
        seed: its seed, None if no study lists it.
        epochs: numbers of the epochs.
        scores: value of each score after each epoch, NaN where it is missing.
        losses: the same of each loss.
        units: unit of each of both, `""` for none.
    """

    key: str
    state: str
    label: str = ""
    seed: int | None = None
    epochs: Sequence[int]
    scores: Mapping[str, Sequence[float]]
    losses: Mapping[str, Sequence[float]]
    units: Mapping[str, str]


def info(trial: TrialRecord) -> CurveInfo:
    """Gather the curves of a trial; metrics without any finite value are left out."""
    metrics = known_metrics([trial.metrics])
    scores, losses, units = {}, {}, {}
    for name, values in curves(trial.epochs).items():
        if name in RESOURCES or not any(map(isfinite, values)):
            continue
        if is_loss(name):
            losses[name] = values
        else:
            scores[name] = values
        units[name] = metric_of(name, metrics).unit
    found = CurveInfo(
        key=trial.key,
        state=trial.state.state,
        epochs=[epoch.number for epoch in trial.epochs],
        scores=scores,
        losses=losses,
        units=units,
    )
    if not trial.rows:
        return found
    return replace(found, label=trial.rows[0].label, seed=trial.rows[0].seed)


def is_loss(name: str) -> bool:
    """Whether a curve is that of a loss, which has an axis of its own.

    Example:
        >>> is_loss("val_loss"), is_loss("top1")
        (True, False)
    """
    return "loss" in name
