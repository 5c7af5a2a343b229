"""Accuracy against cost, with the Pareto front marked."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dasbench.analysis.pareto import pareto_front
from dasbench.analysis.stats import summarise
from dasbench.catalog import PLOTS
from dasbench.reports.leaderboard import leaderboard
from dasbench.reports.plots.figure import (
    GREY,
    PALE_GREY,
    PALE_RED,
    RED,
    place_labels,
    save_figure,
    short_labels,
    styled_figure,
)
from dasbench.reports.selection import Selection
from dasbench.reports.units import count_unit


@dataclass(frozen=True, kw_only=True)
class Point:
    """One variant.

    Args:
        label: the variant in a few words.
        variant: the varied fields and their values.
        cost: exact cost, in units.
        mean: mean score over seeds.
        sd: standard deviation over seeds, None for one seed.
        n: number of seeds.
        on_front: no other variant costs no more and scores higher.
    """

    label: str
    variant: dict[str, Any]
    cost: int
    mean: float
    sd: float | None
    n: int
    on_front: bool

    def as_record(self) -> dict[str, Any]:
        """Plain data, as JSON and CSV show it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class ParetoInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        metric: the score's name.
        cost: the cost's name with its convention (`macs_full`).
        points: every variant with a result, by falling score.
    """

    question: str
    metric: str
    cost: str
    points: Sequence[Point]


def info(selection: Selection, *, cost: str = "macs_full") -> ParetoInfo:
    """Compute the points of the figure and which of them are on the front.

    Args:
        selection: rows of one study.
        cost: `macs_full`, `macs_paper`, `params_full` or `params_paper`.
    """
    metric = selection.metric
    entries = [
        entry
        for entry in leaderboard(selection.rows, metric=metric, maximise=selection.maximise)
        if entry.cost and metric in entry.scores
    ]
    means = [sum(scores) / len(scores) for scores in (entry.scores[metric].values() for entry in entries)]
    costs = [getattr(entry.cost, cost) for entry in entries]
    values = np.array([costs, means], dtype=np.float64).T.reshape(-1, 2)
    front = pareto_front(values, ["min", "max" if selection.maximise else "min"])
    points = [
        Point(
            label=entry.label,
            variant=dict(entry.variant),
            cost=price,
            mean=mean,
            sd=summarise(list(entry.scores[metric].values())).sd,
            n=entry.num_done,
            on_front=bool(best),
        )
        for entry, price, mean, best in zip(entries, costs, means, front, strict=True)
    ]
    return ParetoInfo(question=selection.question, metric=metric, cost=cost, points=points)


@PLOTS.register("pareto")
def draw(front: ParetoInfo, path: Path) -> None:
    """Draw the figure to a PNG, SVG or PDF file; equal points give equal bytes."""
    kind, _, convention = front.cost.partition("_")
    unit = count_unit(kind, [point.cost for point in front.points])
    keys, labels = short_labels([point.variant for point in front.points])
    with styled_figure(front.question) as (figure, axes):
        for on_front in (False, True):
            some = [point for point in front.points if point.on_front is on_front]
            axes.errorbar(
                [point.cost / unit.size for point in some],
                [point.mean for point in some],
                yerr=[point.sd or 0.0 for point in some],
                fmt="o",
                color=RED if on_front else GREY,
                ecolor=PALE_RED if on_front else PALE_GREY,
                markersize=6 if on_front else 5,
                capsize=2,
                zorder=3 if on_front else 2,
                label="Pareto front" if on_front else "other variants",
            )
        best = sorted((point for point in front.points if point.on_front), key=lambda point: point.cost)
        axes.step([p.cost / unit.size for p in best], [p.mean for p in best], where="post", color=RED, linewidth=1)
        axes.ticklabel_format(axis="x", useOffset=False)
        axes.set_xlabel(f"{unit.title}, '{convention}' convention; a multiply-add counts once")
        axes.set_ylabel(f"test {front.metric} (%), mean and sd over seeds")
        axes.legend(loc="best", frameon=False, fontsize=8, title=keys, title_fontsize=8)
        place_labels(
            axes,
            [(point.cost / unit.size, point.mean) for point in front.points],
            labels,
            bold=[point.on_front for point in front.points],
        )
        save_figure(figure, path)
