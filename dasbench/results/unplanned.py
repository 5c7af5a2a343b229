"""Looks that nobody planned: seeds are added to variants whose results were there to see."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dasbench.records import Row
from dasbench.results.planning import Member

FEWEST_SEEDS = 2
"""Seeds below which nothing can be tested, so that nobody looked."""


def with_earlier_looks(members: Sequence[Member], listed: Sequence[Row]) -> list[Member]:
    """The trials that a study begins with, with the looks at its variants before these get more.

    A seed counts once every variant has a result of it: what was interrupted half-way was not
    looked at. Looks by a plan add their seeds later, and are no matter of this.

    Args:
        members: the trials that the study lists from now on.
        listed: those that it listed so far, with where they stand.

    Example:
        >>> seen = [Row(study="s", key=f"se{seed}", variant={}, label="se", seed=seed, state="done")
        ...         for seed in range(3)]
        >>> five = [Member(key=f"se{seed}", spec={}, label="se", seed=seed) for seed in range(5)]
        >>> {member.looked_at for member in with_earlier_looks(five, seen)}
        {((0, 1, 2),)}
    """
    known = {row.key: row for row in listed if not row.role}
    seen = _finished_seeds(members, known)
    looks: dict[str, set[tuple[int, ...]]] = defaultdict(set)
    for member in members:
        row = known.get(member.key)
        if row is not None:
            looks[member.label].update(map(tuple, row.looked_at))
        elif len(seen[member.label]) >= FEWEST_SEEDS:
            looks[member.label].add(tuple(sorted(seen[member.label])))
    return [replace(member, looked_at=tuple(sorted(looks[member.label]))) for member in members]


def _finished_seeds(members: Sequence[Member], known: Mapping[str, Row]) -> dict[str, list[int]]:
    """The seeds of each variant that every variant has a result of."""
    unfinished = {row.seed for row in known.values() if not row.state.ended}
    seen: dict[str, list[int]] = defaultdict(list)
    for member in members:
        row = known.get(member.key)
        if row is not None and row.seed not in unfinished:
            seen[member.label].append(row.seed)
    return seen
