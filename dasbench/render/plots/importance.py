"""Which axis matters: shares of the variance as bars, those that do not stand out of the noise left hollow."""

from dataclasses import dataclass
from pathlib import Path

from dasbench.analysis.anova import HIGHER, RESIDUAL, SEEDS, Effect
from dasbench.analysis.importance import INTERACTIONS, Importance, Method, Observation, importance
from dasbench.catalog import PLOTS
from dasbench.render.plots.figure import legend_below, save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.style import GREY, PALE_GREY, RED
from dasbench.views.selection import Selection
from dasbench.views.variants import by_variant, gather

MOST = 40
"""Bars that one figure shows, the longest first."""


@dataclass(frozen=True, kw_only=True)
class ImportanceInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        metric: the score that is explained.
        found: what explains it.
    """

    question: str
    metric: str
    found: Importance


def info(selection: Selection, *, method: Method = "auto") -> ImportanceInfo:
    """Explain the scores of a study by its axes; with several studies the study is an axis too.

    Args:
        selection: rows of one study or of several.
        method: `anova`, `fanova`, or whichever the study carries.

    Raises:
        UsageError: if the study does not carry it.
    """
    several = len({row.study for row in selection.rows}) > 1
    observations = []
    for rows in by_variant(selection.rows):
        entry = gather(rows, metric=selection.metric)
        variant = {"study": entry.study, **entry.variant} if several else entry.variant
        observations += [
            Observation(variant=variant, seed=seed, score=score)
            for seed, score in entry.scores.get(selection.metric, {}).items()
        ]
    planned = [({"study": row.study, **row.variant} if several else row.variant, row.seed) for row in selection.rows]
    found = importance(observations, planned, method=method)
    return ImportanceInfo(question=selection.question, metric=selection.metric, found=found)


@PLOTS.register("importance", info=info)
def draw(explained: ImportanceInfo, path: Path) -> None:
    """Draw the shares to a PNG, SVG or PDF file."""
    from matplotlib.patches import Patch

    shown = sorted(explained.found.effects, key=lambda effect: (is_rest(effect), -effect.share))[:MOST]
    looks = [_look(effect) for effect in shown]
    with styled_figure(explained.question, height=1.8 + 0.28 * max(3, len(shown))) as (figure, axes):
        rows = range(len(shown))
        bars = axes.barh(rows, [100 * effect.share for effect in shown], height=0.65)
        for bar, (fill, edge, _) in zip(bars, looks, strict=True):
            bar.set(facecolor=fill, edgecolor=edge)
        for row, effect in zip(rows, shown, strict=True):
            axes.annotate(f"{100 * effect.share:.1f}", (100 * effect.share, row), (3, 0), textcoords="offset points",
                          va="center", fontsize=7)  # fmt: skip
        axes.set_yticks(rows, [figure_label(effect.name) for effect in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_xlim(0, 1.12 * max([100 * effect.share for effect in shown] + [1.0]))
        axes.set_xlabel(f"share of the variance of {explained.metric} (%)")
        handles = [Patch(facecolor=fill, edgecolor=edge, label=text) for fill, edge, text in dict.fromkeys(looks)]
        legend_below(figure, handles, title=headline(explained.found))
        save_figure(figure, path)


def headline(found: Importance) -> str:
    """What was analysed, and how."""
    seeds = f"{found.seeds} seed{'s' if found.seeds != 1 else ''}"
    if found.method == "anova":
        return f"Analysis of variance: {found.variants} variants, {seeds}, {found.trials} trials"
    return f"fANOVA: {found.variants} variants, {seeds}; the forest's R^2 out of bag is {found.fit:.2f}"


def is_rest(effect: Effect) -> bool:
    """Whether it is no axis and no pair of axes."""
    return effect.axes in {(SEEDS,), (HIGHER,), (RESIDUAL,), (INTERACTIONS,)}


def _look(effect: Effect) -> tuple[str, str, str]:
    """Fill, outline and the legend's word for it."""
    if is_rest(effect):
        return (PALE_GREY, PALE_GREY, "seeds, noise and what no axis or pair explains")
    if effect.p is None:
        return (GREY, GREY, "not tested")
    return (RED, RED, "resolved (Holm)") if effect.resolved else ("white", RED, "not resolved from noise")
