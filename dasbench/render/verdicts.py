"""What may be said of a comparison, in one sentence: never an order that the seeds do not carry."""

from dasbench.analysis.power import MAX_SEEDS, noise_limit
from dasbench.analysis.stats import Comparison, Direction
from dasbench.render.text.numbers import decimals_of, judged_p_text, p_equals, with_unit
from dasbench.render.text.words import agreeing, in_brackets
from dasbench.views.blocks import Averaged


def verdict(
    name_a: str,
    name_b: str,
    comparison: Comparison,
    unit: str = "pp",
    *,
    direction: Direction = "max",
    floor: float | None = None,
    exploratory: str = "",
) -> str:
    """Say in one sentence what a comparison shows.

    Args:
        name_a: the variant whose scores came first in `paired`.
        name_b: the variant it was compared with.
        comparison: what `paired` or `family` returned.
        unit: unit of the scores (`pp`: percentage points); `""` for none.
        direction: whether more or less is better.
        floor: planning floor for a single seed, from `planning_floor`, in `unit`.
        exploratory: why it carries no error rate, if it carries none.

    Example:
        >>> from dasbench.analysis.stats import paired
        >>> c = paired({0: 0.80, 1: -0.10, 2: 0.55, 3: 0.05, 4: 0.20}, dict.fromkeys(range(5), 0.0))
        >>> print(verdict("c", "f", c))
        c beats f by 0.30 ± 0.46 pp (95% CI), p = 0.14, 5 paired seeds: not resolved;
        about 9 more seeds needed to resolve a difference of this size (80% power).
    """
    c = comparison
    if c.n == 0 or c.difference is None:
        return f"{name_a} and {name_b} share no seed: nothing to compare."
    gap = _gap(name_a, name_b, c.difference, unit)
    if c.n == 1:
        return f"{gap} on the seed they share. {one_seed_note(floor, unit)}."
    if c.half_width is None:
        return f"{gap} on each of {_seeds(c)}: no spread seen, so not resolved."
    lead = _lead(name_a, name_b, c.difference, direction)
    decimals = decimals_of(c.half_width)
    margin = f"{abs(c.difference):.{decimals}f} ± {_amount(c.half_width, decimals, unit)}"
    ending = _ending(c, unit)
    if exploratory:
        ending += f" (exploratory: {exploratory})"
    return f"{lead} by {margin} (95% CI), {_p_values(c)}, {_seeds(c)}: {ending}."


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


def _gap(name_a: str, name_b: str, difference: float, unit: str) -> str:
    """Where a lies beside b, without a word on which is better."""
    if difference == 0:
        return f"{name_a} is level with {name_b}"
    size = abs(difference)
    side = "above" if difference > 0 else "below"
    return f"{name_a} is {_amount(size, decimals_of(size), unit)} {side} {name_b}"


def _lead(name_a: str, name_b: str, difference: float, direction: Direction) -> str:
    """Who is ahead in the means, which need not mean anything: the rest of the sentence says."""
    if difference == 0:
        return f"{name_a} and {name_b} differ"
    a_is_ahead = (difference > 0) == (direction == "max")
    if a_is_ahead:
        return f"{name_a} beats {name_b}"
    return f"{name_b} beats {name_a}"


def _seeds(c: Comparison) -> str:
    """How many pairs there are, and how many seeds found no partner."""
    if not c.left_out:
        return f"{c.n} paired seeds"
    return f"{c.n} paired seeds ({c.left_out} without a partner left out)"


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


def _ending(c: Comparison, unit: str) -> str:
    """What the comparison amounts to."""
    if c.equivalent:
        within = f"equivalent within ±{_effect(c, unit)}"
        if c.resolved:
            return f"resolved, but {within}"
        return within
    if c.resolved:
        return "resolved"
    return f"not resolved; {_plan(c, unit)}"


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
        more = f"about {c.more_seeds} more {agreeing(c.more_seeds, 'seed', 'seeds')}"
    return f"{more} needed to resolve a difference of {size} (80% power)"


def _effect(c: Comparison, unit: str) -> str:
    """The smallest difference that matters, as it was given, with at least two decimals."""
    assert c.min_effect is not None
    return with_unit(max(f"{c.min_effect:.2f}", f"{c.min_effect:g}", key=len), unit)


def _amount(value: float, decimals: int, unit: str) -> str:
    return with_unit(f"{value:.{decimals}f}", unit)
