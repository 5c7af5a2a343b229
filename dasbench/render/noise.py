"""What is said of the noise that tests rest on: in a sentence below a table, and for programs."""

from collections.abc import Iterator, Sequence
from math import isnan, sqrt

from dasbench.analysis.moderated import MOST_PRIOR_DF, Noise
from dasbench.render.text.numbers import with_unit
from dasbench.spec.plain import Record
from dasbench.views.comparisons.comparison import Answer

MOST_NAMED = 6
"""Wild variants that are named; of more it says how many they are."""

UNEVEN = 10.0
"""From this ratio of variances on, three seeds do not hold the error rate."""

PAIR_BY_PAIR = "Tests: paired t, each by the noise of its own pair alone."


def noise_notes(noise: Noise | None, wild: Sequence[str], unit: str) -> Iterator[str]:
    """What tests rest on, and what limits them.

    Args:
        noise: of some variants of the study; None for paired t tests.
        wild: labels of those that are shown and far noisier than most.
        unit: of differences, `""` for none.

    Example:
        >>> import numpy as np
        >>> from dasbench.analysis.moderated import noise_of
        >>> table = np.array([[1.0, 2.0, 3.5], [4.0, 4.9, 6.1], [0.0, 1.0, 1.8]])
        >>> for note in noise_notes(noise_of(table), [], "pp"): print(note)
        Tests: arm-wise, by each variant's noise; that of all variants of the study (sd 0.12 pp)
        counts in it as 1.4 more seeds.
        With 3 seeds of variants that differ so much in noise the error rate is up to .09, not .05.
    """
    if noise is None:
        yield PAIR_BY_PAIR
        return
    common = with_unit(f"{sqrt(noise.prior_variance):.2g}", unit)
    yield (
        "Tests: arm-wise, by each variant's noise; that of all variants of the study "
        f"(sd {common}) counts in it as {noise.prior_df:.2g} more seeds."
    )
    if wild:
        names = "; ".join(wild)
        if len(wild) > MOST_NAMED:
            names = f"{len(wild):,} variants"
        yield f"Far noisier than most, and tested by the paired t test too: {names}."
    is_uneven = noise.ratio > UNEVEN and noise.prior_df < MOST_PRIOR_DF
    if noise.n.max() <= 3 and (wild or is_uneven):
        yield (
            "With 3 seeds of variants that differ so much in noise the error rate is up to .09, "
            "not .05."
        )


def notes_on_noise(answers: Sequence[Answer]) -> Iterator[str]:
    """What the tests of comparisons rest on that answer one question."""
    asked, names = answers[0].question, set()
    if answers[0].comparison.p is None:
        return
    for answer in answers:
        names |= {answer.a, answer.b}
    yield from noise_notes(answers[0].noise, sorted(names & asked.wild), asked.unit)


def noise_values(noise: Noise | None) -> Record:
    """The noise of one variant by the names of its columns; None for paired t tests.

    Args:
        noise: of that variant alone.
    """
    values: Record = {"noise_sd": None, "noise_df": None, "wild": None}
    if noise is not None and not isnan(noise.variance[0]):
        values["noise_sd"] = sqrt(noise.variance[0])
        values["noise_df"] = noise.prior_df + int(noise.df[0])
        values["wild"] = bool(noise.wild[0])
    return values | prior_values(noise)


def prior_values(noise: Noise | None) -> Record:
    """What all variants of a study have in common, by the names of its columns."""
    if noise is None:
        return {"prior_sd": None, "prior_df": None}
    return {"prior_sd": sqrt(noise.prior_variance), "prior_df": noise.prior_df}
