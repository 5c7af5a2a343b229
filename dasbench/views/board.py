"""What a leaderboard shows: summaries, rank intervals, the order of the lines, and restrictions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from dasbench.analysis.families import RankInterval
from dasbench.analysis.moderated import Noise
from dasbench.analysis.power import planning_floor
from dasbench.analysis.stats import SeedSummary, summarise_each
from dasbench.results.answers import LookRecord
from dasbench.views.comparisons.blocks import Averaged
from dasbench.views.comparisons.noise import noise_of_arms
from dasbench.views.grouping import Grouped, group_entries
from dasbench.views.lines import Line, sort_lines
from dasbench.views.ranks import MOST_RANKED_BY_ALL_PAIRS, find_ranks
from dasbench.views.selection import Selection
from dasbench.views.units import SHARES
from dasbench.views.variants import VariantScores, by_score, is_cost, leaderboard


@dataclass(frozen=True, kw_only=True)
class Board:
    """A leaderboard.

    Args:
        question: what the studies ask.
        metric: the metric that ranks.
        unit: of the metric, `""` for none.
        lines: the variants that are shown, in their order; those that a search tried and did not
            confirm come last.
        num_variants: how many there are in all.
        num_ranked: how many of them were tested for the ranks: those with a score that took part in
            no choice.
        convention: of the costs that are shown, `full` or `paper`.
        where: the filter that the trials passed, `""` for none.
        group_by: fields whose values are the lines, averaged over the other fields; empty without
            groups.
        averaged: the blocks over which groups were averaged; None where no scores were.
        looks: that the study took at its scores, oldest first.
        min_effect: smallest difference that mattered at these looks, if one was named.
        floor: planning floor of the best score of a single seed; None where it is not known or
            there is none.
        probe: scores are a formula's, nothing was trained.
        noise: that the ranks rest on; None for paired t tests.
    """

    question: str
    metric: str
    unit: str
    lines: Sequence[Line]
    num_variants: int
    num_ranked: int = 0
    convention: str
    where: str = ""
    group_by: Sequence[str] = ()
    averaged: Averaged | None = None
    looks: Sequence[LookRecord] = ()
    min_effect: float | None = None
    floor: float | None = None
    probe: bool = False
    noise: Noise | None = None

    @property
    def standing(self) -> Sequence[Line]:
        """The lines whose scores took part in no choice."""
        return [line for line in self.lines if not line.entry.is_unconfirmed]

    @property
    def tried(self) -> Sequence[Line]:
        """The lines that a search tried and did not confirm: it chose by their scores."""
        return [line for line in self.lines if line.entry.is_unconfirmed]

    @property
    def looked_at_before(self) -> Sequence[int]:
        """The smaller numbers of seeds with which ranked variants were looked at, unplanned."""
        looks: set[int] = set()
        for line in self.standing:
            if line.rank is not None:
                looks.update(line.entry.looked_at_before)
        return sorted(looks)

    @property
    def has_all_pairs(self) -> bool:
        """Whether every pair of variants was tested for the ranks."""
        return self.num_ranked <= MOST_RANKED_BY_ALL_PAIRS

    @property
    def has_different_seeds(self) -> bool:
        """Whether the variants that are ranked have scores at different seeds."""
        seeds = set()
        for line in self.standing:
            if line.entry.num_done:
                seeds.add(frozenset(line.entry.scores_of(self.metric)))
        return len(seeds) > 1


def make_board(
    selection: Selection,
    *,
    convention: str = "full",
    sort: str | None = None,
    top: int | None = None,
    group_by: Sequence[str] = (),
    all_metrics: bool = True,
) -> Board:
    """Compute a leaderboard.

    Args:
        selection: rows of one study or of several.
        convention: of the costs, `full` or `paper`.
        sort: a column, with `asc` or `desc` after it or without; by the mean of the metric by
            default.
        top: how many variants to show; all by default.
        group_by: fields whose values are ranked, averaged over the other fields.
        all_metrics: sum up every metric, not only the one that ranks and its validation part.

    Raises:
        UsageError: if a field or the column to sort by is unknown, naming the nearest.
    """
    metric = selection.metric
    shown, only = top, [metric, f"val_{metric}"]
    if sort:  # any column of any variant may come first
        shown = None
    if sort or all_metrics:
        only = []
    entries, averaged = _grouped_entries(selection, group_by, only)
    if not entries:
        group_by = ()
    entries = sorted(entries, key=attrgetter("is_unconfirmed"))
    ranked = [entry for entry in entries if entry.scores_of(metric) and not entry.is_unconfirmed]
    noise = None
    if len(ranked) <= MOST_RANKED_BY_ALL_PAIRS and not group_by:
        noise = noise_of_arms(selection, ranked, metric)
    ranks = _ranks(entries, selection, shown=shown, noise=noise)
    lines = _lines(entries[:shown], ranks[:shown], selection)
    if noise is not None:
        lines = _with_noise(lines, ranked, noise)
    if sort:
        lines = sort_lines(lines, sort, selection, convention)
        lines = sorted(lines, key=attrgetter("entry.is_unconfirmed"))[:top]
    return Board(
        question=selection.question,
        metric=metric,
        unit=selection.unit,
        lines=lines,
        num_variants=len(entries),
        num_ranked=len(ranked),
        convention=convention,
        where=selection.where,
        group_by=group_by,
        averaged=averaged,
        looks=selection.looks,
        min_effect=selection.min_effect,
        floor=_floor(lines, selection),
        probe=selection.probe,
        noise=noise,
    )


def _grouped_entries(selection: Selection, group_by: Sequence[str], only: Sequence[str]) -> Grouped:
    """The variants from the best to the worst, or groups of them."""
    metric, maximise = selection.metric, selection.direction == "max"
    entries = leaderboard(selection.rows, metric=metric, maximise=maximise, only=only)
    if not group_by:
        return Grouped(entries, None)
    groups = group_entries(entries, metric, group_by)
    return groups._replace(entries=by_score(groups.entries, metric=metric, maximise=maximise))


def _ranks(
    entries: Sequence[VariantScores],
    selection: Selection,
    *,
    shown: int | None,
    noise: Noise | None,
) -> list[RankInterval | None]:
    """The ranks that the seeds leave open.

    None where what is counted orders the variants, and of those that a search did not confirm,
    which come last.
    """
    ranks: list[RankInterval | None] = []
    if not is_cost(selection.metric):
        metric = selection.metric
        scores = [entry.scores_of(metric) for entry in entries if not entry.is_unconfirmed]
        ranks = find_ranks(scores, shown=shown, direction=selection.direction, noise=noise)
    return ranks + [None] * (len(entries) - len(ranks))


def _lines(
    entries: Sequence[VariantScores], ranks: Sequence[RankInterval | None], selection: Selection
) -> list[Line]:
    """The entries with a summary of every metric, the one that ranks first."""
    summaries: list[dict[str, SeedSummary]] = [{} for _ in entries]
    failed = [entry.failed for entry in entries]
    for metric in _metrics(entries, selection):
        values = [list(entry.scores_of(metric).values()) for entry in entries]
        found = summarise_each(values, failed, direction=selection.direction_of(metric))
        for own, summary in zip(summaries, found, strict=True):
            own[metric] = summary
    return [
        Line(entry=entry, summaries=own, rank=rank)
        for entry, own, rank in zip(entries, summaries, ranks, strict=True)
    ]


def _with_noise(lines: Sequence[Line], ranked: Sequence[VariantScores], noise: Noise) -> list[Line]:
    """The lines with their own noise, where they are ranked."""
    place = {id(entry): row for row, entry in enumerate(ranked)}
    known = []
    for line in lines:
        row = place.get(id(line.entry))
        own = None if row is None else noise.take([row])
        known.append(replace(line, noise=own))
    return known


def _metrics(entries: Sequence[VariantScores], selection: Selection) -> list[str]:
    """What was measured, the metric that ranks first."""
    measured: set[str] = set()
    for entry in entries:
        measured.update(entry.scores)
    others = sorted(measured - {selection.metric})
    if is_cost(selection.metric):
        return others
    return [selection.metric, *others]


def _floor(lines: Sequence[Line], selection: Selection) -> float | None:
    """The planning floor of the first score of a single seed, where it is known."""
    metric = selection.metric
    line = next((line for line in lines if line.entry.num_done == 1), None)
    if line is None or is_cost(metric):
        return None
    return seed_floor(metric, line.summaries[metric].mean, selection.num_test_examples)


def seed_floor(metric: str, score: float | None, num_test_examples: int | None) -> float | None:
    """The planning floor of a score of a single seed.

    None where no such noise is known of the metric, or the size of the test part is not.
    """
    if metric not in SHARES or not num_test_examples:
        return None
    if score is None or not 0 <= score < 100:
        return None
    return planning_floor(score, num_test_examples)
