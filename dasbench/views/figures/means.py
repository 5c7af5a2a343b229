"""Means over seeds with their intervals, for every chart that shows variants one by one."""

from dataclasses import dataclass
from itertools import chain

from dasbench.analysis.stats import summarise
from dasbench.errors import UsageError
from dasbench.views.selection import Selection
from dasbench.views.variants import VariantScores, gather_all, known_counts


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
    entries = gather_all(selection.rows, metric=selection.metric)
    return [entry for entry in entries if entry.scores_of(selection.metric)]


def mean_of(entry: VariantScores) -> SeedMean:
    """One variant's mean score with its interval."""
    summary = summarise(list(entry.scores[entry.metric].values()), failed=entry.failed)
    assert summary.mean is not None
    return SeedMean(
        mean=summary.mean,
        ci95=summary.half_width,
        n=summary.n,
        failed=summary.failed,
        cost=known_counts(entry.cost).get("macs_full"),
    )


def find_axis(selection: Selection, last_part: str, *, plot: str) -> str:
    """The varied field whose key ends so (`gate.alpha` for `alpha`).

    Raises:
        UsageError: if the study varies no such field, naming those that it does; or several.
    """
    found = [axis for axis in axes_of(selection) if f".{axis}".endswith(f".{last_part}")]
    if len(found) == 1:
        return found[0]
    if found:
        varied = " and ".join(found)
        raise UsageError(
            f"plot {plot}: study '{selection.name}' varies {varied}; one axis can be shown"
        )
    raise no_axis(selection, last_part, plot=plot)


def no_axis(selection: Selection, name: str, *, plot: str) -> UsageError:
    """What is said where a plot needs an axis that the study has not."""
    listed = ", ".join(axes_of(selection)) or "nothing"
    return UsageError(
        f"plot {plot}: study '{selection.name}' has no axis '{name}'; it varies {listed}."
    )


def axes_of(selection: Selection) -> list[str]:
    """Every field that the selection's variants name."""
    return list(dict.fromkeys(chain.from_iterable(row.variant for row in selection.rows)))


def has_several_studies(selection: Selection) -> bool:
    """Whether its trials belong to more than one study."""
    return len({row.study for row in selection.rows}) > 1
