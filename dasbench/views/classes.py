"""How well each class is told from the others, and which are taken for which."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dasbench.confusion import Confusion
from dasbench.errors import UsageError
from dasbench.records import Row
from dasbench.results.reading import Reader, read_store
from dasbench.views.selection import Selection, refuse_empty_filter


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """How well one class is told.

    Args:
        name: of the class.
        number: examples of it in the test part (pixels, where those have a class each).
        right: how many of them were taken for what they are.
        accuracy: that share in percent, None without examples.
        taken_for: the class that most of the others were taken for, `""` if there are none.
    """

    name: str
    number: int
    right: int
    accuracy: float | None
    taken_for: str


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """Examples of one class that were taken for another.

    Args:
        name: their class.
        taken_for: the other.
        number: how many there are.
        share: of all examples of the class, in percent.
    """

    name: str
    taken_for: str
    number: int
    share: float


@dataclass(frozen=True, kw_only=True)
class ConfusionCell:
    """Examples of one class that were taken for one class, which may be their own.

    Args:
        name: their class.
        taken_for: what they were taken for.
        number: how many there are.
    """

    name: str
    taken_for: str
    number: int


@dataclass(frozen=True, kw_only=True)
class TrialCell:
    """A cell of a trial's confusion.

    Args:
        row: the trial as a study lists it.
        cell: the cell.
    """

    row: Row
    cell: ConfusionCell


def class_scores(confusion: Confusion) -> list[ClassScore]:
    """Every class, the worst first, those without examples last.

    Example:
        >>> confusion = Confusion.from_places(["cat", "dog"], [0, 2, 3], [8, 1, 3])
        >>> [(score.name, score.accuracy, score.taken_for) for score in class_scores(confusion)]
        [('dog', 75.0, 'cat'), ('cat', 100.0, '')]
    """
    scores = scores_by_label(confusion)
    return sorted(scores, key=lambda score: (score.accuracy is None, score.accuracy or 0.0))


def scores_by_label(confusion: Confusion) -> list[ClassScore]:
    """Every class in the order of the labels."""
    taken_for: dict[int, str] = {}
    for mistake in confusion.mistakes:
        taken_for.setdefault(mistake.truth, confusion.classes[mistake.claim])
    counts = zip(confusion.classes, confusion.numbers, confusion.right, strict=True)
    scores = []
    for place, (name, number, right) in enumerate(counts):
        accuracy = None
        if number:
            accuracy = 100 * right / number
        score = ClassScore(
            name=name,
            number=number,
            right=right,
            accuracy=accuracy,
            taken_for=taken_for.get(place, ""),
        )
        scores.append(score)
    return scores


def mistakes(confusion: Confusion) -> list[Mistake]:
    """What was taken for something else, the most first."""
    classes, numbers = confusion.classes, confusion.numbers
    found = []
    for truth, claim, number in confusion.mistakes:
        share = 100 * number / numbers[truth]
        mistake = Mistake(name=classes[truth], taken_for=classes[claim], number=number, share=share)
        found.append(mistake)
    return found


def trial_cells(reader: Reader, studies: Sequence[str] | None) -> list[TrialCell]:
    """The cells of every trial's confusion, trial by trial.

    Args:
        reader: of the database.
        studies: names of studies; all by default.

    Raises:
        UsageError: if there is no such study; the message names the nearest.
    """
    rows = reader.rows(studies)
    confusions = reader.confusions(sorted({row.key for row in rows}))
    found: list[TrialCell] = []
    for row in rows:
        if row.key in confusions:
            found += [TrialCell(row=row, cell=cell) for cell in cells(confusions[row.key])]
    return found


def cells(confusion: Confusion) -> list[ConfusionCell]:
    """Each pair of classes that occurs, with its number.

    Example:
        >>> cells(Confusion.from_places(["cat", "dog"], [0, 2], [8, 1]))[1]
        ConfusionCell(name='dog', taken_for='cat', number=1)
    """
    classes = confusion.classes
    found = []
    for truth, claim, number in confusion.cells:
        cell = ConfusionCell(name=classes[truth], taken_for=classes[claim], number=number)
        found.append(cell)
    return found


def with_confusions(db: str, selection: Selection) -> Selection:
    """The selection with what its trials took for what.

    Raises:
        UsageError: if no trial has kept it.
    """
    with read_store(db) as reader:
        confusions = reader.confusions([row.key for row in selection.rows if row.is_done])
    if not confusions:
        refuse_empty_filter(selection)
        raise UsageError(
            f"study '{selection.name}': no result says which classes were taken for which; "
            "trials of classification and segmentation do since this version. "
            "`dasbench run --again` trains older ones again."
        )
    return replace(selection, confusions=confusions)
