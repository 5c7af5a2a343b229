"""Means over seeds with their intervals, for every chart that shows variants one by one."""

from dataclasses import dataclass
from itertools import chain

from dasbench.analysis.stats import summarise
from dasbench.errors import UsageError
from dasbench.views.selection import Selection
from dasbench.views.variants import VariantScores, by_variant, gather


@dataclass(frozen=True, kw_only=True)
class SeedMean:
    """One variant's mean score.

    Args:
        mean: mean over seeds.
        ci95: half its 95 % interval, None for one seed.
        n: seeds with a score.
        failed: seeds without.
        cost: multiply-adds in the full convention, None if unknown.
    """

    mean: float
    ci95: float | None
    n: int
    failed: int
    cost: int | None


def variants_with_scores(selection: Selection) -> list[VariantScores]:
    """Every variant that has a score, in the order of the study."""
    entries = [gather(rows, metric=selection.metric) for rows in by_variant(selection.rows)]
    return [entry for entry in entries if entry.scores.get(selection.metric)]


def mean_of(entry: VariantScores) -> SeedMean:
    """One variant's mean score with its interval."""
    summary = summarise(list(entry.scores[entry.metric].values()), failed=entry.failed)
    assert summary.mean is not None
    return SeedMean(
        mean=summary.mean,
        ci95=summary.half_width,
        n=summary.n,
        failed=summary.failed,
        cost=entry.cost.macs_full if entry.cost else None,
    )


def find_axis(selection: Selection, last_part: str, *, plot: str) -> str:
    """The varied field whose key ends so (`gate.alpha` for `alpha`).

    Raises:
        UsageError: if the study varies no such field, naming those that it does; or several.
    """
    axes = axes_of(selection)
    found = [axis for axis in axes if axis == last_part or axis.endswith(f".{last_part}")]
    if len(found) == 1:
        return found[0]
    if found:
        varied = " and ".join(found)
        raise UsageError(
            f"plot {plot}: study '{selection.name}' varies {varied}; one axis can be shown"
        )
    listed = ", ".join(axes) or "nothing"
    raise UsageError(
        f"plot {plot}: study '{selection.name}' has no axis '{last_part}'; it varies {listed}."
    )


def axes_of(selection: Selection) -> list[str]:
    """Every field that the selection's variants name."""
    return list(dict.fromkeys(chain.from_iterable(row.variant for row in selection.rows)))


def has_several_studies(selection: Selection) -> bool:
    """Whether its trials belong to more than one study."""
    return len({row.study for row in selection.rows}) > 1
