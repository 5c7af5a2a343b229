"""Lists, numbers and durations as prose writes them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from dasbench.render.text.words import counted

__all__ = ["counted", "duration", "listed", "named", "seed_range", "shortened"]

MOST_NAMED = 8
"""Names that a sentence lists before it only counts the others."""

MOST_LINES = 30
"""Lines of a printed table, which has to fit on a page; the CSV file has all."""

MOST_LETTERS = 120
"""Characters of a name that a sentence or a table shows."""


def listed(names: Iterable[object], *, most: int = MOST_NAMED) -> str:
    """Names with commas and an `and`, the last ones counted if there are many.

    Example:
        >>> listed(["a", "b", "c"]), listed("abcd", most=2), listed(["a"])
        ('a, b and c', 'a, b and 2 more', 'a')
    """
    every = [str(name) for name in names]
    shown = every if len(every) <= most + 1 else [*every[:most], f"{len(every) - most:,} more"]
    return " and ".join(
        part for part in (", ".join(shown[:-1]), shown[-1] if shown else "") if part
    )


def shortened(name: str) -> str:
    """A name no longer than a line of a table can hold.

    Example:
        >>> len(shortened("x" * 300))
        120
    """
    return name if len(name) <= MOST_LETTERS else name[: MOST_LETTERS - 1] + "…"


def seed_range(seeds: Sequence[int]) -> str:
    """Seeds as a range where they follow each other.

    Example:
        >>> seed_range([0, 1, 2, 3]), seed_range([7, 3]), seed_range([5])
        ('seeds 0 to 3', 'seeds 3 and 7', 'seed 5')
    """
    ordered = sorted(set(seeds))
    if len(ordered) > 2 and all(later - earlier == 1 for earlier, later in pairwise(ordered)):
        return f"seeds {ordered[0]} to {ordered[-1]}"
    return f"seed{'s' * (len(ordered) != 1)} {listed(ordered)}"


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


def named(component: Mapping[str, Any]) -> str:
    """A component with its parameters, those that are not set left out.

    Example:
        >>> named({"name": "das", "alpha": 0.2, "kernel": None})
        'das (alpha 0.2)'
    """
    parameters = [
        f"{name} {_plain(value)}"
        for name, value in component.items()
        if name != "name" and value is not None
    ]
    head = str(component.get("name", ""))
    return f"{head} ({', '.join(parameters)})".strip() if parameters else head


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def sentence(text: str) -> str:
    """A text with an end.

    Example:
        >>> sentence("Which gate?"), sentence("Which gate")
        ('Which gate?', 'Which gate.')
    """
    return text if text.rstrip().endswith((".", "?", "!", ":")) else f"{text}."


def left_out(number: int, name: str) -> list[str]:
    """What a printed table leaves out, as a sentence; nothing where all of its variants fit.

    Example:
        >>> left_out(100, "scores"), left_out(30, "scores")
        (['The first 30 of 100 variants; tables/scores.csv has all.'], [])
    """
    return (
        [f"The first {MOST_LINES} of {number:,} variants; tables/{name}.csv has all."]
        if number > MOST_LINES
        else []
    )
