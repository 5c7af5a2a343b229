"""Which axis matters: shares of the variance as bars, those that do not stand out of the noise left hollow."""

from pathlib import Path
from typing import NamedTuple

from dasbench.analysis.anova import HIGHER, RESIDUAL, SEEDS, Effect
from dasbench.analysis.importance import INTERACTIONS
from dasbench.catalog import PLOTS
from dasbench.render.importance import headline
from dasbench.render.plots.figure import legend_below, save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.style import GREY, PALE_GREY, RED
from dasbench.views.figures.importance import ImportanceInfo, info

MOST_BARS = 40
"""Bars that one figure shows, the longest first."""

_ROOM = 1.12  # of the longest bar: its number stands beside it


class BarLook(NamedTuple):
    """How a bar is drawn, and what the legend says of it."""

    fill: str
    edge: str
    title: str


@PLOTS.register("importance", info=info)
def draw(explained: ImportanceInfo, path: Path) -> None:
    """Draw the shares to a PNG, SVG or PDF file."""
    from matplotlib.patches import Patch

    shown = sorted(explained.found.effects, key=lambda effect: (is_rest(effect), -effect.share))[
        :MOST_BARS
    ]
    shares = [100 * effect.share for effect in shown]
    looks = [_look(effect) for effect in shown]
    with styled_figure(explained.question, height=1.8 + 0.28 * max(3, len(shown))) as (
        figure,
        axes,
    ):
        rows = range(len(shown))
        axes.barh(
            rows,
            shares,
            height=0.65,
            color=[look.fill for look in looks],
            edgecolor=[look.edge for look in looks],
        )
        for row, share in zip(rows, shares, strict=True):
            axes.annotate(
                f"{share:.1f}",
                (share, row),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
            )
        axes.set_yticks(rows, [figure_label(effect.name) for effect in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_xlim(0, min(100.0, _ROOM * max([*shares, 1.0])))
        axes.set_xlabel(f"share of the variance of {explained.metric} (%)")
        handles = [
            Patch(facecolor=look.fill, edgecolor=look.edge, label=look.title)
            for look in dict.fromkeys(looks)
        ]
        legend_below(figure, handles, title=headline(explained.found))
        save_figure(figure, path)


def is_rest(effect: Effect) -> bool:
    """Whether it is no axis and no pair of axes."""
    return effect.axes in {(SEEDS,), (HIGHER,), (RESIDUAL,), (INTERACTIONS,)}


def _look(effect: Effect) -> BarLook:
    """How the bar of an effect is drawn."""
    if is_rest(effect):
        return BarLook(PALE_GREY, PALE_GREY, "seeds, noise and what no axis or pair explains")
    if effect.p is None:
        return BarLook(GREY, GREY, "not tested")
    return (
        BarLook(RED, RED, "resolved (Holm)")
        if effect.resolved
        else BarLook("white", RED, "not resolved from noise")
    )
