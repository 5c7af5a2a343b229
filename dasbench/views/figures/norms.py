"""The score of each pair of the gate's norms, as in Table 5 of the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dasbench.analysis.families import rank_intervals
from dasbench.errors import UsageError
from dasbench.views.means import Mean, axes_of, find_axis, is_percent, mean_of, variants_with_scores
from dasbench.views.selection import Selection

NormPair = tuple[str, str]
"""The first norm and the second."""


@dataclass(frozen=True, kw_only=True)
class NormsInfo:
    """All that the figure shows.

    Args:
        question: what the study asks.
        metric: the score's name.
        percent: whether it is a share in percent.
        maximise: whether more of it is better.
        first: norms before the deformable convolution, in the order of the study.
        second: norms after it.
        cells: mean score by pair; pairs without a score are missing.
        ties: pairs that are not significantly worse than the best.
        best: the pair with the best mean, None without scores.
    """

    question: str
    metric: str
    percent: bool
    maximise: bool
    first: Sequence[str]
    second: Sequence[str]
    cells: Mapping[NormPair, Mean]
    ties: frozenset[NormPair]
    best: NormPair | None


def info(selection: Selection) -> NormsInfo:
    """Gather means by pair of norms, and which pairs tie with the best.

    Raises:
        UsageError: if the study lacks one of the two axes, or several variants have the same pair of norms.
    """
    first = find_axis(selection, "first_norm", plot="norms")
    second = find_axis(selection, "second_norm", plot="norms")
    rows = [row for row in selection.rows if first in row.variant and second in row.variant]
    cells: dict[NormPair, Mean] = {}
    scores: dict[NormPair, Mapping[int, float]] = {}
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
    ranks = rank_intervals(scores, direction="max" if selection.maximise else "min")
    return NormsInfo(
        question=selection.question,
        metric=selection.metric,
        percent=is_percent(selection.metric),
        maximise=selection.maximise,
        first=list(dict.fromkeys(str(row.variant[first]) for row in rows)),
        second=list(dict.fromkeys(str(row.variant[second]) for row in rows)),
        cells=cells,
        ties=frozenset(pair for pair, rank in ranks.items() if rank.ties_with_best and not rank.best),
        best=next((pair for pair, rank in ranks.items() if rank.best), None),
    )
