"""Accuracy against the compression coefficient alpha, as in Figure 3 of the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dasbench.catalog import PLOTS
from dasbench.errors import UsageError
from dasbench.render.plots.figure import draw_empty, legend_below, save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.scales import set_scale
from dasbench.render.plots.style import GREY, SERIES
from dasbench.spec.study import label
from dasbench.views.means import Mean, bars, find_axis, mean_of, variants_with_scores
from dasbench.views.quantities import axis_unit, spread_title
from dasbench.views.selection import Selection

_MOST_TICKS = 12  # alphas that are joined by a line and written out, each with its cost


@dataclass(frozen=True, kw_only=True)
class AlphaInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        metric: the score's name.
        unit: of the score.
        curves: for each setting of the other axes (`""` if there are none) the mean at each alpha, by rising alpha.
    """

    question: str
    metric: str
    unit: str
    curves: Mapping[str, Sequence[tuple[float, Mean]]]


def info(selection: Selection) -> AlphaInfo:
    """Gather means by alpha, one curve for each setting of the other axes; variants without an alpha are left out.

    Raises:
        UsageError: if the study has no axis `alpha`, or varies so much else that the curves could not be told apart.
    """
    axis = find_axis(selection, "alpha", plot="alpha")
    curves: dict[str, list[tuple[float, Mean]]] = {}
    for entry in variants_with_scores(selection):
        alpha = entry.variant.get(axis)
        if not isinstance(alpha, int | float) or isinstance(alpha, bool):
            continue
        others = {key: value for key, value in entry.variant.items() if key != axis}
        parts = [entry.study] * (len({row.study for row in selection.rows}) > 1) + [label(others)] * bool(others)
        curves.setdefault(": ".join(parts), []).append((float(alpha), mean_of(entry)))
    if len(curves) > len(SERIES):
        raise UsageError(
            f"plot alpha: study '{selection.name}' has {len(curves)} settings beside {axis}, more curves than can be "
            f"told apart ({len(SERIES)}); choose some with --where"
        )
    return AlphaInfo(
        question=selection.question,
        metric=selection.metric,
        unit=selection.unit,
        curves={name: sorted(points, key=lambda point: point[0]) for name, points in curves.items()},
    )


@PLOTS.register("alpha", info=info)
def draw(sweep: AlphaInfo, path: Path) -> None:
    """Draw the curves to a PNG, SVG or PDF file."""
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FixedLocator, NullLocator

    alphas = sorted({alpha for points in sweep.curves.values() for alpha, _ in points})
    with styled_figure(sweep.question) as (figure, axes):
        for points, color in zip(sweep.curves.values(), SERIES, strict=False):
            means = [mean for _, mean in points]
            axes.errorbar(
                [alpha for alpha, _ in points],
                [mean.mean for mean in means],
                yerr=bars(means),
                fmt="o-" if len(means) <= _MOST_TICKS else "o",
                color=color,
                ecolor=color,
                elinewidth=0.8,
                capsize=3,
                markersize=5 if len(means) <= _MOST_TICKS else 3,
                linewidth=1,
            )
        if not alphas:
            draw_empty(axes, "no variant with an alpha has a result yet")
        set_scale(axes, alphas, log=None)
        if 0 < len(alphas) <= _MOST_TICKS:
            axes.xaxis.set_major_locator(FixedLocator(alphas))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xticklabels(_ticks(sweep, alphas), fontsize=8)
        axes.set_xlabel(_horizontal_title(sweep))
        spread = any(mean.ci95 is not None for points in sweep.curves.values() for _, mean in points)
        axes.set_ylabel(spread_title(sweep.metric, sweep.unit, spread=spread or not alphas))
        handles = [
            Line2D([], [], marker="o", color=color, label=figure_label(name))
            for name, color in zip(sweep.curves, SERIES, strict=False)
            if name
        ]
        legend_below(figure, handles, columns=2)
        short = sum(mean.failed > 0 for points in sweep.curves.values() for _, mean in points)
        if short:
            axes.set_title(f"{short} variants lost seeds", fontsize=8, color=GREY, loc="right")
        save_figure(figure, path)


def _ticks(sweep: AlphaInfo, alphas: Sequence[float]) -> list[str]:
    """Each alpha and, where there is one curve, what it costs."""
    if not _has_costs(sweep):
        return [f"{alpha:g}" for alpha in alphas]
    (points,) = sweep.curves.values()
    costs = {alpha: mean.cost or 0 for alpha, mean in points}
    size = axis_unit("macs_full", costs.values()).size
    return [f"{alpha:g}\n{costs[alpha] / size:.3g}" for alpha in alphas]


def _horizontal_title(sweep: AlphaInfo) -> str:
    if not _has_costs(sweep) or len(next(iter(sweep.curves.values()))) > _MOST_TICKS:
        return "alpha"
    (points,) = sweep.curves.values()
    return f"alpha; below it {axis_unit('macs_full', [mean.cost or 0 for _, mean in points]).title}"


def _has_costs(sweep: AlphaInfo) -> bool:
    """Whether there is one curve, whose costs are known."""
    return len(sweep.curves) == 1 and all(
        mean.cost is not None for points in sweep.curves.values() for _, mean in points
    )
