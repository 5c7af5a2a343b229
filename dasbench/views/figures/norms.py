"""The score of each pair of the gate's norms, as in Table 5 of the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dasbench.analysis.families import rank_intervals
from dasbench.errors import UsageError
from dasbench.spec.plain import Variant
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
    entries = _by_pair(selection, axes)
    planned = _planned_pairs(selection, axes)
    scores = {pair: entry.scores[selection.metric] for pair, entry in entries.items()}
    ranks = rank_intervals(scores, direction=selection.direction)
    return NormsInfo(
        question=selection.question,
        metric=selection.metric,
        unit=selection.unit,
        maximise=selection.direction == "max",
        first=list(dict.fromkeys(first for first, _ in planned)),
        second=list(dict.fromkeys(second for _, second in planned)),
        cells={pair: mean_of(entry) for pair, entry in entries.items()},
        ties=frozenset(
            pair for pair, rank in ranks.items() if rank.ties_with_best and not rank.best
        ),
        best=next((pair for pair, rank in ranks.items() if rank.best), None),
    )


def _planned_pairs(selection: Selection, axes: tuple[str, str]) -> list[NormPair]:
    """The norms of every trial, in the order of the study."""
    return [_pair(row.variant, axes) for row in selection.rows if set(axes) <= set(row.variant)]


def _by_pair(selection: Selection, axes: tuple[str, str]) -> dict[NormPair, VariantScores]:
    """The variant of each pair of norms that has a score."""
    entries: dict[NormPair, VariantScores] = {}
    for entry in variants_with_scores(selection):
        if not set(axes) <= set(entry.variant):
            continue
        pair = _pair(entry.variant, axes)
        if pair in entries:
            others = [axis for axis in axes_of(selection) if axis not in axes]
            raise UsageError(
                f"plot norms: several variants have the norms {pair[0]} and {pair[1]}, "
                f"as {', '.join(others) or 'the study'} varies too; choose one setting with --where"
            )
        entries[pair] = entry
    return entries


def _pair(variant: Variant, axes: tuple[str, str]) -> NormPair:
    """The norms of a variant."""
    return str(variant[axes[0]]), str(variant[axes[1]])
