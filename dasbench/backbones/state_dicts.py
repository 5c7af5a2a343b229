"""The weights of a network among all that a training program has saved.

They lie below some key and behind some prefix of their names.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

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

Version = Mapping[str, object]
"""What torch knows of a module that weights were saved from."""

Versions = Mapping[str, Version]
"""That of modules, by their paths."""


@dataclass(frozen=True)
class WeightTable:
    """Weights by their names, somewhere in a file.

    Args:
        place: keys that lead to it; none if it is the whole file.
        weights: by name.
        versions: of the modules, where the file says them.
    """

    place: tuple[str, ...]
    weights: Mapping[str, Tensor]
    versions: Versions = field(default_factory=dict)

    def below(self, prefix: str) -> "WeightTable":
        """The weights whose names start with a prefix, without it."""
        weights: dict[str, Tensor] = {}
        for name, value in self.weights.items():
            if name.startswith(prefix):
                weights[name.removeprefix(prefix)] = value
        versions: dict[str, Version] = {}
        for path, version in self.versions.items():
            dotted = f"{path}."
            if dotted.startswith(prefix):
                versions[dotted.removeprefix(prefix).rstrip(".")] = version
        return WeightTable(self.place, weights, versions)


@dataclass(frozen=True)
class Finding:
    """Where the weights of a network may be in a file.

    Args:
        table: that holds them.
        prefix: before each of their names.
        num_known: how many are called as the network's are.
    """

    table: WeightTable
    prefix: str
    num_known: int

    @property
    def name(self) -> str:
        """What leads to them, in a word: `state_dict: model.`."""
        if not self.prefix:
            return ": ".join(self.table.place)
        return ": ".join([*self.table.place, self.prefix])

    @property
    def rank(self) -> tuple[int, bool, int]:
        """Less is better: more weights, no averages of them, below usual names."""
        names = list(filter(None, (*self.table.place, *self.prefix.split("."))))
        is_average = any(map(AVERAGES.search, names))
        num_unusual = sum(name not in USUAL for name in names)
        return -self.num_known, is_average, num_unusual

    def weights(self) -> Mapping[str, Tensor]:
        """The weights by the names that they have in the network."""
        return self.table.below(self.prefix).weights


def weight_tables(content: object, place: tuple[str, ...] = ()) -> Iterator[WeightTable]:
    """Everything in a file that may be weights, the outermost first.

    Example:
        >>> content = {"epoch": 3, "state_dict": {"conv.weight": torch.zeros(1)}}
        >>> [table.place for table in weight_tables(content)]
        [('state_dict',)]
    """
    if not isinstance(content, Mapping) or len(place) > DEPTH:
        return
    weights: dict[str, Tensor] = {}
    others: dict[str, object] = {}
    for name, value in content.items():
        if not isinstance(name, str):
            continue
        if isinstance(value, Tensor):
            weights[INSIDE.sub("", name)] = value
        else:
            others[name] = value
    if weights:
        yield WeightTable(place, weights, _versions(content))
    for name, value in others.items():
        yield from weight_tables(value, (*place, name))


def findings(tables: Sequence[WeightTable], own: Mapping[str, Tensor]) -> list[Finding]:
    """Where the weights of a network may be, the best first.

    Args:
        tables: what `weight_tables` found in a file.
        own: the network's own weights by name.
    """
    found: list[Finding] = []
    for table in tables:
        prefixes = _prefixes(table.weights, own)
        found += [Finding(table, prefix, number) for prefix, number in prefixes.items()]
    return sorted(found, key=attrgetter("rank"))


def same_weights(one: Finding, other: Finding) -> bool:
    """Whether two findings hold the same numbers."""
    first, second = one.weights(), other.weights()
    if first.keys() != second.keys():
        return False
    return all(torch.equal(value, second[name]) for name, value in first.items())


def gates_in(tables: Sequence[WeightTable]) -> Mapping[str, Tensor]:
    """The weights of a trial's gates, which stand beside its backbone's; none in other files."""
    for table in tables:
        for name in table.weights:
            before, gates, _ = name.partition("gates.")
            if gates and before[-1:] in ("", ".") and table.below(f"{before}backbone.").weights:
                return table.below(f"{before}gates.").weights
    return {}


def _versions(content: object) -> Versions:
    """The versions that `state_dict` writes beside the weights."""
    metadata = getattr(content, "_metadata", None)  # torch's own name, which load_state_dict reads
    if not isinstance(metadata, Mapping):
        return {}
    versions = {}
    for path, version in metadata.items():
        if isinstance(path, str) and isinstance(version, Mapping):
            versions[INSIDE.sub("", f"{path}.").rstrip(".")] = version
    return versions


def _prefixes(names: Iterable[str], own: Collection[str]) -> dict[str, int]:
    """What may stand before the network's names in a file's, with how many names it explains."""
    counts: Counter[str] = Counter()
    for name in names:
        rest = name
        while rest:
            if rest in own:
                counts[name.removesuffix(rest)] += 1
            rest = rest.partition(".")[2]
    return counts
