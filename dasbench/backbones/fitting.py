"""How a file's weights fit into a network: what is taken, what is left out, and what is wrong, from both sides."""

import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dasbench.backbones.state_dicts import Table, Versions
from dasbench.backbones.weight_files import UNREADABLE

SHOWN = 3
"""Weights of a kind that a message names."""

OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")
"""`denselayer1.norm.1.weight` in torchvision's files, which is `denselayer1.norm1.weight` in its network."""

MOST = 300
"""Letters of a message of torch's that are shown."""

OTHER_CLASSES = "has another number of classes"

COUNTER = "num_batches_tracked"
"""Of a batch norm; older files lack it."""


@dataclass(frozen=True)
class Fit:
    """What becomes of a file's weights.

    Args:
        taken: what goes into the network, by name.
        versions: of the modules that they were saved from.
        left_out: names of those of a head that is built otherwise, or of heads that are used in
            training alone.
        fresh: the network's weights that stay as they are: by name, why.
    """

    taken: Mapping[str, Tensor]
    versions: Versions
    left_out: Sequence[str]
    fresh: Mapping[str, str]


def fit_weights(
    own: Mapping[str, Tensor], table: Table, *, head: str, spare: tuple[str, ...] = ()
) -> Fit:
    """Decide which of a file's weights a network takes.

    Args:
        own: the network's weights by name.
        table: the file's, by the names that they would have in the network.
        head: path of the network's last layer.
        spare: prefixes of weights that the network has in training alone.
    """
    theirs = {
        _today(name) if name not in own else name: value for name, value in table.weights.items()
    }
    heads = [name for name in (f"{head}.weight", f"{head}.bias") if name in own]
    near_head = f"{head.partition('.')[0]}."
    blank = [
        name for name, value in theirs.items() if name.startswith(near_head) and _is_blank(value)
    ]
    fresh = {name: "holds but NaN for them" for name in blank if name in own}
    fresh |= {
        name: OTHER_CLASSES
        for name in heads
        if name in theirs and _other_classes(own[name], theirs[name])
    }
    lacks_head = not any(name in theirs for name in heads) and bool(theirs.keys() & own.keys())
    left = [name for name in theirs if name.startswith(spare)] if spare else []
    if lacks_head:
        left += [name for name in theirs if name.startswith(f"{head}.") and name not in own]
        fresh |= dict.fromkeys(heads, "has none that fit")
    taken = {name: value for name, value in theirs.items() if name not in {*left, *fresh}}
    return Fit(taken, table.versions, left, fresh)


def load_fit(net: nn.Module, own: Mapping[str, Tensor], fit: Fit) -> list[str]:
    """Load weights as the network itself does, which may know names of old versions; returns what does not fit.

    Args:
        net: the network; half loaded, if anything does not fit.
        own: its weights by name, as they were for `fit_weights`.
        fit: what to load.
    """
    pairs = {name: (own[name], value) for name, value in fit.taken.items() if name in own}
    odd = [
        name
        for name, (ours, value) in pairs.items()
        if ours.is_floating_point() and not _is_plain(value)
    ]
    broken = [
        name
        for name, (_, value) in pairs.items()
        if _is_plain(value) and not value.isfinite().all()
    ]
    if odd or broken:
        return [
            *some(
                [
                    f"'{name}' holds {_described(fit.taken[name])}, not plain real numbers"
                    for name in odd
                ]
            ),
            *some([f"'{name}' holds NaN or infinity" for name in broken]),
        ]
    state: Any = OrderedDict(fit.taken)
    state._metadata = fit.versions or {"": _version(net)}
    try:
        loaded = net.load_state_dict(state, strict=False)
    except UNREADABLE as error:
        return mismatches(own, fit.taken, fit.fresh) or [" ".join(str(error).split())[:MOST]]
    missing = [
        name for name in loaded.missing_keys if name not in fit.fresh and not name.endswith(COUNTER)
    ]
    return [
        *some([f"'{name}' is missing" for name in missing]),
        *some([f"'{name}' is not of this network" for name in loaded.unexpected_keys]),
    ]


def mismatches(
    own: Mapping[str, Tensor], theirs: Mapping[str, Tensor], fresh: Collection[str] = ()
) -> list[str]:
    """What keeps a file's weights from being those of a network, from both sides.

    Example:
        >>> from torch import zeros
        >>> mismatches({"a": zeros(2), "b": zeros(1)}, {"a": zeros(3), "c": zeros(1)})
        ["'a' is (3,), not (2,)", "'b' is missing", "'c' is not of this network"]
    """
    missing = [
        name
        for name in own
        if name not in theirs and name not in fresh and not name.endswith(COUNTER)
    ]
    both = [name for name in own if name in theirs and theirs[name].shape != own[name].shape]
    return [
        *some(
            [
                f"'{name}' is {tuple(theirs[name].shape)}, not {tuple(own[name].shape)}"
                for name in both
            ]
        ),
        *some([f"'{name}' is missing" for name in missing]),
        *some([f"'{name}' is not of this network" for name in theirs if name not in own]),
    ]


def some(complaints: Sequence[str]) -> list[str]:
    """The first complaints of a kind as one, with how many more there are; none if there are none.

    Example:
        >>> some(["a", "b", "c", "d", "e"]), some([])
        (['a; b; c (and 2 more)'], [])
    """
    more = f" (and {len(complaints) - SHOWN} more)" if len(complaints) > SHOWN else ""
    return ["; ".join(complaints[:SHOWN]) + more] if complaints else []


def left_out(names: Sequence[str]) -> list[str]:
    """A note on weights of the file that are not taken, if there are any."""
    more = ", ..." if len(names) > SHOWN else ""
    plural = "weight" if len(names) == 1 else "weights"
    return [f"{len(names)} {plural} left out ({', '.join(names[:SHOWN])}{more})"] if names else []


def left_fresh(fit: Fit) -> list[str]:
    """A note on weights of the network that the file has none for, if there are any."""
    by_reason: dict[str, list[str]] = {}
    for name, why in fit.fresh.items():
        by_reason.setdefault(why, []).append(name)
    return [
        f"{' and '.join(names)} left fresh, for the file {why}" for why, names in by_reason.items()
    ]


def converted(own: Mapping[str, Tensor], fit: Fit) -> list[str]:
    """A note on the precisions of the file that are not the network's, if there are any."""
    real = {
        name: value
        for name, value in fit.taken.items()
        if name in own and own[name].is_floating_point()
    }
    types = {
        str(value.dtype).removeprefix("torch.")
        for name, value in real.items()
        if value.dtype != own[name].dtype
    }
    return [f"{' and '.join(sorted(types))} converted to the network's precision"] if types else []


def _today(name: str) -> str:
    """A weight's name as torchvision's networks have it today."""
    return OLD_DENSENET.sub(r"\1\2", name)


def _is_plain(value: Tensor) -> bool:
    """Whether a tensor holds all its numbers, and real ones: it is neither sparse nor a quantised network's."""
    return value.is_floating_point() and value.layout == torch.strided and not value.is_meta


def _is_blank(value: Tensor) -> bool:
    """Whether there is no number in some weights, as in those of a network that was published without its head."""
    return _is_plain(value) and value.numel() > 0 and bool(value.isnan().all())


def _described(value: Tensor) -> str:
    """The kind of numbers of a tensor that is not plain.

    Example:
        >>> _described(torch.zeros(1, dtype=torch.int8)), _described(torch.zeros(1, 1).to_sparse())
        ('int8', 'sparse_coo float32')
    """
    layout = "" if value.layout == torch.strided else f"{value.layout} "
    return f"{layout}{value.dtype}".replace("torch.", "")


def _other_classes(own: Tensor, theirs: Tensor) -> bool:
    """Whether two layers differ in the number of their outputs and in nothing else."""
    if own.ndim != theirs.ndim or own.ndim == 0:
        return False
    return own.shape[0] != theirs.shape[0] and own.shape[1:] == theirs.shape[1:]


def _version(net: nn.Module) -> Mapping[str, Any]:
    """The version of a network's own layout, for weights that do not say from which they are."""
    versions: Mapping[str, Mapping[str, Any]] = getattr(net.state_dict(), "_metadata", {})
    return versions.get("", {})
