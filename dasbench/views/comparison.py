"""Is the difference real? Two variants, two groups of variants, or every variant against a baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import fsum
from typing import Any

from dasbench.analysis.families import family
from dasbench.analysis.power import planning_floor
from dasbench.analysis.stats import ALPHA, Comparison, Direction, paired
from dasbench.analysis.wording import verdict
from dasbench.errors import UsageError, unknown_name
from dasbench.results.answers import LookRecord
from dasbench.views.blocks import average_over_blocks
from dasbench.views.board import FLOOR_METRICS
from dasbench.views.naming import Named, find_variants
from dasbench.views.units import ScoreUnit
from dasbench.views.variants import VariantScores, is_cost

FRACTIONS = "Scores were fractions; here they are in percent, differences and --min-effect in percentage points (pp)."

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
        look: the last look of a study that replicates until resolved; its level is the level of the tests.
        source: the study, or the file, that the scores are from.
        was_fraction: the scores were fractions, and have become percent here.
        direction_is_assumed: nobody said which is better, as of scores from elsewhere: more is taken to be.
    """

    entries: Sequence[VariantScores]
    metric: str
    unit: str
    direction: Direction
    min_effect: float | None = None
    num_test_examples: int | None = None
    look: LookRecord | None = None
    source: str = ""
    was_fraction: bool = False
    direction_is_assumed: bool = False

    @property
    def alpha(self) -> float:
        """Level of the tests."""
        return self.look.level if self.look else ALPHA


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A comparison with its verdict.

    Args:
        a: the first variant or group.
        b: the second, or the baseline.
        comparison: its statistics; differences are a minus b.
        verdict: what may be said, in one sentence.
        scores: of both by seed.
        failed: failed seeds of both.
        notes: what was averaged, which seeds failed.
        question: what was asked.
    """

    a: str
    b: str
    comparison: Comparison
    verdict: str
    scores: tuple[Mapping[int, float], Mapping[int, float]]
    failed: tuple[int, int]
    notes: Sequence[str]
    question: Question

    def as_record(self) -> dict[str, Any]:
        """Flat plain data, as JSON and CSV show it."""
        asked, found = self.question, asdict(self.comparison)
        difference, half = self.comparison.difference, self.comparison.half_width
        low = None if difference is None or half is None else difference - half
        high = None if difference is None or half is None else difference + half
        record: dict[str, Any] = {"a": self.a, "b": self.b, "source": asked.source, "metric": asked.metric}
        record |= {"unit": asked.unit, "direction": asked.direction}
        record |= {"mean_a": _mean(self.scores[0]), "mean_b": _mean(self.scores[1])}
        record |= {"n_a": len(self.scores[0]), "n_b": len(self.scores[1])}
        record |= {"failed_a": self.failed[0], "failed_b": self.failed[1]}
        return (
            record | found | {"ci95": half, "low": low, "high": high, "verdict": self.verdict, "notes": [*self.notes]}
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
    scores = [entry.scores.get(name, {}) for entry in question.entries]
    above = [score for by_seed in scores for score in by_seed.values() if abs(score) > 1]
    if above:
        raise UsageError(f"--unit: a {name} of {above[0]:g} is no fraction, which goes up to 1; leave --unit out?")
    scaled = [{seed: unit.factor * score for seed, score in by_seed.items()} for by_seed in scores]
    entries = [
        replace(entry, scores={**entry.scores, name: by_seed})
        for entry, by_seed in zip(question.entries, scaled, strict=True)
    ]
    return replace(question, entries=entries, unit=unit.name, was_fraction=True)


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
        raise UsageError(f"'{name_a}' and '{name_b}' both mean {common[0]}: a difference takes two variants.")
    notes: list[str] = []
    if len(a.entries) == len(b.entries) == 1:
        scores = (_scores(a.entries[0], question), _scores(b.entries[0], question))
    else:
        averaged = average_over_blocks([a.entries, b.entries], question.metric, [*a.fields, *b.fields])
        scores = (averaged.scores[0], averaged.scores[1])
        notes.append(averaged.note)
    comparison = paired(*scores, min_effect=question.min_effect, alpha=question.alpha)
    return _answer(question, a, b, comparison, scores, notes)


def compare_family(question: Question, baseline: str) -> list[Answer]:
    """Compare every other variant with a baseline, with Holm's correction; the best difference first.

    Raises:
        UsageError: if the baseline is unknown or ambiguous, or there are too many variants.
    """
    check_metric(question)
    base = find_variants(baseline, question.entries)
    if len(base.entries) > 1:
        labels = "; ".join(entry.label for entry in base.entries[:12])
        raise UsageError(f"'{baseline}' is {len(base.entries)} variants, a baseline is one. Candidates: {labels}.")
    if len(question.entries) - 1 > MAX_FAMILY:
        raise UsageError(
            f"{len(question.entries) - 1:,} variants are too many for one family: at this correction hardly a "
            f"difference would be resolved. Choose at most {MAX_FAMILY:,} with --where."
        )
    place = next(number for number, entry in enumerate(question.entries) if entry is base.entries[0])
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
        answers.append(_answer(question, Named(entry.label, [entry]), base, comparison, scores, []))
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
        raise UsageError(f"'{question.metric}' is counted exactly: there is no chance in it. See dasbench leaderboard.")
    known = {name for entry in question.entries for name in entry.scores}
    if known and question.metric not in known:
        raise UsageError(unknown_name("metric", question.metric, known))


def _answer(
    question: Question,
    a: Named,
    b: Named,
    comparison: Comparison,
    scores: tuple[Mapping[int, float], Mapping[int, float]],
    notes: Sequence[str],
) -> Answer:
    failed = (_failed(a), _failed(b))
    lost = [f"{named.name}: {count} failed" for named, count in zip((a, b), failed, strict=True) if count]
    return Answer(
        a=a.name,
        b=b.name,
        comparison=comparison,
        verdict=verdict(
            a.name,
            b.name,
            comparison,
            question.unit,
            direction=question.direction,
            floor=_floor(question, scores),
            exploratory=question.look is not None and question.look.exploratory,
        ),
        scores=scores,
        failed=failed,
        notes=[
            *notes,
            *([FRACTIONS] if question.was_fraction else []),
            *([f"Failed trials give no score ({'; '.join(lost)})."] if lost else []),
            *([f"Judged at {question.alpha:.3g}, the level of look {question.look.number}."] if question.look else []),
        ],
        question=question,
    )


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
