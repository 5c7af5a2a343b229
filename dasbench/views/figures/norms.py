"""The score of each pair of the gate's norms, as in Table 5 of the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dasbench.analysis.families import rank_intervals
from dasbench.errors import UsageError
from dasbench.records import Row
from dasbench.views.comparisons.noise import noise_of_arms
from dasbench.views.figures.means import SeedMean, axes_of, find_axis, mean_of, variants_with_scores
from dasbench.views.selection import Selection
from dasbench.views.variants import VariantScores

NormPair = tuple[str, str]
"""The first norm and the second."""


@dataclass(frozen=True, kw_only=True)
class NormsInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        metric: the score's name.
        unit: of the score, `""` for none.
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
    cells: Mapping[NormPair, SeedMean]
    ties: frozenset[NormPair]
    best: NormPair | None


def info(selection: Selection) -> NormsInfo:
    """Gather means by pair of norms, and which pairs tie with the best.

    Raises:
        UsageError: if the study lacks one of the two axes, or several variants have the same pair
            of norms.
    """
    axes = (
        find_axis(selection, "first_norm", plot="norms"),
        find_axis(selection, "second_norm", plot="norms"),
    )
    scores: dict[NormPair, Mapping[int, float]] = {}
    cells: dict[NormPair, SeedMean] = {}
    by_pair = _by_pair(selection, axes)
    for pair, entry in by_pair.items():
        scores[pair] = entry.scores_of(selection.metric)
        cells[pair] = mean_of(entry)
    best, ties = None, set()
    noise = noise_of_arms(selection, list(by_pair.values()), selection.metric)
    ranks = rank_intervals(scores, direction=selection.direction, noise=noise)
    for pair, rank in ranks.items():
        if rank.best:
            best = pair
        elif rank.ties_with_best:
            ties.add(pair)
    planned = [row for row in selection.rows if set(axes) <= set(row.variant)]
    return NormsInfo(
        question=selection.question,
        metric=selection.metric,
        unit=selection.unit,
        maximise=selection.direction == "max",
        first=_norms(planned, axes[0]),
        second=_norms(planned, axes[1]),
        cells=cells,
        ties=frozenset(ties),
        best=best,
    )


def _norms(rows: Sequence[Row], axis: str) -> list[str]:
    """The norms on an axis, in the order of the study."""
    return list(dict.fromkeys(str(row.variant[axis]) for row in rows))


def _by_pair(selection: Selection, axes: tuple[str, str]) -> dict[NormPair, VariantScores]:
    """The variant of each pair of norms that has a score."""
    entries: dict[NormPair, VariantScores] = {}
    for entry in variants_with_scores(selection):
        if not set(axes) <= set(entry.variant):
            continue
        pair = str(entry.variant[axes[0]]), str(entry.variant[axes[1]])
        if pair in entries:
            others = [axis for axis in axes_of(selection) if axis not in axes]
            raise UsageError(
                f"plot norms: several variants have the norms {pair[0]} and {pair[1]}, "
                f"as {', '.join(others) or 'the study'} varies too; choose one setting with `where`"
            )
        entries[pair] = entry
    return entries
