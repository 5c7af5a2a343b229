"""What is said of test images: for which a verdict holds, and what is known of new ones."""

from collections.abc import Iterator
from dataclasses import asdict

from dasbench.analysis.images import NewImages
from dasbench.render.tables.table import Column, Field
from dasbench.render.text.numbers import (
    NOTHING,
    decimals_of,
    p_equals,
    p_text,
    size_text,
    with_unit,
)
from dasbench.render.text.words import counted, in_brackets
from dasbench.spec.plain import Record
from dasbench.views.board import FLOOR_METRICS
from dasbench.views.comparison import Answer

KIND = "On new images of the same kind"

HOW_TO_READ = (
    "New images: the same differences on all images of the kind, of which the test set is a sample."
)


def test_set_note(answer: Answer) -> Iterator[str]:
    """For which images the verdict holds, and what one of them is worth; where that is known."""
    asked = answer.question
    number = asked.num_test_examples
    if not number or asked.metric not in FLOOR_METRICS:
        return
    worth = with_unit(size_text(100 / number), asked.unit)
    note = f"On this test set: one of its {number:,} images is {worth}"
    if answer.images is None:
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
    if found.half_width is None or found.difference is None or found.p is None:
        yield f"{KIND}: not resolved; {_why_unknown(found)}."
        return
    unit = answer.question.unit
    decimals = decimals_of(found.half_width)
    names = [answer.a, answer.b]
    if found.difference < 0:
        names.reverse()
    size, half_width = (
        f"{value:.{decimals}f}" for value in (abs(found.difference), found.half_width)
    )
    sentence = (
        f"{KIND}: {_outcome(answer, found)}{in_brackets(exploratory)}; "
        f"{names[0]} is {size} ± {with_unit(half_width, unit)} above {names[1]} (95% CI), "
        f"{p_equals(found.p, found.alpha)}, {_sample(found)}"
    )
    if not (found.resolved or found.equivalent):
        sentence += f"; {_what_limits(found, unit)}"
    yield f"{sentence}."


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
    word = _outcome(answer, found)
    if answer.is_exploratory and found.p is not None:
        return f"{word} (exploratory)"
    return word


def new_images_record(found: NewImages) -> Record:
    """A comparison on new images as plain data."""
    return {**asdict(found), "image_share": found.image_share}


def _found(answer: Answer) -> NewImages:
    assert answer.images is not None
    return answer.images


def _outcome(answer: Answer, found: NewImages) -> str:
    outcomes = []
    if found.resolved:
        outcomes.append("resolved")
    if found.equivalent:
        effect = with_unit(f"{answer.question.min_effect:g}", answer.question.unit)
        outcomes.append(f"equivalent within ±{effect}")
    return ", but ".join(outcomes) or "not resolved"


def _why_unknown(found: NewImages) -> str:
    """Why there is no interval."""
    if found.num_seeds < 2 or found.num_images < 2:
        return f"two seeds and images are needed, not {_sample(found)}"
    return f"no spread seen between {counted(found.num_seeds, 'paired seed')}"


def _sample(found: NewImages) -> str:
    seeds, images = (
        counted(found.num_seeds, "paired seed"),
        counted(found.num_images, "image"),
    )
    return f"{seeds} x {images}"


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
