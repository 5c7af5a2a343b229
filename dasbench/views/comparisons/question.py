"""What a comparison asks: the variants with their scores, and the metric."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress

from dasbench.analysis.moderated import Noise
from dasbench.analysis.stats import ALPHA, Direction
from dasbench.errors import UsageError, unknown_name
from dasbench.results.answers import LookRecord
from dasbench.views.units import ScoreUnit
from dasbench.views.variants import VariantScores, is_cost


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
        noise: of the entries, in their order, by a prior from all variants; None for paired t
            tests.
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
    noise: Noise | None = None

    @property
    def wild(self) -> set[str]:
        """Labels of the variants that are far noisier than most."""
        if self.noise is None:
            return set()
        return set(compress((entry.label for entry in self.entries), self.noise.wild))

    @property
    def alpha(self) -> float:
        """Level of the tests."""
        if self.look is None:
            return ALPHA
        return self.look.level


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
    entries = [_scale_fractions(entry, name, unit.factor) for entry in question.entries]
    noise = question.noise and question.noise.scaled(unit.factor)
    scaled = replace(question, entries=entries, noise=noise, unit=unit.name, was_fraction=True)
    mattered = question.look_min_effect
    if mattered is None:
        return scaled
    effect = unit.factor * mattered
    if question.min_effect == mattered:
        scaled = replace(scaled, min_effect=effect)
    return replace(scaled, look_min_effect=effect)


def _scale_fractions(entry: VariantScores, metric: str, factor: float) -> VariantScores:
    """The variant with its fractions in another unit.

    Raises:
        UsageError: if a score is no fraction.
    """
    by_seed: dict[int, float] = {}
    for seed, score in entry.scores_of(metric).items():
        if abs(score) > 1:
            raise UsageError(
                f"`unit`: a {metric} of {score:g} is no fraction, which goes up to 1; "
                "leave `unit` out?"
            )
        by_seed[seed] = factor * score
    return replace(entry, scores={**entry.scores, metric: by_seed})


def refuse_untestable_metric(question: Question) -> None:
    """Refuse a metric that is counted, or that no variant has a score of while there are scores.

    Raises:
        UsageError: naming the nearest.
    """
    if is_cost(question.metric):
        raise UsageError(
            f"'{question.metric}' is counted exactly: there is no chance in it. "
            "See dasbench leaderboard."
        )
    known = set(chain.from_iterable(entry.scores for entry in question.entries))
    if known and question.metric not in known:
        raise UsageError(f"`metric`: {unknown_name('metric', question.metric, known)}")


def looks_baseline(entries: Sequence[VariantScores], look: LookRecord) -> str | None:
    """The label of the variant that a look compared with: the only one without a state, if any.

    Example:
        >>> def entry(label):
        ...     return VariantScores(variant={}, label=label, planned=1, failed=0, scores={},
        ...                          cost=None, seconds=0.0, peak_memory=0)
        >>> look = LookRecord(plan=(2,), number=1, level=0.05, states={"a": "open"})
        >>> looks_baseline([entry("a"), entry("b")], look)
        'b'
    """
    without = [entry.label for entry in entries if entry.label not in look.states]
    if len(without) != 1:
        return None
    return without[0]
