"""What may be said of a comparison, in one sentence: never an order that the seeds do not carry."""

from collections.abc import Iterable

from dasbench.analysis.power import MAX_SEEDS, noise_limit
from dasbench.analysis.stats import Comparison, Direction
from dasbench.render.text.numbers import decimals_of, judged_p_text, p_equals, with_unit
from dasbench.render.text.words import agreeing, in_brackets
from dasbench.views.comparisons.blocks import Averaged


def verdict(
    name_a: str,
    name_b: str,
    comparison: Comparison,
    unit: str = "pp",
    *,
    direction: Direction | None = "max",
    floor: float | None = None,
    exploratory: str = "",
) -> str:
    """Say in one sentence what a comparison shows: who beats whom only where that was resolved.

    Args:
        name_a: the variant whose scores came first in `paired`.
        name_b: the variant it was compared with.
        comparison: what `paired` or `family` returned.
        unit: unit of the scores (`pp`: percentage points); `""` for none.
        direction: whether more or less is better; None if nobody said so: then one is `above` the
            other, and none beats it.
        floor: planning floor for a single seed, from `planning_floor`, in `unit`.
        exploratory: why it carries no error rate, if it carries none.

    Example:
        >>> from dasbench.analysis.stats import paired
        >>> c = {0: 0.80, 1: -0.10, 2: 0.55, 3: 0.05, 4: 0.20}
        >>> print(verdict("f", "c", paired(dict.fromkeys(c, 0.0), c)))
        f and c: not resolved; c is 0.30 ± 0.46 pp above f in 5 paired seeds (95% CI), p = 0.14;
        about 9 more seeds needed to resolve a difference of this size (80% power).
    """
    c = comparison
    if c.n == 0 or c.difference is None:
        return f"{name_a} and {name_b} share no seed: nothing to compare."
    if c.half_width is None:
        return _without_spread(name_a, name_b, c, unit, floor)
    why = ""
    if exploratory:
        why = f" (exploratory: {exploratory})"
    decimals = decimals_of(c.half_width)
    margin = f"{abs(c.difference):.{decimals}f} ± {_amount(c.half_width, decimals, unit)}"
    if c.resolved:
        lead = _lead(name_a, name_b, c.difference, margin, direction)
        return f"{lead} (95% CI), {_p_values(c)}, {_seeds(c)}: {_outcome(c, unit)}{why}."
    gap = _gap(name_a, name_b, c.difference, margin)
    found = f"{gap} in {_seeds(c)} (95% CI), {_p_values(c)}"
    if not c.equivalent:
        found += f"; {_plan(c, unit)}"
    return f"{name_a} and {name_b}: {_outcome(c, unit)}{why}; {found}."


def one_seed_note(floor: float | None = None, unit: str = "pp") -> str:
    """What stands beside a number of a single seed, in place of a rank.

    Args:
        floor: planning floor, from `planning_floor`; without one nothing can be said about noise.
        unit: unit of the floor.

    Example:
        >>> print(one_seed_note(0.4426))
        1 seed: no spread known; with the planning floor sqrt(err/2n) = 0.44 pp,
        differences under 1.2 pp are within noise
    """
    note = "1 seed: no spread known"
    if floor is None:
        return note
    known = f"with the planning floor sqrt(err/2n) = {with_unit(f'{floor:.2g}', unit)}"
    limit = with_unit(f"{noise_limit(floor):.2g}", unit)
    return f"{note}; {known}, differences under {limit} are within noise"


def looked_at_words(numbers: Iterable[int]) -> str:
    """Why a verdict carries no error rate after looks that nobody planned.

    Example:
        >>> looked_at_words([3, 5])
        'looked at with 3 and 5 seeds before'
    """
    return f"looked at with {' and '.join(map(str, numbers))} seeds before"


def looked_at_note(numbers: Iterable[int]) -> str:
    """What is said below a table of such verdicts, or of ranks.

    Example:
        >>> print(looked_at_note([3]))
        Exploratory: looked at with 3 seeds before. Tests with all seeds carry no error rate,
        those with the new ones alone do.
    """
    return (
        f"Exploratory: {looked_at_words(numbers)}. "
        "Tests with all seeds carry no error rate, those with the new ones alone do."
    )


def averaged_sentence(averaged: Averaged) -> str:
    """Say what was averaged within each group of variants.

    Example:
        >>> scores = [{0: 1.0}]
        >>> averaged = Averaged(scores, num_blocks=1, others=["alpha"], left_out=0, balanced=True)
        >>> print(averaged_sentence(averaged))
        Averaged over alpha within each seed, over the 1 combination that all groups share.
    """
    over = ", ".join(averaged.others) or "nothing else"
    if not averaged.balanced:
        return (
            "Each group is the mean of all its variants within each seed: "
            f"the groups share no values of {over}."
        )
    blocks = f"{averaged.num_blocks} {agreeing(averaged.num_blocks, 'combination', 'combinations')}"
    sentence = f"Averaged over {over} within each seed, over the {blocks} that all groups share."
    if averaged.left_out:
        sentence += f" {averaged.left_out} scores without a partner in every group are left out."
    return sentence


def _without_spread(name_a: str, name_b: str, c: Comparison, unit: str, floor: float | None) -> str:
    """What is said of a single pair, or of pairs that all differ by the same."""
    assert c.difference is not None
    size = abs(c.difference)
    gap = _gap(name_a, name_b, c.difference, _amount(size, decimals_of(size), unit))
    lead = f"{name_a} and {name_b}: not resolved; {gap}"
    if c.n == 1:
        return f"{lead} on the seed they share. {one_seed_note(floor, unit)}."
    return f"{lead} on each of {_seeds(c)}: no spread seen."


def _gap(name_a: str, name_b: str, difference: float, margin: str) -> str:
    """Which mean is above the other, without a word on which is better."""
    if difference == 0:
        return f"they differ by {margin}"
    if difference > 0:
        return f"{name_a} is {margin} above {name_b}"
    return f"{name_b} is {margin} above {name_a}"


def _lead(
    name_a: str, name_b: str, difference: float, margin: str, direction: Direction | None
) -> str:
    """Who beats whom, of a resolved difference; the one that is above, if none is better."""
    if direction is None or difference == 0:
        return _gap(name_a, name_b, difference, margin)
    a_is_better = (difference > 0) == (direction == "max")
    if a_is_better:
        return f"{name_a} beats {name_b} by {margin}"
    return f"{name_b} beats {name_a} by {margin}"


def _seeds(c: Comparison) -> str:
    """How many pairs there are, and how many seeds found no partner."""
    if not c.left_out:
        return f"{c.n} paired seeds"
    return f"{c.n} paired seeds, {c.left_out} without a partner left out"


def _p_values(c: Comparison) -> str:
    """The p value; in brackets that of its family, and the one that assumes nothing normal."""
    others = []
    if c.p_holm is not None:
        others.append(f"Holm over {c.family_size}: {judged_p_text(c.p_holm, c.alpha)}")
    if c.p_sign_flip is not None:
        others.append(f"sign flip: {judged_p_text(c.p_sign_flip, c.alpha)}")
    p = "p unknown"
    if c.p is not None:
        p = p_equals(c.p, c.alpha)
    return f"{p}{in_brackets(', '.join(others))}"


def _outcome(c: Comparison, unit: str) -> str:
    """What the comparison amounts to."""
    found = []
    if c.resolved:
        found.append("resolved")
    if c.equivalent:
        found.append(f"equivalent within ±{_effect(c, unit)}")
    return ", but ".join(found) or "not resolved"


def _plan(c: Comparison, unit: str) -> str:
    """What it would take to resolve a difference of the size that was planned for."""
    size = "this size"
    if c.min_effect is not None:
        size = _effect(c, unit)
    if c.more_seeds == 0:
        return f"these seeds already resolve a difference of {size} (80% power)"
    if c.more_seeds is None and not (c.difference and c.sd):
        return "without a difference or a spread no number of seeds can be planned"
    more = f"more than {MAX_SEEDS:,} more seeds"
    if c.more_seeds is not None:
        more = f"about {c.more_seeds:,} more {agreeing(c.more_seeds, 'seed', 'seeds')}"
    return f"{more} needed to resolve a difference of {size} (80% power)"


def _effect(c: Comparison, unit: str) -> str:
    """The smallest difference that matters, as it was given, with at least two decimals."""
    assert c.min_effect is not None
    return with_unit(max(f"{c.min_effect:.2f}", f"{c.min_effect:g}", key=len), unit)


def _amount(value: float, decimals: int, unit: str) -> str:
    return with_unit(f"{value:.{decimals}f}", unit)
