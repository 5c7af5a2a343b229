"""Accuracy of each pair of the gate's norms as a heat map, as in Table 5 of the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dasbench.analysis.families import rank_intervals
from dasbench.catalog import PLOTS
from dasbench.errors import UsageError
from dasbench.render.plots.figure import save_figure, styled_figure
from dasbench.render.plots.labels import figure_label
from dasbench.render.plots.style import INK, PALE_GREY, RED
from dasbench.views.means import Mean, axes_of, find_axis, mean_of, variants_with_scores
from dasbench.views.quantities import score_title
from dasbench.views.selection import Selection

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class NormsInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        metric: the score's name.
        unit: of the score.
        maximise: whether more of it is better.
        first: norms before the deformable convolution, in the order of the study.
        second: norms after it.
        cells: mean score by pair; pairs without a score are missing.
        ties: pairs that are not significantly worse than the best.
        best: the pair with the best mean, None without scores.
    """

    question: str
    metric: str
    unit: str
    maximise: bool
    first: Sequence[str]
    second: Sequence[str]
    cells: Mapping[Pair, Mean]
    ties: frozenset[Pair]
    best: Pair | None


def info(selection: Selection) -> NormsInfo:
    """Gather means by pair of norms, and which pairs tie with the best.

    Raises:
        UsageError: if the study lacks one of the two axes, or several variants have the same pair of norms.
    """
    first = find_axis(selection, "first_norm", plot="norms")
    second = find_axis(selection, "second_norm", plot="norms")
    rows = [row for row in selection.rows if first in row.variant and second in row.variant]
    cells: dict[Pair, Mean] = {}
    scores: dict[Pair, Mapping[int, float]] = {}
    for entry in variants_with_scores(selection):
        if first not in entry.variant or second not in entry.variant:
            continue
        pair = (str(entry.variant[first]), str(entry.variant[second]))
        if pair in cells:
            others = ", ".join(axis for axis in axes_of(selection) if axis not in (first, second)) or "the study"
            raise UsageError(
                f"plot norms: several variants have the norms {pair[0]} and {pair[1]}, as {others} varies too; "
                "choose one setting with --where"
            )
        cells[pair], scores[pair] = mean_of(entry), entry.scores[selection.metric]
    ranks = rank_intervals(scores, direction=selection.direction)
    return NormsInfo(
        question=selection.question,
        metric=selection.metric,
        unit=selection.unit,
        maximise=selection.direction == "max",
        first=list(dict.fromkeys(str(row.variant[first]) for row in rows)),
        second=list(dict.fromkeys(str(row.variant[second]) for row in rows)),
        cells=cells,
        ties=frozenset(pair for pair, rank in ranks.items() if rank.ties_with_best and not rank.best),
        best=next((pair for pair, rank in ranks.items() if rank.best), None),
    )


@PLOTS.register("norms", info=info)
def draw(pairs: NormsInfo, path: Path) -> None:
    """Draw the heat map to a PNG, SVG or PDF file; pairs without a score are crossed out."""
    import numpy as np

    means = np.full((len(pairs.first), len(pairs.second)), np.nan)
    for (first, second), mean in pairs.cells.items():
        means[pairs.first.index(first), pairs.second.index(second)] = mean.mean
    with styled_figure(pairs.question, height=max(4.0, 0.75 * len(pairs.first) + 2.0)) as (figure, axes):
        axes.grid(visible=False)
        image = axes.imshow(means, cmap="Blues" if pairs.maximise else "Blues_r", aspect="auto")
        figure.colorbar(image, ax=axes, label=f"{score_title(pairs.metric, pairs.unit)}, mean over seeds", shrink=0.9)
        _write_cells(axes, pairs, image)
        axes.set_xticks(range(len(pairs.second)), [figure_label(norm, longest=16) for norm in pairs.second])
        axes.set_yticks(range(len(pairs.first)), [figure_label(norm, longest=16) for norm in pairs.first])
        axes.set_ylabel("first norm")
        axes.set_xlabel(f"second norm\n{_key(pairs)}")
        save_figure(figure, path)


def _write_cells(axes: "Axes", pairs: NormsInfo, image: object) -> None:
    """Mean, interval and number of seeds in each cell; a frame around those that tie with the best."""
    import numpy as np
    from matplotlib.cm import ScalarMappable
    from matplotlib.patches import Rectangle

    assert isinstance(image, ScalarMappable)
    for row, first in enumerate(pairs.first):
        for column, second in enumerate(pairs.second):
            mean = pairs.cells.get((first, second))
            if mean is None:
                axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=PALE_GREY))
                axes.text(column, row, "no score", ha="center", va="center", fontsize=7, color=INK)
                continue
            red, green, blue, _ = image.to_rgba(np.array([mean.mean]))[0]
            color = "white" if 0.3 * red + 0.6 * green + 0.1 * blue < 0.5 else INK
            best = (first, second) == pairs.best
            weight = "bold" if best else "normal"
            axes.text(column, row, _cell(mean), ha="center", va="center", fontsize=8, color=color, fontweight=weight)
            if best or (first, second) in pairs.ties:
                frame = Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, fill=False, edgecolor=RED)
                frame.set(linewidth=2 if best else 1, linestyle="-" if best else "--")
                axes.add_patch(frame)


def _cell(mean: Mean) -> str:
    """`97.31`, its interval below, and the seeds if some failed."""
    lines = [f"{mean.mean:.2f}"]
    if mean.ci95 is not None:
        lines.append(f"± {mean.ci95:.2f}")
    if mean.failed:
        lines.append(f"{mean.n} of {mean.n + mean.failed} seeds")
    return "\n".join(lines)


def _key(pairs: NormsInfo) -> str:
    if not pairs.cells:
        return "no pair has a result yet"
    interval = "±: 95 % interval of the mean; " if any(mean.ci95 is not None for mean in pairs.cells.values()) else ""
    return f"{interval}solid frame: best mean; dashed: not distinguishable from the best"
