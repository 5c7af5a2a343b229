"""Groups of variants compared over blocks: the other axes are averaged within each seed, alike for all groups."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import fsum
from typing import Any

from dasbench.views.fields import flat_fields
from dasbench.views.variants import VariantScores

Block = Hashable
"""The values of all fields but those that tell the groups apart."""


@dataclass(frozen=True)
class Averaged:
    """Scores of groups of variants.

    Args:
        scores: of each group by seed: the mean over the blocks that all groups have at that seed.
        num_blocks: how many blocks all groups share.
        others: the fields that were averaged over.
        left_out: scores that were not averaged, because another group has none in that block at
            that seed.
        balanced: False if the groups share no block at all, so that each is averaged over its own
            variants.
    """

    scores: Sequence[Mapping[int, float]]
    num_blocks: int
    others: Sequence[str]
    left_out: int
    balanced: bool


def average_over_blocks(
    groups: Sequence[Sequence[VariantScores]], metric: str, fields: Sequence[str]
) -> Averaged:
    """Average the variants of each group within each seed, so that groups differ in nothing but their own fields.

    A block counts at a seed if every group that has that seed at all has a score in it; so a trial
    that failed is missing from all groups alike and cannot move one of them.

    Args:
        groups: the variants of each group.
        metric: the measured metric.
        fields: the fields that tell the groups apart; all others are averaged over.

    Example:
        >>> def entry(norm, alpha, *scores):
        ...     variant, found = {"gate.norm": norm, "gate.alpha": alpha}, {"top1": dict(enumerate(scores))}
        ...     return VariantScores(variant=variant, label="", planned=2, failed=0, scores=found, cost=None,
        ...                   seconds=0.0, peak_memory=0)
        >>> bn, ln = [entry("bn", 0.1, 60), entry("bn", 0.2, 70)], [entry("ln", 0.1, 70, 71), entry("ln", 0.2, 80, 81)]
        >>> average_over_blocks([ln, bn], "top1", ["gate.norm"]).scores
        [{0: 75.0, 1: 76.0}, {0: 65.0}]
    """
    tables = [_by_seed(group, metric, fields) for group in groups]
    shared = _shared_blocks(tables)
    balanced = bool(shared) or sum(bool(table) for table in tables) < 2
    scores: list[dict[int, float]] = [{} for _ in groups]
    left_out = 0
    for seed in sorted(set().union(*tables)):
        at_seed = {place: table[seed] for place, table in enumerate(tables) if seed in table}
        common = set.intersection(*map(set, at_seed.values()))
        for place, own in at_seed.items():
            counted = own.keys() & common if balanced else own.keys()
            left_out += len(own) - len(counted)
            if counted:
                scores[place][seed] = fsum(own[block] for block in counted) / len(counted)
    return Averaged(scores, len(shared), _other_fields(groups, fields), left_out, balanced)


def _shared_blocks(tables: Sequence[Mapping[int, Mapping[Block, float]]]) -> set[Block]:
    """The blocks in which every group that has a score at all has one at some seed."""
    blocks: list[set[Block]] = [set().union(*table.values()) for table in tables if table]
    return set.intersection(*blocks) if blocks else set()


def _other_fields(groups: Sequence[Sequence[VariantScores]], fields: Sequence[str]) -> list[str]:
    """All fields of the variants but those that tell the groups apart."""
    others: dict[str, None] = {}
    for entry in chain.from_iterable(groups):
        others |= dict.fromkeys(_others(entry, fields))
    return [*others]


def _by_seed(
    group: Sequence[VariantScores], metric: str, fields: Sequence[str]
) -> dict[int, dict[Block, float]]:
    """The mean score in each block, by seed."""
    found: dict[int, dict[Block, list[float]]] = {}
    for entry in group:
        block = tuple(sorted((name, repr(value)) for name, value in _others(entry, fields).items()))
        for seed, value in entry.scores.get(metric, {}).items():
            found.setdefault(seed, {}).setdefault(block, []).append(value)
    return {seed: _means(blocks) for seed, blocks in found.items()}


def _means(blocks: Mapping[Block, Sequence[float]]) -> dict[Block, float]:
    return {block: fsum(values) / len(values) for block, values in blocks.items()}


def _others(entry: VariantScores, fields: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in flat_fields(entry.variant).items() if name not in fields}
