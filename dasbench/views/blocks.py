"""Groups of variants compared over blocks: other axes are averaged within each seed."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from math import fsum

from dasbench.spec.plain import Record
from dasbench.views.fields import flat_fields
from dasbench.views.variants import VariantScores

Block = Hashable
"""The values of all fields but those that tell the groups apart."""

ScoresInBlocks = Mapping[int, Mapping[Block, float]]
"""The mean score of a group in each block, by seed."""


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
    """Average the variants of each group within each seed.

    So groups differ in nothing but their own fields.

    A block counts at a seed if every group that has that seed at all has a score in it; so a trial
    that failed is missing from all groups alike and cannot move one of them.

    Args:
        groups: the variants of each group.
        metric: the measured metric.
        fields: the fields that tell the groups apart; all others are averaged over.

    Example:
        >>> def entry(norm, alpha, *scores):
        ...     return VariantScores(variant={"gate.norm": norm, "gate.alpha": alpha}, label="",
        ...                          planned=2, failed=0, scores={"top1": dict(enumerate(scores))},
        ...                          cost=None, seconds=0.0, peak_memory=0)
        >>> bn = [entry("bn", 0.1, 60), entry("bn", 0.2, 70)]
        >>> ln = [entry("ln", 0.1, 70, 71), entry("ln", 0.2, 80, 81)]
        >>> average_over_blocks([ln, bn], "top1", ["gate.norm"]).scores
        [{0: 75.0, 1: 76.0}, {0: 65.0}]
    """
    tables = [_by_seed(group, metric, fields) for group in groups]
    scored = [table for table in tables if table]
    shared = _shared_blocks(scored)
    balanced = bool(shared) or len(scored) < 2
    counted = _common_scores(tables) if balanced else tables
    scores = [_means(table) for table in counted]
    left_out = _num_scores(tables) - _num_scores(counted)
    return Averaged(scores, len(shared), _other_fields(groups, fields), left_out, balanced)


def _shared_blocks(tables: Sequence[ScoresInBlocks]) -> set[Block]:
    """The blocks in which every group has a score at some seed."""
    blocks: list[set[Block]] = [set().union(*table.values()) for table in tables]
    return set.intersection(*blocks) if blocks else set()


def _common_scores(tables: Sequence[ScoresInBlocks]) -> list[ScoresInBlocks]:
    """The scores in blocks that count: at each seed those that all groups with that seed have."""
    common: dict[int, set[Block]] = {}
    for seed, blocks in chain.from_iterable(table.items() for table in tables):
        common[seed] = common.get(seed, set(blocks)) & blocks.keys()
    return [_only_in(common, table) for table in tables]


def _only_in(common: Mapping[int, Set[Block]], table: ScoresInBlocks) -> ScoresInBlocks:
    """The scores of a group in these blocks."""
    found = {}
    for seed, blocks in table.items():
        found[seed] = {block: blocks[block] for block in blocks if block in common[seed]}
    return found


def _means(table: ScoresInBlocks) -> dict[int, float]:
    """The mean over blocks by rising seed, of the seeds that have any."""
    return {seed: _mean(table[seed].values()) for seed in sorted(table) if table[seed]}


def _num_scores(tables: Iterable[ScoresInBlocks]) -> int:
    return sum(len(blocks) for table in tables for blocks in table.values())


def _other_fields(groups: Sequence[Sequence[VariantScores]], fields: Sequence[str]) -> list[str]:
    """All fields of the variants but those that tell the groups apart."""
    others: dict[str, None] = {}
    for entry in chain.from_iterable(groups):
        others |= dict.fromkeys(_others(entry, fields))
    return [*others]


def _by_seed(group: Sequence[VariantScores], metric: str, fields: Sequence[str]) -> ScoresInBlocks:
    """The mean score in each block, by seed."""
    values: dict[tuple[int, Block], list[float]] = defaultdict(list)
    for entry in group:
        block: Block = tuple(
            sorted((name, repr(value)) for name, value in _others(entry, fields).items())
        )
        for seed, value in entry.scores_of(metric).items():
            values[seed, block].append(value)
    found: dict[int, dict[Block, float]] = defaultdict(dict)
    for (seed, block), own in values.items():
        found[seed][block] = _mean(own)
    return found


def _mean(values: Collection[float]) -> float:
    return fsum(values) / len(values)


def _others(entry: VariantScores, fields: Sequence[str]) -> Record:
    return {name: value for name, value in flat_fields(entry.variant).items() if name not in fields}
