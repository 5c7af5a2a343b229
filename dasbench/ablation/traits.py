"""What a gate is registered with for its ablations: components, capacity, sweeps."""

from collections.abc import Mapping, Sequence
from typing import Any

from dasbench.catalog import GATES
from dasbench.errors import UsageError
from dasbench.spec.plain import Record
from dasbench.spec.trial import Choice

Changes = Mapping[str, Any]
"""Parameters of a gate and the values that they are set to."""

HOW_TO = (
    "register it with its components, each with the parameters that leave it out: "
    '@GATES.register("{name}", ..., components={{"mask": {{"mask": False}}}}); '
    "see docs/ablations.md"
)


def components_of(gate: Choice) -> Mapping[str, Changes]:
    """The components of a resolved gate, each with the parameters that make it neutral.

    A gate is registered with `components`, such a mapping or a function that makes it from the
    gate's parameters.

    Raises:
        UsageError: if the gate names no components, saying how to add them.

    Example:
        >>> components_of(Choice(name="cbam"))
        {'spatial_context': {'kernel': 1}}
    """
    if gate.name == "none":
        raise UsageError(
            "gate 'none' is the plain backbone: there is nothing to leave out; "
            "name an attention gate"
        )
    named = GATES[gate.name].traits.components
    if named is None:
        raise UsageError(
            f"gate '{gate.name}' does not say what it is composed of; "
            f"{HOW_TO.format(name=gate.name)}"
        )
    if callable(named):
        return named(gate.params)
    return named


def capacity(name: str) -> Mapping[str, Sequence[Any]]:
    """Parameters that widen or narrow a gate, with values by which its size only grows or shrinks.

    Example:
        >>> capacity("das")["alpha"][0], capacity("das")["alpha"][-1]
        (0.001, 1.0)
    """
    return GATES[name].traits.capacity


def sweeps(name: str) -> Mapping[str, Mapping[str, Sequence[Any]]]:
    """Named sets of parameters whose values are worth comparing, all combinations of a set.

    Example:
        >>> sorted(sweeps("das"))
        ['alpha', 'norms']
    """
    return GATES[name].traits.sweeps


def written(gate: Choice) -> Record:
    """A resolved gate as a study would write it: its name, and what is not at its default.

    Example:
        >>> written(Choice(name="das", params={"design": "d", "alpha": 0.2, "mask": True}))
        {'name': 'das', 'design': 'd'}
    """
    defaults = GATES[gate.name].defaults
    record: Record = {"name": gate.name}
    for key, value in gate.params.items():
        if key not in defaults or value != defaults[key]:
            record[key] = value
    return record
