"""What a search makes of its trials: whose scores took part in a choice."""

from collections.abc import Iterable, Sequence
from itertools import chain

from dasbench.records import Row

CONFIRM = "confirm"
"""Role of a trial on a seed that took part in no choice."""


def is_searched(rows: Iterable[Row]) -> bool:
    """Whether a sampler proposed any of these trials."""
    return any(row.role for row in rows)


def has_fresh_seeds(rows: Iterable[Row]) -> bool:
    """Whether any of these trials was planned to confirm a winner."""
    return bool(fresh_rows(rows))


def fresh_rows(rows: Iterable[Row]) -> list[Row]:
    """The trials on fresh seeds, which were planned to confirm a winner."""
    return [row for row in rows if row.role == CONFIRM]


def is_confirmed(rows: Sequence[Row]) -> bool | None:
    """Whether the scores of one variant are those of fresh seeds; None if no search proposed it.

    Example:
        >>> def trial(role, state="done"):
        ...     return Row(study="s", key="", variant={}, label="", seed=0, state=state, role=role)
        >>> is_confirmed([trial("search"), trial("confirm")]), is_confirmed([trial("")])
        (True, None)
        >>> is_confirmed([trial("search"), trial("confirm", "failed")])
        False
    """
    if any(row.is_done for row in fresh_rows(rows)):
        return True
    if is_searched(rows):
        return False
    return None


def are_confirmed(variants: Iterable[bool | None]) -> bool | None:
    """Whether the scores of a group are those of fresh seeds.

    One variant whose scores took part in a choice undoes it.

    Example:
        >>> are_confirmed([True, None]), are_confirmed([True, False]), are_confirmed([None])
        (True, False, None)
    """
    known = set(variants) - {None}
    if not known:
        return None
    return False not in known


def confirmed_rows(variants: Sequence[Sequence[Row]]) -> list[Row]:
    """The rows of the variants that a search called in for fresh seeds.

    All rows where nothing was confirmed.

    Args:
        variants: the rows of each variant.
    """
    called_in: list[Row] = []
    for rows in variants:
        if is_confirmed(rows):
            called_in += rows
        else:
            called_in += fresh_rows(rows)
    return called_in or list(chain.from_iterable(variants))


def do_tests_hold(*, sequential: bool, searched: bool, confirmed: bool) -> bool:
    """Whether tests at a fixed level keep it: not after looks, nor for what a search picked.

    Args:
        sequential: looks at the scores decided how many seeds a variant got.
        searched: a sampler proposed the variants one after another.
        confirmed: its winners have trials on fresh seeds.
    """
    return not sequential and (confirmed or not searched)
