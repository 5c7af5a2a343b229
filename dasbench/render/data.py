"""What is known of a data set before it is trained on, in lines of text."""

from collections.abc import Iterator, Sequence

from dasbench.datasets.looking.listing import legible
from dasbench.datasets.looking.survey import Survey
from dasbench.render.text.words import counted

FEW = 8
"""Classes that are named with their numbers of images; of more, the range is told."""

SEEN_SHARE = 0.5
"""Where evaluation sees less of the images' area, it is said."""

UNEVEN = 10
"""Said of a training part whose largest class has so many times the images of the smallest."""


def data_lines(survey: Survey, *, name: str) -> list[str]:
    """What there is to say of a data set: parts, classes, sizes, what is left out or unseen.

    Args:
        survey: of the data set.
        name: what the study calls it.
    """
    numbers = [part.number for part in survey.parts.values()]
    classes = counted(len(survey.classes), "class", "classes")
    lines = [f"data {legible(name)}: {counted(sum(numbers), 'image')} in {classes}"]
    width = len(f"{max(numbers):,}")
    for of, part in survey.parts.items():
        line = f"  {of:<6}{part.number:>{width},}"
        if part.origin:
            line += f"  {legible(part.origin)}"
        lines.append(line)
    return [*lines, *_class_lines(survey), *_size_lines(survey), *_file_lines(survey)]


def _class_lines(survey: Survey) -> Iterator[str]:
    """How many images each class has over all parts; names alone where images have no class."""
    counts = [part.counts for part in survey.parts.values() if part.counts]
    names = list(map(legible, survey.classes))
    if not counts:
        if len(names) <= FEW:
            yield f"  classes: {', '.join(names)}"
        return
    numbers = list(map(sum, zip(*counts, strict=True)))
    if len(numbers) <= FEW:
        texts = [f"{name} {number:,}" for name, number in zip(names, numbers, strict=True)]
        yield f"  classes: {', '.join(texts)}"
    else:
        yield f"  classes: {min(numbers):,} to {max(numbers):,} images each"
    training = survey.parts["train"].counts
    if max(training) >= UNEVEN * min(training):
        yield "  uneven classes: see training.balance, balanced_accuracy and macro_f1"


def _size_lines(survey: Survey) -> Iterator[str]:
    """How large images are, and what becomes of them."""
    if survey.sizes is None:
        return
    smallest, largest, number = survey.sizes
    span = _size(smallest)
    if largest != smallest:
        span += f" to {_size(largest)}"
    sizes = f"  sizes: {span} (width x height)"
    if survey.by_names:
        sizes += f" ({number:,} of them looked at)"
    if survey.sharpest is None:
        yield sizes
        return
    height, width = survey.input_size
    yield f"{sizes}, seen at {width}x{height}, fit: {survey.fit}"
    factor, file = survey.sharpest
    if factor > 1:
        yield f"  scaled down by up to {factor:.1f} ({legible(file)})"
    if survey.seen_share is not None and survey.seen_share < SEEN_SHARE:
        share = 100 * survey.seen_share
        seen = f"  evaluation sees {share:.0f} % of the images' area"
        yield f"{seen}; dataset.fit: squeeze or pad sees all"


def _file_lines(survey: Survey) -> Iterator[str]:
    """What lies beside the images, and how many files were not looked at."""
    for what, (number, example) in survey.left_out.items():
        yield f"  not used: {number:,} {what} (such as {legible(example)})"
    if survey.copies:
        number, example = survey.copies
        copied = f"{counted(number, 'file')} of one part in another too"
        yield f"  copies: {copied} (such as {legible(example)})"
    files = counted(survey.num_files, "file")
    if survey.by_names:
        yield f"  trusted: {files}, none of them read; names and sizes stand for content"
    elif survey.never_decoded:
        undecoded = f"{survey.never_decoded:,} of {files} were never decoded"
        yield f"  {undecoded}; a run does so before it trains"


def _size(size: Sequence[int]) -> str:
    return f"{size[0]}x{size[1]}"
