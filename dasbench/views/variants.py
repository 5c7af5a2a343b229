"""The leaderboard's entries: rows gathered by variant, with scores by seed and exact costs."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from math import fsum, isfinite, nan

from dasbench.records import COST_FIELDS, Cost, Row, State
from dasbench.spec.plain import Variant
from dasbench.views.search_roles import CONFIRM, fresh_rows, is_confirmed

as_text = json.JSONEncoder(sort_keys=True, default=str).encode
"""Plain data as a text, equal for equal data."""


@dataclass(frozen=True, kw_only=True)
class VariantScores:
    """One variant of a study.

    Args:
        variant: the varied fields and their values.
        label: the same in a few words.
        planned: number of trials, one a seed.
        failed: how many of them ended without a finite score.
        scores: finite value of each metric by seed, of the trials that are done.
        cost: exact cost, None before the first trial is done.
        seconds: mean training time of a trial.
        peak_memory: bytes at the most.
        metric: the metric that ranks it.
        states: number of trials by state or, where there is no score, by reason.
        probe: scores are a formula's, nothing was trained.
        study: the study that it belongs to.
        keys: its trials, in the order of the study.
        selected: the mean by metric that a search saw when it picked the variant; `scores` are then
            those of fresh seeds.
        repeats: how many of its trials' results have replaced an earlier one.
        confirmed: `scores` are those of fresh seeds; False if a search proposed it and saw them,
            None if none did.
        looked_at_before: with how many of its seeds it was looked at without a plan of looks,
            where it has more now.
    """

    variant: Variant
    label: str
    planned: int
    failed: int
    scores: Mapping[str, Mapping[int, float]]
    cost: Cost | None
    seconds: float
    peak_memory: int
    metric: str = "top1"
    states: Mapping[str, int] = field(default_factory=dict)
    probe: bool = False
    study: str = ""
    keys: Sequence[str] = ()
    selected: Mapping[str, float] = field(default_factory=dict)
    repeats: int = 0
    confirmed: bool | None = None
    looked_at_before: Collection[int] = ()

    @property
    def num_done(self) -> int:
        """Number of seeds with a score; if nothing measured ranks them, of trials with a result."""
        if self.metric in self.scores or not is_cost(self.metric):
            return len(self.scores_of(self.metric))
        return max(map(len, self.scores.values()), default=0)

    @property
    def is_unconfirmed(self) -> bool:
        """Whether a search tried it and did not confirm it: its scores took part in a choice."""
        return self.confirmed is False

    def scores_of(self, metric: str) -> Mapping[int, float]:
        """Its value of a metric by seed; empty without one."""
        return self.scores.get(metric, {})


def leaderboard(
    rows: Sequence[Row],
    *,
    metric: str = "top1",
    maximise: bool = True,
    only: Sequence[str] | None = None,
) -> list[VariantScores]:
    """Gather rows by variant and sort them by the mean of a metric, those without a result last.

    Only trials that are done give scores. One that is done without a finite value of the metric
    counts as failed.

    Args:
        rows: trials of one study, or of several, whose variants stay apart.
        metric: a measured metric or a counted cost (`macs`, `params_paper`, ...).
        maximise: whether larger is better.
        only: which metrics to gather, all by default.

    Example:
        >>> def row(gate, top1):
        ...     return Row(study="s", key=gate, variant={"gate": gate}, label=gate, seed=0,
        ...                state="done", metrics={"top1": top1})
        >>> ranking = leaderboard([row("a", 1.5), row("b", 4.0)])
        >>> [(ranked.label, score(ranked, "top1")) for ranked in ranking]
        [('b', 4.0), ('a', 1.5)]
    """
    return by_score(gather_all(rows, metric=metric, only=only), metric=metric, maximise=maximise)


def gather_all(
    rows: Iterable[Row], *, metric: str = "top1", only: Sequence[str] | None = None
) -> list[VariantScores]:
    """One entry for each variant of the rows, in the order in which the variants come first."""
    return [gather(group, metric=metric, only=only) for group in by_variant(rows)]


def by_variant(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows by study, variant and code, in the order in which the variants come first."""
    texts: dict[int, str] = {}  # rows of one variant usually share one object
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        for shared in (row.variant, row.code):
            if id(shared) not in texts:
                texts[id(shared)] = as_text(shared)
        groups[row.study, texts[id(row.variant)], texts[id(row.code)]].append(row)
    return list(groups.values())


def gather(
    rows: Sequence[Row], *, metric: str = "top1", only: Sequence[str] | None = None
) -> VariantScores:
    """One entry from the rows of one variant; of a search's winner, from its fresh seeds."""
    fresh = fresh_rows(rows)
    if not is_confirmed(rows) or len(fresh) == len(rows):
        return _entry(rows, metric, only)
    others = [row for row in rows if row.role != CONFIRM]
    picked = _entry(others, metric, only)
    selected = {name: _mean(by_seed) for name, by_seed in picked.scores.items()}
    return replace(_entry(fresh, metric, only), selected=selected)


def _entry(rows: Sequence[Row], metric: str, only: Sequence[str] | None) -> VariantScores:
    """One entry from rows whose scores are of one kind: of a search, or of fresh seeds."""
    done = [row for row in rows if row.is_done]
    scores = _finite_scores(done, only)
    scored = len(done)
    if not is_cost(metric):
        scored = len(scores.get(metric, ()))
    failed = sum(row.state == State.FAILED for row in rows)
    return VariantScores(
        variant=rows[0].variant,
        label=rows[0].label,
        planned=len(rows),
        failed=failed + len(done) - scored,
        scores=scores,
        cost=first_cost(rows),
        seconds=fsum(row.seconds for row in done) / max(1, len(done)),
        peak_memory=max(row.peak_memory for row in rows),
        metric=metric,
        states=_count_states(rows, metric, scored=scored),
        probe=any(row.task == "probe" for row in rows),
        study=rows[0].study,
        keys=[row.key for row in rows],
        repeats=sum(row.repeats > 0 for row in rows),
        confirmed=is_confirmed(rows),
        looked_at_before=_earlier_looks(rows),
    )


def _earlier_looks(rows: Sequence[Row]) -> set[int]:
    """With how many of its seeds a variant was looked at before, where these are not all."""
    seeds, numbers = {row.seed for row in rows}, set()
    for look in chain.from_iterable(row.looked_at for row in rows):
        numbers.add(len(seeds.intersection(look)))
    return {number for number in numbers if 1 < number < len(seeds)}


def first_cost(rows: Iterable[Row]) -> Cost | None:
    """The first cost that is known; None before there is one."""
    return next((row.cost for row in rows if row.cost), None)


def _count_states(rows: Sequence[Row], metric: str, *, scored: int) -> Mapping[str, int]:
    if scored == len(rows):
        return {"done": scored}
    return Counter(_state(row, metric) for row in rows)


def _finite_scores(rows: Sequence[Row], only: Sequence[str] | None) -> dict[str, dict[int, float]]:
    """Finite value of each metric by seed, without the metrics that have none."""
    scores: dict[str, dict[int, float]] = {}
    for name in only or dict.fromkeys(chain.from_iterable(row.metrics for row in rows)):
        by_seed: dict[int, float] = {}
        for row in rows:
            value = row.metrics.get(name)
            if value is not None and isfinite(value):
                by_seed[row.seed] = value
        if by_seed:
            scores[name] = by_seed
    return scores


def by_score(
    entries: Sequence[VariantScores], *, metric: str, maximise: bool
) -> list[VariantScores]:
    """The entries from the best to the worst, those without a value last; equal ones by label."""

    def position(entry: VariantScores) -> tuple[bool, float, str]:
        value = score(entry, metric)
        if value is None:
            return True, 0.0, entry.label
        if maximise:
            value = -value
        return False, value, entry.label

    return sorted(entries, key=position)


def score(entry: VariantScores, metric: str) -> float | None:
    """The mean of a measured metric over seeds, or a counted cost; None if there is none yet."""
    if metric in entry.scores:
        return _mean(entry.scores[metric])
    name = cost_field(metric)
    if entry.cost is None or name is None:
        return None
    return float(getattr(entry.cost, name))


def mean_score(scores: Mapping[int, float]) -> float | None:
    """The mean over seeds; None without a score."""
    if not scores:
        return None
    return _mean(scores)


def _mean(scores: Mapping[int, float]) -> float:
    return fsum(scores.values()) / len(scores)


def known_counts(cost: Cost | None) -> dict[str, int]:
    """The parameters and multiply-adds of a cost by convention; empty where it is not known."""
    if cost is None:
        return {}
    return cost.counts


def cost_field(metric: str) -> str | None:
    """The field of a cost that a metric names; None if it is measured.

    Example:
        >>> cost_field("macs"), cost_field("params_paper"), cost_field("top1")
        ('macs_full', 'params_paper', None)
    """
    for name in (metric, f"{metric}_full"):
        if name in COST_FIELDS:
            return name
    return None


def is_cost(metric: str) -> bool:
    """Whether a metric is counted, not measured."""
    return cost_field(metric) is not None


def _state(row: Row, metric: str) -> str:
    """How a trial counts: its state, why it failed, or that it is done without a finite score."""
    if not row.is_done or is_cost(metric) or isfinite(row.metrics.get(metric, nan)):
        return row.reason or row.state
    if metric in row.metrics:
        return "nan"
    return f"no {metric}"
