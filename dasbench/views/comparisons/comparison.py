"""Is the difference real? Two variants, two groups, or every variant against a baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dasbench.analysis.families import family
from dasbench.analysis.images import NewImages
from dasbench.analysis.moderated import Noise
from dasbench.analysis.stats import Comparison, paired
from dasbench.errors import UsageError
from dasbench.views.board import seed_floor
from dasbench.views.comparisons.blocks import Averaged, average_over_blocks
from dasbench.views.comparisons.question import Question, refuse_untestable_metric
from dasbench.views.naming import Named, find_variants
from dasbench.views.variants import mean_score

MAX_FAMILY = 1000
"""Variants that are compared with a baseline at the most; each takes about a millisecond."""


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
        looked_at_before: the smaller numbers of seeds with which both were looked at without a plan
            of looks.
        keys: the trials of both.
        images: what it says of new images; None where nobody asked.
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
    looked_at_before: Sequence[int] = ()
    keys: tuple[Sequence[str], Sequence[str]] = ((), ())
    images: NewImages | None = None
    question: Question

    @property
    def means(self) -> tuple[float | None, float | None]:
        """Mean score of both, None without a score."""
        return mean_score(self.scores[0]), mean_score(self.scores[1])

    @property
    def noise(self) -> Noise | None:
        """The noise that its test rests on; None for a paired t test, as of groups."""
        if self.averaged is not None:
            return None
        return self.question.noise

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
        look = self.question.look
        is_unplanned = bool(self.looked_at_before) or (look is not None and look.exploratory)
        return is_unplanned or bool(self.tried)


def compare(question: Question, name_a: str, name_b: str) -> Answer:
    """Compare two variants, or two groups of variants, over the seeds that both have.

    Args:
        question: the variants and the metric.
        name_a: a label, a part of one, a value, `field=value` (a group), or a trial's key.
        name_b: another.

    Raises:
        UsageError: if a name is unknown or ambiguous, both mean the same, or the metric is unknown.
    """
    refuse_untestable_metric(question)
    a, b = find_variants(name_a, question.entries), find_variants(name_b, question.entries)
    others = set(map(id, b.entries))
    for entry in a.entries:
        if id(entry) in others:
            raise UsageError(
                f"'{name_a}' and '{name_b}' both mean {entry.label}: "
                "a difference takes two variants."
            )
    metric, averaged, noise = question.metric, None, None
    if len(a.entries) == len(b.entries) == 1:
        pair = [a.entries[0], b.entries[0]]
        scores = (pair[0].scores_of(metric), pair[1].scores_of(metric))
        place = list(map(id, question.entries))
        noise = question.noise and question.noise.take([place.index(id(one)) for one in pair])
    else:
        averaged = average_over_blocks([a.entries, b.entries], metric, [*a.fields, *b.fields])
        scores = (averaged.scores[0], averaged.scores[1])
    comparison = paired(*scores, min_effect=question.min_effect, alpha=question.alpha, noise=noise)
    return replace(_answer(question, a, b, comparison, scores), averaged=averaged)


def compare_family(question: Question, baseline: str) -> list[Answer]:
    """Compare every other variant with a baseline, with Holm's correction.

    The best difference first.

    Raises:
        UsageError: if the baseline is unknown or ambiguous, or there are too many variants.
    """
    refuse_untestable_metric(question)
    base = find_variants(baseline, question.entries)
    if len(base.entries) > 1:
        labels = "; ".join(entry.label for entry in base.entries[:12])
        raise UsageError(
            f"'{baseline}' is {len(base.entries)} variants, a baseline is one. "
            f"Candidates: {labels}."
        )
    if len(question.entries) - 1 > MAX_FAMILY:
        raise UsageError(
            f"{len(question.entries) - 1:,} variants are too many for one family: "
            "at this correction hardly a difference would be resolved. "
            f"Choose at most {MAX_FAMILY:,} with `where`."
        )
    scores = [entry.scores_of(question.metric) for entry in question.entries]
    place = list(map(id, question.entries)).index(id(base.entries[0]))
    found = family(
        dict(enumerate(scores)),
        place,
        min_effect=question.min_effect,
        alpha=question.alpha,
        noise=question.noise,
    )
    answers = []
    for number, comparison in found.items():
        entry = question.entries[number]
        both = (scores[number], scores[place])
        answers.append(_answer(question, Named(entry.label, [entry]), base, comparison, both))

    def position(answer: Answer) -> tuple[bool, float]:
        difference = answer.comparison.difference
        if difference is None:
            return True, 0.0
        if question.direction == "max":
            difference = -difference
        return False, difference

    return sorted(answers, key=position)


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
        failed=(a.num_failed, b.num_failed),
        confirmed=(a.confirmed, b.confirmed),
        floor=_floor(question, scores),
        look_state=state,
        looked_at_before=sorted(a.looked_at_before & b.looked_at_before),
        keys=(a.keys, b.keys),
        question=question,
    )


def _look_state(question: Question, name_a: str, name_b: str) -> str | None:
    """What the last look found of a pair; None if others, or another effect, were compared."""
    if question.look is None or question.min_effect != question.look_min_effect:
        return None
    if question.look_baseline == name_b:
        return question.look.states.get(name_a)
    if question.look_baseline == name_a:
        return question.look.states.get(name_b)
    return None


def _floor(question: Question, scores: Sequence[Mapping[int, float]]) -> float | None:
    """The planning floor of a single seed, by the lower of the means."""
    means = [mean for mean in map(mean_score, scores) if mean is not None]
    return seed_floor(question.metric, min(means, default=None), question.num_test_examples)
