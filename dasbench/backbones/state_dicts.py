"""The weights of a network among all that a training program has saved: below which key, behind which prefix."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

INSIDE = re.compile(r"(^|(?<=\.))(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""What torch.compile and others put anywhere into the names of weights."""

AVERAGES = re.compile(r"(^|[._])(ema|swa|averaged?|shadow)([._]|$)", re.IGNORECASE)
"""Names of moving averages of the weights."""

USUAL = frozenset(
    (
        "state_dict",
        "model_state_dict",
        "model",
        "module",
        "net",
        "network",
        "weights",
        "params",
        "backbone",
        "encoder",
    )
)
"""Names of what holds the weights of the one network that a program trains."""

DEPTH = 3
"""How deep a table of weights may lie in a file."""

Versions = Mapping[str, Mapping[str, Any]]
"""What torch knows of the modules that weights were saved from, by their paths."""


@dataclass(frozen=True)
class Table:
    """Weights by their names, somewhere in a file.

    Args:
        place: keys that lead to it; none if it is the whole file.
        weights: by name.
        versions: of the modules, where the file says them.
    """

    place: tuple[str, ...]
    weights: Mapping[str, Tensor]
    versions: Versions = field(default_factory=dict)

    def below(self, prefix: str) -> "Table":
        """The weights whose names start with a prefix, without it."""
        weights = {
            name.removeprefix(prefix): value
            for name, value in self.weights.items()
            if name.startswith(prefix)
        }
        paths = {
            path: version
            for path, version in self.versions.items()
            if f"{path}.".startswith(prefix)
        }
        return Table(
            self.place,
            weights,
            {f"{path}."[len(prefix) :].rstrip("."): v for path, v in paths.items()},
        )


@dataclass(frozen=True)
class Finding:
    """Where the weights of a network may be in a file.

    Args:
        table: that holds them.
        prefix: before each of their names.
        num_known: how many are called as the network's are.
    """

    table: Table
    prefix: str
    num_known: int

    @property
    def name(self) -> str:
        """What leads to them, in a word: `state_dict: model.`."""
        return ": ".join([*self.table.place, *([self.prefix] if self.prefix else [])])

    @property
    def rank(self) -> tuple[int, bool, int]:
        """Less is better: more of the weights, themselves rather than their average, below usual names."""
        names = [*self.table.place, *self.prefix.split(".")]
        return (
            -self.num_known,
            any(AVERAGES.search(name) for name in names),
            sum(name not in USUAL for name in names if name),
        )

    def weights(self) -> Mapping[str, Tensor]:
        """The weights by the names that they have in the network."""
        return self.table.below(self.prefix).weights


def tables_in(content: Any, place: tuple[str, ...] = ()) -> Iterator[Table]:
    """Everything in a file that may be weights, the outermost first.

    Example:
        >>> content = {"epoch": 3, "state_dict": {"conv.weight": torch.zeros(1)}, "optimizer": {"state": {}}}
        >>> [table.place for table in tables_in(content)]
        [('state_dict',)]
    """
    if not isinstance(content, Mapping) or len(place) > DEPTH:
        return
    named = {name: value for name, value in content.items() if isinstance(name, str)}
    weights = {
        INSIDE.sub("", name): value for name, value in named.items() if isinstance(value, Tensor)
    }
    if weights:
        yield Table(place, weights, _versions(content))
    for name, value in named.items():
        yield from tables_in(value, (*place, name))


def findings(tables: Sequence[Table], own: Mapping[str, Tensor]) -> list[Finding]:
    """Where the weights of a network may be, the best first.

    Args:
        tables: what `tables_in` found in a file.
        own: the network's own weights by name.
    """
    found = [
        Finding(table, prefix, count)
        for table in tables
        for prefix, count in _prefixes(table.weights, own).items()
    ]
    return sorted(found, key=lambda finding: finding.rank)


def same_weights(one: Finding, other: Finding) -> bool:
    """Whether two findings hold the same numbers."""
    first, second = one.weights(), other.weights()
    return first.keys() == second.keys() and all(
        torch.equal(value, second[name]) for name, value in first.items()
    )


def gates_in(tables: Sequence[Table]) -> Mapping[str, Tensor]:
    """The weights of a trial's gates, which stand beside those of its backbone; none in other files."""
    for table in tables:
        for name in table.weights:
            before, found, _ = name.partition("gates.")
            beside = f"{before}backbone."
            if (
                found
                and before[-1:] in ("", ".")
                and any(other.startswith(beside) for other in table.weights)
            ):
                return table.below(f"{before}gates.").weights
    return {}


def _versions(content: Mapping[Any, Any]) -> Versions:
    """The versions that `state_dict` writes beside the weights."""
    versions = getattr(content, "_metadata", None)  # torch's own name, which load_state_dict reads
    if not isinstance(versions, Mapping):
        return {}
    plain = {path: version for path, version in versions.items() if isinstance(path, str)}
    return {
        INSIDE.sub("", f"{path}.").rstrip("."): v
        for path, v in plain.items()
        if isinstance(v, Mapping)
    }


def _prefixes(names: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, int]:
    """What may stand before the network's names in a file's, with how many of the names it explains."""
    counts: dict[str, int] = {}
    for name in names:
        parts = name.split(".")
        for start in range(len(parts)):
            if ".".join(parts[start:]) in own:
                prefix = "".join(f"{part}." for part in parts[:start])
                counts[prefix] = counts.get(prefix, 0) + 1
    return counts
