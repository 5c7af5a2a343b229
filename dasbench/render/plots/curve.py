"""The learning curve of one trial: scores on the left, losses on the right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from dasbench.render.plots.figure import draw_empty, legend_below, save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.style import SERIES
from dasbench.results.answers import TrialRecord
from dasbench.spec.metrics import metric_of
from dasbench.views.trial import curves
from dasbench.views.units import known_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

RESOURCES = ("seconds", "images_per_s", "peak_memory")
"""What an epoch took; no curve of learning."""


@dataclass(frozen=True, kw_only=True)
class CurveInfo:
    """All that the figure shows.

    Args:
        title: which trial it is.
        epochs: numbers of the epochs.
        scores: value of each score after each epoch, NaN where it is missing.
        losses: the same of each loss.
        units: unit of each of both.
    """

    title: str
    epochs: Sequence[int]
    scores: Mapping[str, Sequence[float]]
    losses: Mapping[str, Sequence[float]]
    units: Mapping[str, str]


def info(trial: TrialRecord) -> CurveInfo:
    """Gather the curves of a trial; metrics without any finite value are left out."""
    known = {
        name: values
        for name, values in curves(trial.epochs).items()
        if name not in RESOURCES and any(isfinite(value) for value in values)
    }
    metrics = known_metrics([trial.metrics])
    label = f"{trial.rows[0].label} seed={trial.rows[0].seed}, " if trial.rows else ""
    return CurveInfo(
        title=f"{label}trial {trial.key}: {trial.state.state}",
        epochs=[epoch.number for epoch in trial.epochs],
        scores={name: values for name, values in known.items() if "loss" not in name},
        losses={name: values for name, values in known.items() if "loss" in name},
        units={name: metric_of(name, metrics).unit for name in known},
    )


def draw(curve: CurveInfo, path: Path) -> None:
    """Draw the curves to a PNG, SVG or PDF file."""
    with styled_figure(curve.title) as (figure, axes):
        if not curve.scores and not curve.losses:
            draw_empty(axes, "no epoch has ended")
        else:
            axes.set_xlabel("epoch")
            axes.locator_params(axis="x", integer=True)
            lines = _draw_lines(axes, curve, curve.scores or curve.losses, first=0)
            if curve.scores and curve.losses:
                right = axes.twinx()
                right.spines["right"].set_visible(True)
                lines += _draw_lines(right, curve, curve.losses, first=len(lines))
            legend_below(figure, lines, columns=4)
        save_figure(figure, path)


def _draw_lines(axes: "Axes", curve: CurveInfo, series: Mapping[str, Sequence[float]], *, first: int) -> "list[Line2D]":
    """Draw curves in colours of their own, losses dashed; returns them for the legend."""
    lines = []
    for number, (name, values) in enumerate(series.items(), start=first):
        style = "--" if "loss" in name else "-"
        marker = "o" if len(curve.epochs) <= 30 else None
        lines += axes.plot(curve.epochs, values, style, marker=marker, markersize=3, color=SERIES[number % len(SERIES)])
        lines[-1].set_label(figure_label(name))
    units = {curve.units[name] for name in series}
    unit = units.pop() if len(units) == 1 else ""
    what = "loss" if all("loss" in name for name in series) else "score"
    axes.set_ylabel(f"{what} ({unit})" if unit else what)
    return lines
