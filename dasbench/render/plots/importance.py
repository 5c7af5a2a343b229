"""Which axis matters: shares of the variance as bars, hollow where they do not leave the noise."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dasbench.analysis.anova import HIGHER, RESIDUAL, SEEDS, Effect
from dasbench.analysis.importance import INTERACTIONS
from dasbench.catalog import PLOTS
from dasbench.render.importance import headline, importance_records
from dasbench.render.plots.captions import CaptionedPlot
from dasbench.render.plots.figure import legend_below, save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.style import GREY, PALE_GREY, RED
from dasbench.views.figures.importance import ImportanceInfo, info
from dasbench.views.figures.means import axes_of
from dasbench.views.selection import Selection

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 40
"""Bars that one figure shows, the longest first."""

_ROOM = 1.12  # of the longest bar: its number stands beside it


class BarLook(NamedTuple):
    """How a bar is drawn, and what the legend says of it."""

    fill: str
    edge: str
    title: str


REST = BarLook(PALE_GREY, PALE_GREY, "seeds, noise and what no axis or pair explains")
NOT_TESTED = BarLook(GREY, GREY, "not tested")
RESOLVED = BarLook(RED, RED, "resolved (Holm)")
NOT_RESOLVED = BarLook("white", RED, "not resolved from noise")


def captioned(selection: Selection, convention: str) -> CaptionedPlot:
    """The plot in a report."""
    del convention  # it shows no costs
    explained = info(selection)
    caption = f"Share of the variance of {explained.metric} by axis. {headline(explained.found)}."
    for note in explained.found.notes:
        caption += f" Note: {note}."
    return CaptionedPlot(
        name="importance",
        caption=caption,
        records=importance_records(explained.found),
        draw=partial(draw, explained),
        why_not=_why_it_says_nothing(explained, axes_of(selection)),
    )


def _why_it_says_nothing(explained: ImportanceInfo, axes: Sequence[str]) -> str:
    """Why the shares say nothing; `""` if they do."""
    if len(axes) == 1:
        return f"the study varies {axes[0]} alone, which explains all but chance"
    fit = explained.found.fit
    if fit is not None and fit <= 0:
        return "a forest fitted to the scores explains nothing of those that it did not see"
    return ""


@PLOTS.register("importance", info=info, captioned=captioned, report_place=5)
def draw(explained: ImportanceInfo, path: Path) -> None:
    """Draw the shares to a PNG, SVG or PDF file."""
    from matplotlib.patches import Patch

    ordered = sorted(explained.found.effects, key=lambda effect: (is_rest(effect), -effect.share))
    shown = ordered[:MOST_BARS]
    longest = 1.0
    handles = {}
    height = 1.8 + 0.28 * max(3, len(shown))
    with styled_figure(explained.question, height=height) as (figure, axes):
        for row, effect in enumerate(shown):
            look, share = _bar_look(effect), 100 * effect.share
            _draw_bar(axes, row, share, look)
            handles[look] = Patch(facecolor=look.fill, edgecolor=look.edge, label=look.title)
            longest = max(longest, share)
        axes.set_yticks(range(len(shown)), [figure_label(effect.name) for effect in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_xlim(0, min(100.0, _ROOM * longest))
        axes.set_xlabel(f"share of the variance of {explained.metric} (%)")
        legend_below(figure, list(handles.values()), title=headline(explained.found))
        save_figure(figure, path)


def _draw_bar(axes: "Axes", row: int, share: float, look: BarLook) -> None:
    """One bar, with its number beside it."""
    axes.barh(row, share, height=0.65, color=look.fill, edgecolor=look.edge)
    number = axes.annotate(f"{share:.1f}", (share, row), (3, 0), textcoords="offset points")
    number.set(va="center", fontsize=7)


def is_rest(effect: Effect) -> bool:
    """Whether it is no axis and no pair of axes."""
    return effect.axes in {(SEEDS,), (HIGHER,), (RESIDUAL,), (INTERACTIONS,)}


def _bar_look(effect: Effect) -> BarLook:
    """How the bar of an effect is drawn."""
    if is_rest(effect):
        return REST
    if effect.p is None:
        return NOT_TESTED
    if effect.resolved:
        return RESOLVED
    return NOT_RESOLVED
