"""The fields that a variant varies, flat: what filters, groups and comparisons speak of."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from dasbench.errors import UsageError, unknown_name
from dasbench.spec.plain import Record, Variant
from dasbench.views.variants import VariantScores


def flat_fields(variant: Variant) -> Record:
    """The varied fields with plain values.

    A component stands for its name, its parameters follow it.

    Example:
        >>> flat_fields({"gate": {"name": "das", "design": "a"}, "backbone.name": "resnet18"})
        {'gate': 'das', 'gate.design': 'a', 'backbone': 'resnet18'}
        >>> flat_fields({"placement": {"stages": [1, 2], "after": "stage"}})
        {'placement.stages': '1,2', 'placement.after': 'stage'}
    """
    flat: Record = {}
    for key, value in variant.items():
        name = key.removesuffix(".name")
        if isinstance(value, Mapping):
            for part, inside in value.items():
                flat |= flat_fields({f"{name}.{part}": inside})
        elif isinstance(value, list | tuple):
            flat[name] = ",".join(map(str, value))
        else:
            flat[name] = value
    return flat


def fields_of_variants(entries: Iterable[VariantScores]) -> list[str]:
    """The fields of all of some variants, in the order in which they come first."""
    names: dict[str, None] = {}
    for entry in entries:
        names |= dict.fromkeys(flat_fields(entry.variant))
    return list(names)


def last_part(name: str) -> str:
    """The field without what it is a part of: `alpha` of `gate.alpha`."""
    return name.rpartition(".")[2]


def find_field(name: str, known: Iterable[str], *, kind: str = "field") -> str:
    """The full name of a field, from one with `.name`, or its last part if only one field ends so.

    Raises:
        UsageError: if there is none, or several end so; the message names the nearest.

    Example:
        >>> known = ["gate", "gate.design"]
        >>> find_field("design", known), find_field("gate.name", known)
        ('gate.design', 'gate')
    """
    names = list(dict.fromkeys(known))
    for wanted in (name, name.removesuffix(".name")):
        if wanted in names:
            return wanted
    ends = [full for full in names if last_part(full) == name]
    if len(ends) > 1:
        raise UsageError(
            f"{kind} '{name}' may be any of {', '.join(ends)}: write one of them in full."
        )
    if not ends:
        raise UsageError(_unknown_field(kind, name, names))
    return ends[0]


def _unknown_field(kind: str, name: str, names: Sequence[str]) -> str:
    """Say which field was probably meant, also if only its last part was written."""
    in_full = {last_part(full): full for full in names}
    near = get_close_matches(name, in_full, n=1)
    if "." in name or not near:
        return unknown_name(kind, name, names)
    listed = ", ".join(sorted(names))
    return f"unknown {kind} '{name}'. Did you mean '{in_full[near[0]]}'? Known: {listed}."


def is_value(value: object, text: str) -> bool:
    """Whether a value of a field is what somebody wrote.

    Example:
        >>> is_value(0.2, "0.20"), is_value(True, "true")
        (True, True)
        >>> is_value(None, "none"), is_value("in", "IN")
        (False, False)
    """
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, int | float):
        try:
            return float(text) == value
        except ValueError:
            return False
    return isinstance(value, str) and value == text
