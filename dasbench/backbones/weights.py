"""Start a network from a file of weights; what a file says is checked key by key, and nothing is ever downloaded.

A file holds the weights of a backbone alone (torchvision's own, or another training's), or those
that a trial was tested with, which are those of its gates too.
"""

import logging
import re
from collections.abc import Collection, Mapping
from functools import cache
from hashlib import file_digest
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights, list_models

from dasbench.backbones.fitting import (
    converted,
    fit_weights,
    left_fresh,
    left_out,
    load_fit,
    mismatches,
)
from dasbench.backbones.state_dicts import (
    Finding,
    Table,
    findings,
    gates_in,
    same_weights,
    tables_in,
)
from dasbench.backbones.weight_files import ADVICE, Unread, read_content
from dasbench.errors import DataError

log = logging.getLogger(__name__)

KEPT = Path(".dasbench/weights")
"""Where `dasbench run --keep-weights` keeps the weights of trials, beside the database."""

_KEY = re.compile(r"[0-9a-f]{12}")
"""A trial's key."""


def weights_file(model: str | None, params: Mapping[str, Any]) -> Path | None:
    """The file that a backbone's `weights` parameter means, None if it has no such parameter.

    Register a backbone with `weights_file=partial(weights_file, "resnet18")`; then
    `resolution.resolve` lets the file's content decide the trial's key, and not its place.

    Args:
        model: torchvision's name of the network, or None if torchvision publishes no weights for
            it.
        params: the backbone's parameters.

    Raises:
        DataError: if the file is not there.
    """
    weights = params.get("weights")
    return None if weights is None else find_weights(weights, model=model)


def find_weights(weights: str, *, model: str | None) -> Path:
    """The full path of a weights file, given as a path, as a trial's key or as one of torchvision's names.

    Args:
        weights: a path, or a name such as `IMAGENET1K_V1` or `ResNet18_Weights.IMAGENET1K_V1`,
            which means the file where torchvision would have put it, or the key of a trial whose
            weights were kept in this folder's `.dasbench/weights`.
        model: torchvision's name of the network, or None if torchvision publishes no weights for
            it.

    Raises:
        DataError: if there is no such file; for a name, it says where the file belongs and where to
            get it.

    Example:
        >>> find_weights("no/such/file.pt", model="resnet18")
        Traceback (most recent call last):
        dasbench.errors.DataError: backbone.weights: no file 'no/such/file.pt'; give a file with a state_dict, or one of
        torchvision's names for resnet18: DEFAULT, IMAGENET1K_V1.
    """
    urls = _published(model)
    weights = weights.removeprefix(_enumeration(model)) if urls else weights
    if weights not in urls:
        path = Path(weights).expanduser()
        if _KEY.fullmatch(weights) and not path.is_file():
            path = KEPT / f"{weights}.pt"
            if not path.is_file():
                raise DataError(
                    f"backbone.weights: the weights of trial {weights} are expected at {path}; train it with "
                    "`dasbench run STUDY --keep-weights`, or give the path of their file."
                )
        if not path.is_file():
            downloads = "; dasbench downloads nothing" if "://" in weights else ""
            names = (
                f", or one of torchvision's names for {model}: {', '.join(sorted(urls))}"
                if urls
                else ""
            )
            raise DataError(
                f"backbone.weights: no file '{weights}'; give a file with a state_dict{names}{downloads}."
            )
        return path.resolve()
    path = Path(torch.hub.get_dir()) / "checkpoints" / urls[weights].rpartition("/")[2]
    if not path.is_file():
        raise DataError(
            f"backbone.weights: '{weights}' of {model} is expected at {path}, where no file is. dasbench downloads "
            f"nothing: put {urls[weights]} there."
        )
    return path.resolve()


def load_weights(net: nn.Module, file: Path, *, head: str, spare: Collection[str] = ()) -> None:
    """Copy a file's weights into a network, as the network itself loads them, all of them but for another head.

    The weights may lie below any key (`state_dict`, `model`) and behind any prefix (`module.`,
    `backbone.`); of a trial's, the part of the backbone is taken. Weights of half precision become
    the network's. What is left out, left fresh or converted is said in a line.

    Args:
        net: the network.
        file: as `torch.save` or safetensors writes it.
        head: path of the last layer (`fc`). It stays as it is where the file has none, one of
            another kind, or one for another number of classes. Counters of batch norms
            (`num_batches_tracked`), which older files lack, do too.
        spare: prefixes of weights that the network has in training alone (`aux1.`); they are left
            out.

    Raises:
        DataError: if the file holds no weights, or those of another network; the message names the
            first of the keys that are missing, not the network's, or of another shape.
    """
    own = net.state_dict()
    found = _find(file, own)
    fit = fit_weights(own, found.table.below(found.prefix), head=head, spare=tuple(spare))
    complaints = load_fit(net, own, fit)
    if complaints:
        raise DataError(f"backbone.weights: '{file}' does not fit: {'; '.join(complaints)}")
    notes = [*left_out([*fit.left_out, *_outside(found)]), *left_fresh(fit), *converted(own, fit)]
    if notes:
        tell_once(f"backbone.weights: '{file}': {'; '.join(notes)}")


def load_gates(gates: nn.Module, file: Path) -> None:
    """Copy the gates of a trial's weights into those of a network; a file without any leaves them fresh.

    Args:
        gates: of the network, by the names of their sites.
        file: as for `load_weights`.

    Raises:
        DataError: if the file holds other gates; the message names the first of the keys.
    """
    theirs = gates_in(list(tables_in(_read(file))))
    if not theirs:
        return
    complaints = mismatches(gates.state_dict(), theirs)
    if complaints:
        raise DataError(f"backbone.weights: '{file}' holds other gates: {'; '.join(complaints)}")
    gates.load_state_dict(theirs, strict=False)


@cache
def tell_once(line: str) -> None:
    """Warn of something, once in a process: a network is built many times."""
    log.warning("%s", line)


def find_head(net: nn.Module) -> str:
    """The path of a network's last linear layer or convolution, which tells the classes apart.

    Example:
        >>> find_head(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 10), nn.Softmax(dim=1)))
        '2'
    """
    paths: list[str] = [
        path for path, module in net.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    return paths[-1]


def published_file(model: str, file: Path) -> Any:
    """Which of torchvision's published weights a file is, by its name or its content; None if it is none of them.

    Args:
        model: torchvision's name of the network.
        file: the file.
    """
    named = {weights.url.rpartition("/")[2]: weights for weights in get_model_weights(model)}
    if file.name in named:
        return named[file.name]
    with file.open("rb") as stream:
        digest = file_digest(stream, "sha256").hexdigest()
    hashes = {name.rpartition("-")[2].partition(".")[0]: weights for name, weights in named.items()}
    return next(
        (
            weights
            for start, weights in hashes.items()
            if len(start) >= 8 and digest.startswith(start)
        ),
        None,
    )


def _published(model: str | None) -> dict[str, str]:
    """Where to get the weights that torchvision publishes for a network, by their names."""
    if model is None or model not in list_models():
        return {}
    return {name: weights.url for name, weights in get_model_weights(model).__members__.items()}


def _enumeration(model: str | None) -> str:
    """What torchvision writes before the names of a network's weights.

    Example:
        >>> _enumeration("resnet18")
        'ResNet18_Weights.'
    """
    return "" if model is None else f"{get_model_weights(model).__name__}."


def _read(file: Path) -> Any:
    return read_content(
        file, complaint=f"backbone.weights: '{file}' cannot be read as a state_dict"
    )


def _find(file: Path, own: Mapping[str, Tensor]) -> Finding:
    """Where the weights of a network are in a file.

    Raises:
        DataError: if it holds none, or several that may be meant.
    """
    content = _read(file)
    tables = list(tables_in(content))
    if not tables:
        unread = [
            f"'{key}' is a pickled object ({type(value).__name__})"
            for key, value in _unread(content)
        ]
        if unread:
            raise DataError(
                f"backbone.weights: '{file}' cannot be read as a state_dict: {unread[0]}; {ADVICE}"
            )
        if content != {}:
            raise DataError(
                f"backbone.weights: '{file}' holds no state_dict, a mapping from names to tensors"
            )
    first, *others = findings(tables, own) or [
        Finding(tables[0] if tables else Table((), {}), "", 0)
    ]
    rivals = [
        other for other in others if other.rank == first.rank and not same_weights(first, other)
    ]
    if rivals and 2 * first.num_known >= len(own):
        names = ", ".join(f"'{finding.name}'" for finding in (first, *rivals))
        raise DataError(
            f"backbone.weights: '{file}' holds the weights of such a network more than once: {names}; save those alone "
            "that are meant"
        )
    return first


def _unread(content: Any) -> list[tuple[str, Unread]]:
    """Objects in a file that only running code could read, by their keys."""
    items = content.items() if isinstance(content, Mapping) else ()
    return [(str(key), value) for key, value in items if isinstance(value, Unread)]


def _outside(found: Finding) -> list[str]:
    """Weights of a file beside those of the network; a trial's gates are loaded on their own."""
    gates = f"{found.prefix.removesuffix('backbone.')}gates."
    return [key for key in found.table.weights if not key.startswith((found.prefix, gates))]
