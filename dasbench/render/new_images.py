"""What is said of test images: for which a verdict holds, and what is known of new ones."""

from collections.abc import Iterator
from dataclasses import asdict

from dasbench.analysis.images import NewImages
from dasbench.render.tables.table import Column, Field
from dasbench.render.text.numbers import (
    NOTHING,
    decimals_of,
    judged_p_text,
    p_equals,
    p_text,
    size_text,
    with_unit,
)
from dasbench.render.text.words import counted, in_brackets
from dasbench.spec.plain import Record
from dasbench.views.comparisons.comparison import Answer
from dasbench.views.comparisons.new_images import HITS_METRIC
from dasbench.views.units import example_worth

KIND = "On new images of the same kind"

HOW_TO_READ = (
    "New images: the same differences on all images of the kind, of which the test set is a sample."
)


def claim_note(answer: Answer) -> Iterator[str]:
    """For which images the verdict holds, and what one of them is worth; where that is known."""
    asked = answer.question
    worth = example_worth(asked.metric, asked.num_test_examples)
    if not worth:
        return
    size = with_unit(size_text(worth), asked.unit)
    note = f"On this test set: one of its {asked.num_test_examples:,} images is {size}"
    if answer.images is None and answer.averaged is None and asked.metric == HITS_METRIC:
        note += "; `new_images` asks about others"
    yield f"{note}."


def new_images_note(answer: Answer, exploratory: str = "") -> Iterator[str]:
    """What a comparison says of new images, in one sentence; nothing where nobody asked.

    Args:
        answer: the comparison.
        exploratory: why it carries no error rate, if it carries none.
    """
    found = answer.images
    if found is None:
        return
    if found.p is None:
        yield f"{KIND}: not resolved; {_why_unknown(found)}."
        return
    asked = answer.question
    outcome = _outcome(found)
    if found.equivalent:
        outcome += f" within ±{with_unit(f'{asked.min_effect:g}', asked.unit)}"
    if exploratory:
        outcome += f" (exploratory: {exploratory})"
    p = p_equals(found.p, found.alpha)
    if found.p_holm is not None:
        p += f" (Holm: {judged_p_text(found.p_holm, found.alpha)})"
    text = f"{KIND}: {outcome}; {_gap(answer, found)} (95% CI), {p}, {_sample(found)}"
    if not (found.resolved or found.equivalent):
        text += f"; {_what_limits(found, asked.unit)}"
    yield f"{text}."


def new_images_columns(unit: str) -> Iterator[Field[Answer]]:
    """The columns of a family that was compared on new images."""
    column = Column(key="new_images", title=f"new images{in_brackets(unit)} ± 95 %")
    yield Field(column, _half_width_text)
    column = Column(key="new_images_verdict", title="on new images", is_text=True)
    yield Field(column, new_images_word)
    column = Column(key="new_images_p_holm", title="p Holm, new images", priority=1)
    yield Field(column, lambda answer: p_text(_found(answer).p_holm))


def new_images_word(answer: Answer) -> str:
    """What a comparison on new images amounts to, in a few words."""
    found = _found(answer)
    word = _outcome(found)
    if answer.is_exploratory and found.p is not None:
        return f"{word} (exploratory)"
    return word


def new_images_record(found: NewImages) -> Record:
    """A comparison on new images as plain data."""
    return {**asdict(found), "image_share": found.image_share}


def _found(answer: Answer) -> NewImages:
    assert answer.images is not None
    return answer.images


def _outcome(found: NewImages) -> str:
    """What a comparison amounts to, in a word or two."""
    outcomes = []
    if found.resolved:
        outcomes.append("resolved")
    if found.equivalent:
        outcomes.append("equivalent")
    return ", but ".join(outcomes) or "not resolved"


def _gap(answer: Answer, found: NewImages) -> str:
    """Which mean is above the other, without a word on which is better."""
    assert found.difference is not None
    assert found.half_width is not None
    decimals = decimals_of(found.half_width)
    above, below = answer.a, answer.b
    if found.difference < 0:
        above, below = below, above
    half_width = with_unit(f"{found.half_width:.{decimals}f}", answer.question.unit)
    return f"{above} is {abs(found.difference):.{decimals}f} ± {half_width} above {below}"


def _why_unknown(found: NewImages) -> str:
    """Why there is no interval."""
    if found.num_seeds < 2 or found.num_images < 2:
        return f"that takes two seeds and images, not {_sample(found)}"
    return f"no spread seen between {counted(found.num_seeds, 'paired seed')}"


def _sample(found: NewImages) -> str:
    """How many seeds and images there are."""
    seeds = counted(found.num_seeds, "paired seed")
    return f"{seeds} x {counted(found.num_images, 'image')}"


def _what_limits(found: NewImages, unit: str) -> str:
    """Whether more seeds would narrow the interval."""
    share = f"{found.image_share or 0:.0%}"
    if share == "0%":
        return "all of the variance is between seeds"
    assert found.least_half_width is not None
    least = with_unit(size_text(found.least_half_width), unit)
    return f"{share} of the variance is between images: more seeds alone leave ± {least}"


def _half_width_text(answer: Answer) -> str:
    half_width = _found(answer).half_width
    if half_width is None:
        return NOTHING
    return f"± {size_text(half_width)}"
