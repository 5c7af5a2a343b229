"""Groups: values of some fields as lines of a leaderboard, averaged over the others."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from dasbench.records import Cost
from dasbench.spec.plain import Record
from dasbench.views.comparisons.blocks import Averaged, average_over_blocks
from dasbench.views.fields import fields_of_variants, find_field, flat_fields, last_part
from dasbench.views.search_roles import are_confirmed
from dasbench.views.variants import VariantScores, is_cost, known_counts


class Grouped(NamedTuple):
    """Groups of variants, and what was averaged; None where no scores were."""

    entries: list[VariantScores]
    averaged: Averaged | None


def group_entries(
    entries: Sequence[VariantScores], metric: str, group_by: Sequence[str]
) -> Grouped:
    """One entry for each combination of the values of some fields: means over the other fields.

    Args:
        entries: the variants.
        metric: the metric that ranks; only its scores and those on the validation part are
            averaged.
        group_by: the fields; `study` tells studies apart.

    Raises:
        UsageError: if no variant has such a field; the message names the nearest.

    Example:
        >>> def entry(norm, alpha, score):
        ...     return VariantScores(variant={"gate.norm": norm, "gate.alpha": alpha}, label="",
        ...                          planned=1, failed=0, scores={"top1": {0: score}}, cost=None,
        ...                          seconds=0.0, peak_memory=0)
        >>> entries = [entry("in", 0.1, 70.0), entry("in", 0.2, 72.0), entry("bn", 0.1, 60.0)]
        >>> grouped = group_entries(entries, "top1", ["norm"])
        >>> [(entry.label, entry.scores["top1"]) for entry in grouped.entries]
        [('norm=in', {0: 70.0}), ('norm=bn', {0: 60.0})]
    """
    if not entries:
        return Grouped([], None)
    fields = _full_names(entries, group_by)
    groups = _members(entries, fields)
    averaged = {}
    if not is_cost(metric):
        for name in (metric, f"val_{metric}"):
            averaged[name] = average_over_blocks(list(groups.values()), name, fields)
    found = []
    for place, (values, members) in enumerate(groups.items()):
        scores = {}
        for name, result in averaged.items():
            if result.scores[place]:
                scores[name] = result.scores[place]
        variant = dict(zip(fields, values, strict=True))
        found.append(_entry(variant, members, scores, metric))
    return Grouped(found, averaged.get(metric))


def _full_names(entries: Sequence[VariantScores], group_by: Sequence[str]) -> list[str]:
    """The full names of the fields to group by, each once."""
    known = ["study", *fields_of_variants(entries)]
    return list(dict.fromkeys(find_field(name, known) for name in group_by))


def _members(
    entries: Sequence[VariantScores], fields: Sequence[str]
) -> dict[tuple[str, ...], list[VariantScores]]:
    """The variants of each combination of values, in the order in which these come first."""
    groups: dict[tuple[str, ...], list[VariantScores]] = defaultdict(list)
    for entry in entries:
        own = {"study": entry.study, **flat_fields(entry.variant)}
        values = tuple(str(own.get(name, "-")) for name in fields)
        groups[values].append(entry)
    return groups


def _entry(
    variant: dict[str, str],
    members: Sequence[VariantScores],
    scores: Mapping[str, Mapping[int, float]],
    metric: str,
) -> VariantScores:
    """One entry for all members of a group."""
    states: Counter[str] = Counter()
    studies: dict[str, None] = {}
    seeds: set[int] = set()
    keys: list[str] = []
    looks: set[int] = set()
    planned = failed = repeats = peak_memory = 0
    for member in members:
        states.update(member.states)
        studies[member.study] = None
        seeds.update(*member.scores.values())
        keys += member.keys
        looks.update(member.looked_at_before)
        planned = max(planned, member.planned)
        failed += member.failed
        repeats += member.repeats
        peak_memory = max(peak_memory, member.peak_memory)
    return VariantScores(
        variant=variant,
        label=_group_label(variant),
        planned=max(planned, len(seeds)),
        failed=failed,
        scores=scores,
        cost=_mean_cost(members),
        seconds=sum(member.seconds for member in members) / len(members),
        peak_memory=peak_memory,
        metric=metric,
        states=states,
        probe=any(member.probe for member in members),
        study="+".join(studies),
        keys=keys,
        repeats=repeats,
        confirmed=are_confirmed(member.confirmed for member in members),
        looked_at_before=looks,
    )


def _group_label(variant: Mapping[str, str]) -> str:
    """The values of a group in a few words, fields by their last parts."""
    return " ".join(f"{last_part(name)}={value}" for name, value in variant.items())


def _mean_cost(members: Sequence[VariantScores]) -> Cost | None:
    costs = [member.cost for member in members if member.cost]
    if not costs:
        return None
    sums: Counter[str] = Counter()
    uncounted: dict[str, int] = {}
    for cost in costs:
        sums.update(known_counts(cost))
        uncounted |= cost.uncounted
    means: Record = {name: round(total / len(costs)) for name, total in sums.items()}
    return replace(costs[0], **means, uncounted=uncounted)
