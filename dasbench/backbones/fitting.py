"""How a file's weights fit into a network: what is taken, what is left out, and what is wrong."""

import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dasbench.backbones.state_dicts import Version, Versions, WeightTable
from dasbench.backbones.weight_files import UNREADABLE

SHOWN = 3
"""Weights of a kind that a message names."""

OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")
"""`denselayer1.norm.1.weight` in torchvision's files is `denselayer1.norm1.weight` in networks."""

MOST = 300
"""Letters of a message of torch's that are shown."""

OTHER_CLASSES = "has another number of classes"

COUNTER = "num_batches_tracked"
"""Of a batch norm; older files lack it."""


@dataclass(frozen=True)
class FittedWeights:
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
    own: Mapping[str, Tensor], table: WeightTable, *, head: str, spare: tuple[str, ...] = ()
) -> FittedWeights:
    """Decide which of a file's weights a network takes.

    Args:
        own: the network's weights by name.
        table: the file's, by the names that they would have in the network.
        head: path of the network's last layer.
        spare: prefixes of weights that the network has in training alone.
    """
    theirs = {_name_today(name, own): value for name, value in table.weights.items()}
    heads = [name for name in (f"{head}.weight", f"{head}.bias") if name in own]
    fresh = _unfit_weights(own, theirs, heads, near_head=f"{head.partition('.')[0]}.")
    left_out = [name for name in theirs if name.startswith(spare)]
    if _lacks_head(own, theirs, heads):
        left_out += _unknown_names(own, theirs, below=f"{head}.")
        fresh |= dict.fromkeys(heads, "has none that fit")
    unused = {*left_out, *fresh}
    taken = {name: value for name, value in theirs.items() if name not in unused}
    return FittedWeights(taken, table.versions, left_out, fresh)


def load_fit(net: nn.Module, own: Mapping[str, Tensor], fit: FittedWeights) -> list[str]:
    """Load weights as the network itself does, which may know names of old versions.

    Returns what does not fit.

    Args:
        net: the network; half loaded, if anything does not fit.
        own: its weights by name, as they were for `fit_weights`.
        fit: what to load.
    """
    if unusable := _unusable_numbers(own, fit.taken):
        return unusable
    state: Any = OrderedDict(fit.taken)
    state._metadata = fit.versions or {"": _version(net)}
    try:
        loaded = net.load_state_dict(state, strict=False)
    except UNREADABLE as error:
        return mismatches(own, fit.taken, fit.fresh) or [" ".join(str(error).split())[:MOST]]
    return _unmatched_names(loaded.missing_keys, loaded.unexpected_keys, fit.fresh)


def mismatches(
    own: Mapping[str, Tensor], theirs: Mapping[str, Tensor], fresh: Collection[str] = ()
) -> list[str]:
    """What keeps a file's weights from being those of a network, from both sides.

    Example:
        >>> from torch import zeros
        >>> mismatches({"a": zeros(2), "b": zeros(1)}, {"a": zeros(3), "c": zeros(1)})
        ["'a' is (3,), not (2,)", "'b' is missing", "'c' is not of this network"]
    """
    shapes, missing = [], []
    for name, value in own.items():
        if name not in theirs:
            missing.append(name)
        elif theirs[name].shape != value.shape:
            shapes.append(f"'{name}' is {tuple(theirs[name].shape)}, not {tuple(value.shape)}")
    unknown = [name for name in theirs if name not in own]
    return [*some(shapes), *_unmatched_names(missing, unknown, fresh)]


def some(complaints: Sequence[str]) -> list[str]:
    """The first complaints of a kind as one, with how many more there are; none if there are none.

    Example:
        >>> some(["a", "b", "c", "d", "e"]), some([])
        (['a; b; c (and 2 more)'], [])
    """
    if not complaints:
        return []
    first = "; ".join(complaints[:SHOWN])
    if len(complaints) <= SHOWN:
        return [first]
    return [f"{first} (and {len(complaints) - SHOWN} more)"]


def left_out_notes(names: Sequence[str]) -> list[str]:
    """A note on weights of the file that are not taken, if there are any."""
    if not names:
        return []
    number = "1 weight" if len(names) == 1 else f"{len(names)} weights"
    shown = ", ".join(names[:SHOWN])
    if len(names) > SHOWN:
        shown += ", ..."
    return [f"{number} left out ({shown})"]


def fresh_notes(fit: FittedWeights) -> list[str]:
    """Notes on weights of the network that the file has none for, one for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, why in fit.fresh.items():
        by_reason.setdefault(why, []).append(name)
    notes: list[str] = []
    for why, names in by_reason.items():
        weights = " and ".join(names)
        notes.append(f"{weights} left fresh, for the file {why}")
    return notes


def precision_notes(own: Mapping[str, Tensor], fit: FittedWeights) -> list[str]:
    """A note on the precisions of the file that are not the network's, if there are any."""
    types = set()
    for name in own.keys() & fit.taken.keys():
        theirs = fit.taken[name].dtype
        if own[name].is_floating_point() and theirs != own[name].dtype:
            types.add(str(theirs).removeprefix("torch."))
    if not types:
        return []
    return [f"{' and '.join(sorted(types))} converted to the network's precision"]


def _name_today(name: str, own: Collection[str]) -> str:
    """A weight's name as torchvision's networks have it today, if the network does not know it."""
    if name in own:
        return name
    return OLD_DENSENET.sub(r"\1\2", name)


def _unfit_weights(
    own: Mapping[str, Tensor],
    theirs: Mapping[str, Tensor],
    heads: Sequence[str],
    *,
    near_head: str,
) -> dict[str, str]:
    """The weights that the network does not take although the file has them: by name, why."""
    unfit: dict[str, str] = {}
    for name, value in theirs.items():
        if name in own and name.startswith(near_head) and _is_blank(value):
            unfit[name] = "holds but NaN for them"
    for name in heads:
        if name in theirs and _other_classes(own[name], theirs[name]):
            unfit[name] = OTHER_CLASSES
    return unfit


def _lacks_head(own: Collection[str], theirs: Mapping[str, Tensor], heads: Sequence[str]) -> bool:
    """Whether a file has weights of the network, but none of its head's."""
    return theirs.keys().isdisjoint(heads) and not theirs.keys().isdisjoint(own)


def _unknown_names(own: Collection[str], theirs: Collection[str], *, below: str) -> list[str]:
    """The weights of a part that the network does not have."""
    return [name for name in theirs if name.startswith(below) and name not in own]


def _unusable_numbers(own: Mapping[str, Tensor], taken: Mapping[str, Tensor]) -> list[str]:
    """Complaints about weights that are no real numbers, or not all of whose numbers are finite."""
    odd, broken = [], []
    for name, value in taken.items():
        if name not in own:
            continue
        if _is_plain(value):
            if not value.isfinite().all():
                broken.append(f"'{name}' holds NaN or infinity")
        elif own[name].is_floating_point():
            odd.append(f"'{name}' holds {_kind_of_numbers(value)}, not plain real numbers")
    return [*some(odd), *some(broken)]


def _unmatched_names(
    missing: Sequence[str], unknown: Sequence[str], fresh: Collection[str]
) -> list[str]:
    """Complaints about names that only the network has, and about those that only the file has.

    A file need not have what stays fresh, nor the counters of batch norms.
    """
    needed = [name for name in missing if name not in fresh and not name.endswith(COUNTER)]
    return [
        *some([f"'{name}' is missing" for name in needed]),
        *some([f"'{name}' is not of this network" for name in unknown]),
    ]


def _is_plain(value: Tensor) -> bool:
    """Whether a tensor holds all its numbers, and real ones: neither sparse nor quantised."""
    return value.is_floating_point() and value.layout == torch.strided and not value.is_meta


def _is_blank(value: Tensor) -> bool:
    """Whether no number is in some weights, as in networks published without their head."""
    return _is_plain(value) and value.numel() > 0 and bool(value.isnan().all())


def _kind_of_numbers(value: Tensor) -> str:
    """The kind of numbers of a tensor that is not plain.

    Example:
        >>> _kind_of_numbers(torch.zeros(1, dtype=torch.int8))
        'int8'
        >>> _kind_of_numbers(torch.zeros(1, 1).to_sparse())
        'sparse_coo float32'
    """
    kind = f"{value.layout} {value.dtype}".replace("torch.", "")
    return kind.removeprefix("strided ")


def _other_classes(own: Tensor, theirs: Tensor) -> bool:
    """Whether two layers differ in the number of their outputs and in nothing else."""
    if own.ndim != theirs.ndim or own.ndim == 0:
        return False
    return own.shape[0] != theirs.shape[0] and own.shape[1:] == theirs.shape[1:]


def _version(net: nn.Module) -> Version:
    """The version of a network's own layout, for weights that do not say from which they are."""
    versions: Versions = getattr(net.state_dict(), "_metadata", {})
    return versions.get("", {})
