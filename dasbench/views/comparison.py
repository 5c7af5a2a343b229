"""Is the difference real? Two variants, two groups of variants, or every variant against a baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import fsum

from dasbench.analysis.families import family
from dasbench.analysis.power import planning_floor
from dasbench.analysis.stats import ALPHA, Comparison, Direction, paired
from dasbench.errors import UsageError, unknown_name
from dasbench.results.answers import LookRecord
from dasbench.views.blocks import Averaged, average_over_blocks
from dasbench.views.board import FLOOR_METRICS
from dasbench.views.naming import Named, find_variants
from dasbench.views.search_roles import are_confirmed
from dasbench.views.units import ScoreUnit
from dasbench.views.variants import VariantScores, is_cost

MAX_FAMILY = 1000
"""Variants that are compared with a baseline at the most; each takes about a millisecond."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is compared.

    Args:
        entries: the variants with their scores.
        metric: the metric.
        unit: unit of its differences: `pp`, or `""` for none.
        direction: whether more or less of it is better.
        min_effect: smallest difference that matters, if one was named.
        num_test_examples: size of the test part, if it is known.
        look: the last look of a study that replicates until resolved; its level is the level of the
            tests.
        look_baseline: label of the variant that the looks compared with; None where these are not
            the looks' scores.
        look_min_effect: smallest difference that mattered at the looks; what `min_effect` is unless
            somebody says so.
        source: the study, or the file, that the scores are from.
        was_fraction: the scores were fractions, and have become percent here.
        direction_is_assumed: nobody said which is better, as of scores from elsewhere: more is
            taken to be.
    """

    entries: Sequence[VariantScores]
    metric: str
    unit: str
    direction: Direction
    min_effect: float | None = None
    num_test_examples: int | None = None
    look: LookRecord | None = None
    look_baseline: str | None = None
    look_min_effect: float | None = None
    source: str = ""
    was_fraction: bool = False
    direction_is_assumed: bool = False

    @property
    def alpha(self) -> float:
        """Level of the tests."""
        return self.look.level if self.look else ALPHA


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A comparison, and all that its verdict rests on.

    Args:
        a: the first variant or group.
        b: the second, or the baseline.
        comparison: its statistics; differences are a minus b.
        scores: of both by seed.
        failed: failed seeds of both.
        confirmed: of both, whether the scores are those of fresh seeds; False where a search chose
            by them, None where no search did.
        averaged: the blocks over which groups were averaged; None for two variants.
        floor: planning floor of a single seed, where the size of the test part is known.
        look_state: what the last look found of this pair; None where it did not look at it.
        question: what was asked.
    """

    a: str
    b: str
    comparison: Comparison
    scores: tuple[Mapping[int, float], Mapping[int, float]]
    failed: tuple[int, int]
    confirmed: tuple[bool | None, bool | None] = (None, None)
    averaged: Averaged | None = None
    floor: float | None = None
    look_state: str | None = None
    question: Question

    @property
    def means(self) -> tuple[float | None, float | None]:
        """Mean score of both, None without a score."""
        return _mean(self.scores[0]), _mean(self.scores[1])

    @property
    def tried(self) -> Sequence[str]:
        """Those of the two whose scores took part in a choice."""
        named = zip((self.a, self.b), self.confirmed, strict=True)
        return [name for name, confirmed in named if confirmed is False]

    @property
    def is_probe(self) -> bool:
        """Whether scores are a formula's, nothing was trained."""
        return any(entry.probe for entry in self.question.entries)

    @property
    def is_exploratory(self) -> bool:
        """Whether its verdict carries no error rate."""
        return bool(self.tried) or (
            self.question.look is not None and self.question.look.exploratory
        )


def in_unit(question: Question, unit: ScoreUnit) -> Question:
    """The question with its scores in another unit.

    Args:
        question: its scores are as they were measured.
        unit: what they are in.

    Raises:
        UsageError: if they are to be fractions and are not.
    """
    name = question.metric
    if unit.factor == 1:
        return replace(question, unit=unit.name)
    for entry in question.entries:
        _refuse_no_fraction(entry, name)
    entries = [_scaled(entry, name, unit.factor) for entry in question.entries]
    mattered = question.look_min_effect
    scaled_effect = None if mattered is None else unit.factor * mattered
    return replace(
        question,
        entries=entries,
        unit=unit.name,
        was_fraction=True,
        min_effect=scaled_effect if question.min_effect == mattered else question.min_effect,
        look_min_effect=scaled_effect,
    )


def _refuse_no_fraction(entry: VariantScores, metric: str) -> None:
    above = [score for score in entry.scores.get(metric, {}).values() if abs(score) > 1]
    if above:
        raise UsageError(
            f"--unit: a {metric} of {above[0]:g} is no fraction, which goes up to 1; leave --unit out?"
        )


def _scaled(entry: VariantScores, metric: str, factor: float) -> VariantScores:
    """The variant with its scores in another unit."""
    by_seed = {seed: factor * score for seed, score in entry.scores.get(metric, {}).items()}
    return replace(entry, scores={**entry.scores, metric: by_seed})


def compare(question: Question, name_a: str, name_b: str) -> Answer:
    """Compare two variants, or two groups of variants, over the seeds that both have.

    Args:
        question: the variants and the metric.
        name_a: a label, a part of one, a value, `field=value` (a group), or a trial's key.
        name_b: another.

    Raises:
        UsageError: if a name is unknown or ambiguous, both mean the same, or the metric is unknown.
    """
    check_metric(question)
    a, b = find_variants(name_a, question.entries), find_variants(name_b, question.entries)
    common = [entry.label for entry in a.entries if any(entry is other for other in b.entries)]
    if common:
        raise UsageError(
            f"'{name_a}' and '{name_b}' both mean {common[0]}: a difference takes two variants."
        )
    averaged = None
    if len(a.entries) == len(b.entries) == 1:
        scores = (_scores(a.entries[0], question), _scores(b.entries[0], question))
    else:
        averaged = average_over_blocks(
            [a.entries, b.entries], question.metric, [*a.fields, *b.fields]
        )
        scores = (averaged.scores[0], averaged.scores[1])
    comparison = paired(*scores, min_effect=question.min_effect, alpha=question.alpha)
    return replace(_answer(question, a, b, comparison, scores), averaged=averaged)


def compare_family(question: Question, baseline: str) -> list[Answer]:
    """Compare every other variant with a baseline, with Holm's correction; the best difference first.

    Raises:
        UsageError: if the baseline is unknown or ambiguous, or there are too many variants.
    """
    check_metric(question)
    base = find_variants(baseline, question.entries)
    if len(base.entries) > 1:
        labels = "; ".join(entry.label for entry in base.entries[:12])
        raise UsageError(
            f"'{baseline}' is {len(base.entries)} variants, a baseline is one. Candidates: {labels}."
        )
    if len(question.entries) - 1 > MAX_FAMILY:
        raise UsageError(
            f"{len(question.entries) - 1:,} variants are too many for one family: at this correction hardly a "
            f"difference would be resolved. Choose at most {MAX_FAMILY:,} with --where."
        )
    place = next(
        number for number, entry in enumerate(question.entries) if entry is base.entries[0]
    )
    found = family(
        {number: _scores(entry, question) for number, entry in enumerate(question.entries)},
        place,
        min_effect=question.min_effect,
        alpha=question.alpha,
    )
    answers = []
    for number, comparison in found.items():
        entry = question.entries[number]
        scores = (_scores(entry, question), _scores(base.entries[0], question))
        answers.append(_answer(question, Named(entry.label, [entry]), base, comparison, scores))
    sign = -1.0 if question.direction == "max" else 1.0

    def gain(answer: Answer) -> tuple[bool, float]:
        difference = answer.comparison.difference
        return (difference is None, sign * (difference or 0.0))

    return sorted(answers, key=gain)


def check_metric(question: Question) -> None:
    """Refuse a metric that no variant has a score of, unless there are no scores at all.

    Raises:
        UsageError: naming the nearest.
    """
    if is_cost(question.metric):
        raise UsageError(
            f"'{question.metric}' is counted exactly: there is no chance in it. See dasbench leaderboard."
        )
    known = set(chain.from_iterable(entry.scores for entry in question.entries))
    if known and question.metric not in known:
        raise UsageError(f"--metric: {unknown_name('metric', question.metric, known)}")


def looks_baseline(entries: Sequence[VariantScores], look: LookRecord) -> str | None:
    """The label of the variant that a look compared the others with: the only one without a state, if there is one.

    Example:
        >>> def entry(label):
        ...     return VariantScores(variant={}, label=label, planned=1, failed=0, scores={}, cost=None, seconds=0.0,
        ...                   peak_memory=0)
        >>> looks_baseline([entry("a"), entry("b")], LookRecord(plan=(2,), number=1, level=0.05, states={"a": "open"}))
        'b'
    """
    without = [entry.label for entry in entries if entry.label not in look.states]
    return without[0] if len(without) == 1 else None


def _answer(
    question: Question,
    a: Named,
    b: Named,
    comparison: Comparison,
    scores: tuple[Mapping[int, float], Mapping[int, float]],
) -> Answer:
    state = _look_state(question, a.name, b.name)
    if state is not None:  # a look may have resolved it at its own level, over a family of its own
        comparison = replace(comparison, resolved=state == "resolved")
    return Answer(
        a=a.name,
        b=b.name,
        comparison=comparison,
        scores=scores,
        failed=(_failed(a), _failed(b)),
        confirmed=(_confirmed(a), _confirmed(b)),
        floor=_floor(question, scores),
        look_state=state,
        question=question,
    )


def _look_state(question: Question, name_a: str, name_b: str) -> str | None:
    """What the last look found of a pair; None if it compared others, or with another effect in mind."""
    if question.look is None or question.min_effect != question.look_min_effect:
        return None
    if question.look_baseline is None or question.look_baseline not in (name_a, name_b):
        return None
    other = name_a if name_b == question.look_baseline else name_b
    return question.look.states.get(other)


def _confirmed(named: Named) -> bool | None:
    return are_confirmed(entry.confirmed for entry in named.entries)


def _scores(entry: VariantScores, question: Question) -> Mapping[int, float]:
    return entry.scores.get(question.metric, {})


def _failed(named: Named) -> int:
    return sum(entry.failed for entry in named.entries)


def _floor(question: Question, scores: Sequence[Mapping[int, float]]) -> float | None:
    """The planning floor of a single seed, where the size of the test part is known."""
    means = [mean for mean in map(_mean, scores) if mean is not None]
    if question.metric not in FLOOR_METRICS or not question.num_test_examples or not means:
        return None
    worst = min(means)
    return planning_floor(worst, question.num_test_examples) if 0 <= worst < 100 else None


def _mean(scores: Mapping[int, float]) -> float | None:
    return fsum(scores.values()) / len(scores) if scores else None
