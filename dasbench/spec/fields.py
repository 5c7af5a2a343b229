"""Dotted fields of plain data, such as `gate.alpha`: set one, or list them all."""

from collections.abc import Iterator, Mapping
from typing import Any

from dasbench.spec.plain import Record, Spec


def set_field(data: Record, key: str, value: Any) -> None:
    """Set a dotted field in plain data; a component as a bare name grows into a mapping.

    Example:
        >>> data = {"gate": "das"}
        >>> set_field(data, "gate.alpha", 0.1)
        >>> data
        {'gate': {'name': 'das', 'alpha': 0.1}}
    """
    *parents, last = key.split(".")
    for parent in parents:
        child = data.get(parent)
        if child is None:
            child = {}
        elif not isinstance(child, dict):
            child = {"name": child}
        data[parent] = child
        data = child
    data[last] = value


def flatten(data: Spec, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every dotted field in plain data and its value, parts before what is in them."""
    for key, value in data.items():
        yield prefix + key, value
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
