"""Lists, numbers and durations as prose writes them."""

from collections.abc import Iterable, Sequence
from typing import Any

from dasbench.render.text.words import agreeing, in_brackets
from dasbench.spec.plain import Spec

MOST_NAMED = 8
"""Names that a sentence lists before it only counts the others."""

MOST_LINES = 30
"""Lines of a printed table, which has to fit on a page; the CSV file has all."""

MOST_LETTERS = 120
"""Characters of a name that a sentence or a table shows."""


def enumerate_names(names: Iterable[object], *, most: int = MOST_NAMED) -> str:
    """Names with commas and an `and`, the last ones counted if there are many.

    Example:
        >>> enumerate_names(["a", "b", "c"]), enumerate_names("abcd", most=2), enumerate_names("a")
        ('a, b and c', 'a, b and 2 more', 'a')
    """
    shown = list(map(str, names))
    if len(shown) > most + 1:
        shown[most:] = [f"{len(shown) - most:,} more"]
    *firsts, last = shown or [""]
    return " and ".join(filter(None, (", ".join(firsts), last)))


def shortened(name: str) -> str:
    """A name no longer than a line of a table can hold.

    Example:
        >>> len(shortened("x" * 300))
        120
    """
    if len(name) <= MOST_LETTERS:
        return name
    return name[: MOST_LETTERS - 1] + "…"


def seed_range(seeds: Sequence[int]) -> str:
    """Seeds as a range where they follow each other.

    Example:
        >>> seed_range([0, 1, 2, 3]), seed_range([7, 3]), seed_range([5])
        ('seeds 0 to 3', 'seeds 3 and 7', 'seed 5')
    """
    ordered = sorted(set(seeds))
    if is_range(ordered):
        return f"seeds {ordered[0]} to {ordered[-1]}"
    return f"{agreeing(len(ordered), 'seed', 'seeds')} {enumerate_names(ordered)}"


def is_range(numbers: Sequence[int]) -> bool:
    """Whether numbers follow each other, and are more than two.

    Example:
        >>> is_range([2, 3, 4]), is_range([2, 3]), is_range([2, 3, 5])
        (True, False, False)
    """
    return len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[0] + len(numbers)))


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    Example:
        >>> duration(42), duration(600), duration(90_000)
        ('42.0 seconds', '10.0 minutes', '25.0 hours')
    """
    for size, unit in ((3600, "hours"), (60, "minutes")):
        if seconds > 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.1f} seconds"


def component_in_words(component: Spec) -> str:
    """A component with its parameters, those that are not set left out.

    Example:
        >>> component_in_words({"name": "das", "alpha": 0.2, "kernel": None})
        'das (alpha 0.2)'
    """
    head, parameters = "", []
    for name, value in component.items():
        if name == "name":
            head = str(value)
        elif value is not None:
            parameters.append(f"{name} {_value_text(value)}")
    return f"{head}{in_brackets(', '.join(parameters))}".strip()


def _value_text(value: Any) -> str:
    """A parameter's value; a list without its brackets."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def first_lines_note(number: int, name: str) -> list[str]:
    """What a printed table leaves out, as a sentence; nothing where all of its variants fit.

    Example:
        >>> first_lines_note(100, "scores"), first_lines_note(30, "scores")
        (['The first 30 of 100 variants; tables/scores.csv has all.'], [])
    """
    if number <= MOST_LINES:
        return []
    return [f"The first {MOST_LINES} of {number:,} variants; tables/{name}.csv has all."]
