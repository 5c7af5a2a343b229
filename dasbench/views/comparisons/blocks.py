"""Groups of variants compared over blocks: other axes are averaged within each seed."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from math import fsum
from typing import NamedTuple

from dasbench.spec.plain import Record
from dasbench.views.fields import flat_fields
from dasbench.views.variants import VariantScores


class DesignCell(NamedTuple):
    """A cell of the design: where a group has one score.

    Args:
        seed: the seed.
        block: the values of all fields but those that tell the groups apart, as text.
    """

    seed: int
    block: str


Scores = Mapping[DesignCell, float]
"""The mean score of a group in each cell."""


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
    tables = [_mean_scores(group, metric, fields) for group in groups]
    scored = list(filter(None, tables))
    shared = _shared_blocks(scored)
    balanced = bool(shared) or len(scored) < 2
    incomplete: set[DesignCell] = set()
    if balanced:
        incomplete = _incomplete_cells(tables)
    means, left_out = [], 0
    for scores in tables:
        means.append(_mean_by_seed(scores, incomplete))
        left_out += len(incomplete & scores.keys())
    return Averaged(means, len(shared), _other_fields(groups, fields), left_out, balanced)


def _shared_blocks(tables: Sequence[Scores]) -> set[str]:
    """The blocks in which every group has a score at some seed."""
    if not tables:
        return set()
    blocks = [{cell.block for cell in scores} for scores in tables]
    return set.intersection(*blocks)


def _incomplete_cells(tables: Sequence[Scores]) -> set[DesignCell]:
    """The cells that do not count: a group that has the seed has no score in the block."""
    num_groups = Counter(chain.from_iterable(tables))
    num_at_seed: Counter[int] = Counter()
    for scores in tables:
        num_at_seed.update({cell.seed for cell in scores})
    return {cell for cell, num in num_groups.items() if num < num_at_seed[cell.seed]}


def _mean_by_seed(scores: Scores, incomplete: Set[DesignCell]) -> dict[int, float]:
    """The mean over blocks by rising seed, of the seeds that have any that count."""
    by_seed: dict[int, list[float]] = defaultdict(list)
    for cell, score in scores.items():
        if cell not in incomplete:
            by_seed[cell.seed].append(score)
    return {seed: _mean(by_seed[seed]) for seed in sorted(by_seed)}


def _mean_scores(group: Sequence[VariantScores], metric: str, fields: Sequence[str]) -> Scores:
    """The mean score of a group in each cell."""
    values: dict[DesignCell, list[float]] = defaultdict(list)
    for entry in group:
        block = repr(sorted(_other_values(entry, fields).items()))
        for seed, value in entry.scores_of(metric).items():
            values[DesignCell(seed, block)].append(value)
    return {cell: _mean(own) for cell, own in values.items()}


def _mean(values: Collection[float]) -> float:
    return fsum(values) / len(values)


def _other_fields(groups: Sequence[Sequence[VariantScores]], fields: Sequence[str]) -> list[str]:
    """All fields of the variants but those that tell the groups apart."""
    others: dict[str, None] = {}
    for entry in chain.from_iterable(groups):
        others |= dict.fromkeys(_other_values(entry, fields))
    return list(others)


def _other_values(entry: VariantScores, fields: Sequence[str]) -> Record:
    """The values of all fields but those that tell the groups apart."""
    values = flat_fields(entry.variant)
    for name in fields:
        values.pop(name, None)
    return values
