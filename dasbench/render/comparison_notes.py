"""The sentences below a comparison: what it rests on, and what limits what may be said."""

from collections.abc import Iterator, Sequence
from itertools import chain

from dasbench.render.new_images import claim_note, new_images_note
from dasbench.render.noise import notes_on_noise
from dasbench.render.text.numbers import with_unit
from dasbench.render.verdicts import averaged_sentence, looked_at_note, looked_at_words
from dasbench.views.comparisons.comparison import Answer

FRACTIONS = (
    "Scores were fractions; here they are in percent, "
    "differences and `min_effect` in percentage points (pp)."
)

ADDING_SEEDS = (
    "`seeds: {until: resolved}` in a study adds seeds and keeps the error rate; "
    "adding some and testing again does not."
)

PROBE = "Probe: scores are a formula's, nothing was trained."

MOST_NAMED = 6
"""Variants that a note names; of more it says how many they are."""


def answer_notes(answer: Answer) -> list[str]:
    """What has to be said below a comparison."""
    notes = [*_notes(answer), *notes_on_noise([answer])]
    notes += new_images_note(answer, why_exploratory(answer))
    notes += unplanned_looks_note([answer])
    return [*notes, *_failures_note([answer]), *_tried_note(answer.tried)]


def _notes(answer: Answer) -> Iterator[str]:
    asked = answer.question
    if answer.is_probe:
        yield PROBE
    if answer.averaged is not None:
        yield averaged_sentence(answer.averaged)
    if asked.was_fraction:
        yield FRACTIONS
    if asked.direction_is_assumed:
        taken = f"Larger is taken as better, whatever {asked.metric} is"
        yield f"{taken}; `direction` min says otherwise."
    yield from claim_note(answer)
    yield from _look_notes(answer)
    if asks_for_seeds(answer):
        yield ADDING_SEEDS


def _look_notes(answer: Answer) -> Iterator[str]:
    """What the study's looks at its scores mean for the comparison."""
    asked = answer.question
    if asked.look is not None:
        yield f"Judged at {asked.alpha:.3g}, the level of look {asked.look.number}."
    if answer.look_state is not None:
        yield "Against the baseline of the looks, the verdict is that of the last look."
    if asked.min_effect is not None and asked.min_effect == asked.look_min_effect:
        effect = with_unit(f"{asked.min_effect:g}", asked.unit)
        yield f"The study names {effect} as the smallest difference that matters."


def _failures_note(answers: Sequence[Answer]) -> list[str]:
    """How many trials failed, each variant once."""
    failed: dict[str, int] = {}
    for answer in answers:
        failed |= dict(zip((answer.a, answer.b), answer.failed, strict=True))
    counts = [f"{name}: {count} failed" for name, count in failed.items() if count]
    if not counts:
        return []
    if len(counts) > MOST_NAMED:
        counts = [f"{sum(failed.values()):,} failed of {len(counts):,} variants"]
    return [f"Failed trials give no score ({'; '.join(counts)})."]


def _tried_note(tried: Sequence[str]) -> list[str]:
    """That a test on scores which took part in a choice does not keep its level."""
    if not tried:
        return []
    names = "; ".join(tried)
    if len(tried) > MOST_NAMED:
        names = f"{len(tried):,} variants"
    return [
        f"Tried, not confirmed: {names}. A search chose by these scores, "
        "so no test on them keeps its level; "
        "`confirm` in the study trains winners on fresh seeds."
    ]


def why_exploratory(answer: Answer) -> str:
    """Why a verdict carries no error rate; empty if it carries one."""
    look = answer.question.look
    if look is not None and look.exploratory:
        return "a look that was not planned"
    if answer.looked_at_before:
        return looked_at_words(answer.looked_at_before)
    if not answer.tried:
        return ""
    if len(answer.tried) == 1:
        return f"a search chose by the score of {answer.tried[0]}"
    return "a search chose by these scores"


def family_notes(answers: Sequence[Answer]) -> list[str]:
    """What has to be said below any of some comparisons, once."""
    notes: list[str] = []
    tried: list[str] = []
    for answer in answers:
        notes += _notes(answer)
        tried += answer.tried
    once = list(dict.fromkeys([*notes, *unplanned_looks_note(answers)]))
    return [*once, *_failures_note(answers), *_tried_note(list(dict.fromkeys(tried)))]


def unplanned_looks_note(answers: Sequence[Answer]) -> list[str]:
    """That comparisons were looked at before with fewer seeds, once for all of them."""
    looks = set(chain.from_iterable(answer.looked_at_before for answer in answers))
    if not looks:
        return []
    return [looked_at_note(sorted(looks))]


def asks_for_seeds(answer: Answer) -> bool:
    """Whether somebody may now add seeds to a study that takes no looks, and test again."""
    is_planned = answer.question.look is not None or answer.confirmed != (None, None)
    can_be_planned = not is_planned and not answer.is_exploratory
    found = answer.comparison
    is_open = not (found.resolved or found.equivalent)
    return can_be_planned and is_open and bool(found.more_seeds)
