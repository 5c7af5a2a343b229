"""How the front grew: hypervolume over finished trials and over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dasbench.analysis.families import score_table
from dasbench.analysis.pareto import hypervolume, hypervolume_of_means
from dasbench.analysis.significance import Floats
from dasbench.analysis.stats import Direction
from dasbench.catalog import PLOTS
from dasbench.errors import UsageError
from dasbench.records import Row
from dasbench.render.plots.figure import draw_empty, legend_below, save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.style import SERIES
from dasbench.views.quantities import axis_unit, values_of
from dasbench.views.selection import Selection
from dasbench.views.variants import VariantScores, by_variant, gather

MOST_STEPS = 300
"""Points of a curve; of more trials, so many are taken evenly."""

_BEYOND = 0.1  # share of the range by which the usual reference lies beyond the worst values


class Step(NamedTuple):
    """The front after some trials.

    Args:
        trial: finished trials so far.
        finished: when the last of them did, ISO 8601, `""` if unknown.
        hypervolume: of the means so far.
    """

    trial: int
    finished: str
    hypervolume: float


@dataclass(frozen=True, kw_only=True)
class Curve:
    """How the front of one study grew.

    Args:
        study: its name.
        steps: from the first finished trial to the last.
        ci95: half the 95 % interval of the last hypervolume over seeds, by the jackknife; None with one seed, or if
            no two seeds have a score from every variant.
        seeds: seeds that every variant has a score for, which the interval is over.
    """

    study: str
    steps: Sequence[Step]
    ci95: float | None
    seeds: int


@dataclass(frozen=True, kw_only=True)
class HypervolumeInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        metric: the score.
        cost: what it is held against.
        reference: score and cost of the corner that bounds the area; the same for all studies.
        curves: one for each study.
    """

    question: str
    metric: str
    cost: str
    reference: tuple[float, float]
    curves: Sequence[Curve]

    def as_records(self) -> list[dict[str, Any]]:
        """One record for each study, its curve inside."""
        return [
            {
                "study": curve.study,
                "metric": self.metric,
                "cost": self.cost,
                "reference": list(self.reference),
                "hypervolume": curve.steps[-1].hypervolume if curve.steps else 0.0,
                "ci95": curve.ci95,
                "seeds": curve.seeds,
                "trace": [step._asdict() for step in curve.steps],
            }
            for curve in self.curves
        ]


def info(
    selection: Selection, *, cost: str = "macs_full", reference: tuple[float, float] | None = None
) -> HypervolumeInfo:
    """Measure the front of the means after every trial, in the order in which trials finished.

    Args:
        selection: rows of one study or of several.
        cost: what is held against the score; less is better.
        reference: score and cost of the corner that bounds the area. By default the worst mean and the highest cost,
            each a tenth of its range further out: it moves as trials are added, so name one to compare over time.

    Raises:
        UsageError: if the reference is not finite.
    """
    direction = selection.direction
    entries = [gather(rows, metric=selection.metric) for rows in by_variant(selection.rows)]
    known = values_of(entries, cost)
    entries = [entry for entry, value in zip(entries, known, strict=True) if value is not None and _scores(entry)]
    if reference is not None and not np.isfinite(reference).all():
        raise UsageError(f"--reference {reference[0]},{reference[1]}: write two finite numbers, a score and a cost")
    corner = reference or _usual_reference(entries, selection.metric, cost, direction)
    curves = [
        _curve(study, selection, [entry for entry in entries if entry.study == study], cost, corner, direction)
        for study in dict.fromkeys(entry.study for entry in entries)
    ]
    return HypervolumeInfo(
        question=selection.question, metric=selection.metric, cost=cost, reference=corner, curves=curves
    )


@PLOTS.register("hypervolume", info=info)
def draw(growth: HypervolumeInfo, path: Path) -> None:
    """Draw the curves over trials and, where times are known, over time; to a PNG, SVG or PDF file."""
    from matplotlib.lines import Line2D

    timed = any(step.finished for curve in growth.curves for step in curve.steps)
    unit = axis_unit(growth.cost, [growth.reference[1]])
    clock, clock_name = _clock(growth.curves)
    with styled_figure(growth.question, panels=2 if timed else 1) as (figure, axes):
        handles = []
        for curve, color in zip(growth.curves, SERIES * (1 + len(growth.curves) // len(SERIES)), strict=False):
            heights = [step.hypervolume / unit.size for step in curve.steps]
            axes.step([step.trial for step in curve.steps], heights, where="post", color=color)
            if timed:
                figure.axes[1].step(
                    [time / clock for time in _seconds(curve.steps)], heights, where="post", color=color
                )
            if curve.ci95 is not None:
                last = curve.steps[-1].trial
                axes.errorbar([last], heights[-1:], yerr=[curve.ci95 / unit.size], fmt="o", color=color, capsize=3)
            handles.append(Line2D([], [], color=color, label=figure_label(curve.study)))
        if not growth.curves:
            draw_empty(axes, "no trial has a result yet")
        axes.set_xlabel("finished trials")
        axes.set_ylabel(f"hypervolume ({growth.metric} x {unit.title.partition(',')[0]})")
        if timed:
            figure.axes[1].set_xlabel(f"{clock_name} since the first result")
            figure.axes[1].locator_params(axis="x", nbins=5)
        cost = f"{growth.reference[1] / unit.size:.4g} {unit.title.partition(',')[0]}"
        corner = f"reference: {growth.metric} {growth.reference[0]:.4g}, {cost}"
        note = "; bar: 95 % interval over seeds" if any(curve.ci95 is not None for curve in growth.curves) else ""
        legend_below(figure, handles if len(handles) > 1 else [], title=corner + note)
        save_figure(figure, path)


def _usual_reference(
    entries: Sequence[VariantScores], metric: str, cost: str, direction: Direction
) -> tuple[float, float]:
    """The worst mean and the highest cost, a tenth of their ranges further out, so that the worst points count too."""
    if not entries:
        return (0.0, 1.0)
    means = [value for value in values_of(entries, metric) if value is not None]
    costs = [value for value in values_of(entries, cost) if value is not None]
    margin = _BEYOND * ((max(means) - min(means)) or abs(means[0]) or 1.0)
    score = min(means) - margin if direction == "max" else max(means) + margin
    return (score, max(costs) + _BEYOND * ((max(costs) - min(costs)) or abs(costs[0]) or 1.0))


def _curve(
    study: str,
    selection: Selection,
    entries: Sequence[VariantScores],
    cost: str,
    corner: tuple[float, float],
    direction: Direction,
) -> Curve:
    """The hypervolume of the means after each step, and the interval of the last one."""
    place = {key: index for index, entry in enumerate(entries) for key in entry.keys}
    done = [row for row in selection.rows if row.study == study and _has_score(row, selection.metric, place)]
    done.sort(key=lambda row: row.finished)
    costs = np.array(values_of(entries, cost), dtype=np.float64)
    sums, counts = np.zeros(len(entries)), np.zeros(len(entries))
    steps, start = [], 0
    for stop in np.unique(np.linspace(1, len(done), min(len(done), MOST_STEPS)).astype(int)).tolist():
        some = done[start:stop]
        variants = np.array([place[row.key] for row in some])
        np.add.at(sums, variants, [row.metrics[selection.metric] for row in some])
        np.add.at(counts, variants, 1)
        seen = counts > 0
        means = np.column_stack([sums[seen] / counts[seen], costs[seen]])
        steps.append(Step(stop, some[-1].finished, hypervolume(means, corner, [direction, "min"])))
        start = stop
    table = score_table({index: _scores(entry) for index, entry in enumerate(entries)})
    ci95, seeds = _interval(table, costs, corner, direction)
    return Curve(study=study, steps=steps, ci95=ci95, seeds=seeds)


def _scores(entry: VariantScores) -> Mapping[int, float]:
    return entry.scores.get(entry.metric, {})


def _has_score(row: Row, metric: str, place: dict[str, int]) -> bool:
    return row.state == "done" and row.key in place and bool(np.isfinite(row.metrics.get(metric, np.nan)))


def _interval(
    table: Floats, costs: Floats, corner: tuple[float, float], direction: Direction
) -> tuple[float | None, int]:
    """Half the interval of the front of the means, and over how many seeds."""
    common = int((~np.isnan(table)).all(axis=0).sum())
    if common < 2:
        return None, common
    return hypervolume_of_means(table, costs, corner, direction=direction).half_width, common


def _seconds(steps: Sequence[Step]) -> list[float]:
    """Seconds since the first step; a step without a time stays where the one before it is."""
    times = [datetime.fromisoformat(step.finished).timestamp() if step.finished else None for step in steps]
    seconds, first, last = [], next((time for time in times if time is not None), 0.0), 0.0
    for time in times:
        last = last if time is None else time - first
        seconds.append(last)
    return seconds


def _clock(curves: Sequence[Curve]) -> tuple[float, str]:
    """The unit of time that suits the longest curve."""
    longest = max((_seconds(curve.steps)[-1] for curve in curves if curve.steps), default=0.0)
    return (3600.0, "hours") if longest > 7200 else (60.0, "minutes") if longest > 120 else (1.0, "seconds")
