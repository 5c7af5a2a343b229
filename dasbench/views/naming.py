"""Which variants a person means: by label or a part of it, by a field's value, by a trial's key."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from dasbench.errors import UsageError, nearest_name
from dasbench.spec.labels import label
from dasbench.views.fields import fields_of_variants, find_field, flat_fields, is_value
from dasbench.views.search_roles import are_confirmed
from dasbench.views.variants import VariantScores

MIN_KEY = 6
"""Digits of a trial's key that name it."""

MAX_LISTED = 12
"""Candidates that a message lists."""

_CONDITION = re.compile(r"\s*([\w.]+)\s*==?\s*(.*?)\s*")
_BETWEEN = re.compile(r"(?:\s*,\s*|\s+and\s+|\s+)(?=[\w.]+\s*=)")


@dataclass(frozen=True)
class Named:
    """The variants that a name stands for.

    Args:
        name: what they are called in a sentence.
        entries: one variant, or a group of them.
        fields: the fields that tell the group apart from others; empty for one variant that was
            named as such.
    """

    name: str
    entries: Sequence[VariantScores]
    fields: Sequence[str] = ()

    @property
    def keys(self) -> Sequence[str]:
        """The trials of all its variants."""
        return list(chain.from_iterable(entry.keys for entry in self.entries))

    @property
    def num_failed(self) -> int:
        """Failed seeds of all its variants."""
        return sum(entry.failed for entry in self.entries)

    @property
    def confirmed(self) -> bool | None:
        """Whether its scores are those of fresh seeds; None if no search proposed a variant."""
        return are_confirmed(entry.confirmed for entry in self.entries)

    @property
    def looked_at_before(self) -> set[int]:
        """The smaller numbers of seeds with which any of its variants was looked at, unplanned."""
        return set(chain.from_iterable(entry.looked_at_before for entry in self.entries))


def find_variants(name: str, entries: Sequence[VariantScores]) -> Named:
    """Find what a name stands for.

    In this order: a label, or what it would be if the study gave none; `field=value`, or several of
    them, which may be a group of variants; the value of one field (`c` for `design=c`); the key of
    a trial, or its first digits; a part of a label.

    Raises:
        UsageError: if nothing or more than one variant answers to it; the message lists the
            candidates.

    Example:
        >>> def entry(norm, alpha):
        ...     return VariantScores(variant={"norm": norm, "alpha": alpha},
        ...                          label=f"norm={norm} alpha={alpha}", planned=1, failed=0,
        ...                          scores={}, cost=None, seconds=0.0, peak_memory=0)
        >>> entries = [entry("in", 0.1), entry("bn", 0.1), entry("bn", 0.2)]
        >>> [found.label for found in find_variants("norm=bn", entries).entries]
        ['norm=bn alpha=0.1', 'norm=bn alpha=0.2']
        >>> find_variants("norm=bn alpha=0.2", entries).name
        'norm=bn alpha=0.2'
    """
    labelled = [entry for entry in entries if entry.label == name]
    if labelled:
        return _single_variant(name, labelled)
    unlabelled = [entry for entry in entries if label(entry.variant) == name]
    if len(unlabelled) == 1:
        return _single_variant(name, unlabelled)
    group = _group_with_values(name, entries)
    if group:
        return group
    for candidates in (_variants_with_value, _variants_with_key, _variants_with_part_of_label):
        found = candidates(name, entries)
        if found:
            return _single_variant(name, found)
    raise UsageError(
        f"no variant is called '{name}'.{_nearest_name(name, entries)} {_candidates(entries)}"
    )


def _single_variant(name: str, found: Sequence[VariantScores]) -> Named:
    """The only variant that was found.

    Raises:
        UsageError: if it is not the only one.
    """
    if len(found) > 1:
        raise UsageError(
            f"'{name}' may be any of {len(found)} variants. {_candidates(found)} "
            "Write a whole label, or field=value for all variants with that value."
        )
    return Named(found[0].label, found)


def _variants_with_value(name: str, entries: Sequence[VariantScores]) -> list[VariantScores]:
    """The variants of which some field has the value."""
    found = []
    for entry in entries:
        values = flat_fields(entry.variant).values()
        if any(is_value(value, name) for value in values):
            found.append(entry)
    return found


def _variants_with_key(name: str, entries: Sequence[VariantScores]) -> list[VariantScores]:
    """The variants with a trial whose key begins so; none for a name too short for a key."""
    if len(name) < MIN_KEY:
        return []
    digits = name.lower()
    found = []
    for entry in entries:
        has_key = any(key.startswith(digits) for key in entry.keys)
        if has_key:
            found.append(entry)
    return found


def _variants_with_part_of_label(
    name: str, entries: Sequence[VariantScores]
) -> list[VariantScores]:
    return [entry for entry in entries if name and name in entry.label]


def _conditions(name: str) -> dict[str, str]:
    """`a=1 b=2` as fields and values; empty if it is not written so."""
    conditions = {}
    for part in _BETWEEN.split(name):
        match = _CONDITION.fullmatch(part)
        if match is None:
            return {}
        conditions[match[1]] = match[2].strip("\"'")
    return conditions


def _group_with_values(name: str, entries: Sequence[VariantScores]) -> Named | None:
    """The variants with the values that a name such as `a=1 b=2` asks for.

    None if it is no such name, or no variant has them and it may yet be a part of a label.
    """
    conditions = _conditions(name)
    if not conditions:
        return None
    may_be_in_label = bool(_variants_with_part_of_label(name, entries))
    known = fields_of_variants(entries)
    try:
        wanted = {find_field(field, known): text for field, text in conditions.items()}
    except UsageError:
        if may_be_in_label:
            return None
        raise
    found = _variants_with_fields(wanted, entries)
    if len(found) == 1:
        return Named(found[0].label, found)
    if found:
        return Named(name.strip(), found, tuple(wanted))
    if may_be_in_label:
        return None
    known_values = " ".join(_known_values(field, entries) for field in wanted)
    raise UsageError(f"no variant has {name}. {known_values} {_candidates(entries)}")


def _variants_with_fields(
    wanted: Mapping[str, str], entries: Sequence[VariantScores]
) -> list[VariantScores]:
    """The variants with these values of these fields."""
    found = []
    for entry in entries:
        values = flat_fields(entry.variant)
        if all(is_value(values.get(field), text) for field, text in wanted.items()):
            found.append(entry)
    return found


def _known_values(field: str, entries: Sequence[VariantScores]) -> str:
    """The values that a field has, in a sentence."""
    known: dict[str, None] = {}
    for entry in entries:
        values = flat_fields(entry.variant)
        if field in values:
            known[str(values[field])] = None
    return f"'{field}' is one of {', '.join([*known][:MAX_LISTED])}."


def _nearest_name(name: str, entries: Sequence[VariantScores]) -> str:
    labels: list[str] = []
    values: list[str] = []
    for entry in entries:
        labels.append(entry.label)
        values += map(str, flat_fields(entry.variant).values())
    return nearest_name(name, dict.fromkeys([*labels[:1000], *values[:5000]]))


def _candidates(entries: Sequence[VariantScores]) -> str:
    labels = [entry.label for entry in entries]
    if not labels:
        return "There are no variants."
    listed = "; ".join(labels[:MAX_LISTED])
    if len(labels) > MAX_LISTED:
        listed += f", and {len(labels) - MAX_LISTED:,} more"
    return f"Candidates: {listed}."
