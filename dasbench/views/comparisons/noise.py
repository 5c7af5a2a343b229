"""The noise behind every test of a study: that of all its arms, whatever was asked about."""

from collections.abc import Sequence

from dasbench.analysis.families import seed_table
from dasbench.analysis.moderated import Noise, noise_of
from dasbench.views.selection import Selection
from dasbench.views.units import example_worth
from dasbench.views.variants import VariantScores, gather_all, is_cost


def noise_of_arms(
    selection: Selection, entries: Sequence[VariantScores], metric: str
) -> Noise | None:
    """The noise of some variants in a metric, by one prior from all variants before any filter.

    Args:
        selection: rows of one study, or of several, which then share a prior.
        entries: some of its variants, or all, in any order.
        metric: a measured metric.

    Returns:
        The noise in the order of `entries`; None for paired t tests: where they were asked for,
        where too little is known of noise, and for entries that are no variants, as groups.
    """
    if selection.test == "t" or is_cost(metric):
        return None
    every = selection.every or selection.rows
    arms = entries
    if sum(entry.planned for entry in entries) < len(every):
        arms = gather_all(every, metric=metric, only=[metric])
    noise = noise_of_entries(arms, metric, num_test_examples=selection.num_test_examples)
    if noise is None or arms is entries:
        return noise
    place = {(arm.study, arm.label): row for row, arm in enumerate(arms)}
    rows = [place.get((entry.study, entry.label), -1) for entry in entries]
    if -1 in rows:
        return None
    return noise.take(rows)


def noise_of_entries(
    arms: Sequence[VariantScores], metric: str, *, num_test_examples: int | None = None
) -> Noise | None:
    """The noise of variants that are all there are.

    Args:
        arms: every variant of a study, or of a file of scores.
        metric: a measured metric.
        num_test_examples: size of the test part, if it is known.
    """
    table = seed_table({row: arm.scores_of(metric) for row, arm in enumerate(arms)})
    return noise_of(table, step=example_worth(metric, num_test_examples))
