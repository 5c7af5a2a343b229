"""Start a network from a file of weights; what a file says is checked key by key, and nothing is ever downloaded.

A file holds the weights of a backbone alone (torchvision's own, or another training's), or those that a trial was
tested with, which are those of its gates too.
"""

import logging
import pickle
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights, list_models

from dasbench.errors import DataError

log = logging.getLogger(__name__)

UNREADABLE = (OSError, RuntimeError, ValueError, KeyError, EOFError, AttributeError, TypeError, pickle.UnpicklingError)
"""What `torch.load` answers to a file that holds no weights."""

KEPT = Path(".dasbench/weights")
"""Where `dasbench run --keep-weights` keeps the weights of trials, beside the database."""

_KEY = re.compile(r"[0-9a-f]{12}")
"""A trial's key."""

_SHOWN = 3
"""Mismatching keys that a complaint names."""


def weights_file(model: str | None, params: Mapping[str, Any]) -> Path | None:
    """The file that a backbone's `weights` parameter means, None if it has no such parameter.

    Register a backbone with `weights_file=partial(weights_file, "resnet18")`; then `catalog.resolve` lets the file's
    content decide the trial's key, and not its place.

    Args:
        model: torchvision's name of the network, or None if torchvision publishes no weights for it.
        params: the backbone's parameters.

    Raises:
        DataError: if the file is not there.
    """
    weights = params.get("weights")
    return None if weights is None else find_weights(weights, model=model)


def find_weights(weights: str, *, model: str | None) -> Path:
    """The full path of a weights file, given as a path, as a trial's key or as one of torchvision's names.

    Args:
        weights: a path, or a name such as `IMAGENET1K_V1`, which means the file where torchvision would have put it, or
            the key of a trial whose weights were kept in this folder's `.dasbench/weights`.
        model: torchvision's name of the network, or None if torchvision publishes no weights for it.

    Raises:
        DataError: if there is no such file; for a name, it says where the file belongs and where to get it.

    Example:
        >>> find_weights("no/such/file.pt", model="resnet18")
        Traceback (most recent call last):
        dasbench.errors.DataError: backbone.weights: no file 'no/such/file.pt'; give a file with a state_dict, or one of
        torchvision's names for resnet18: DEFAULT, IMAGENET1K_V1.
    """
    urls = _published(model)
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
            names = f", or one of torchvision's names for {model}: {', '.join(sorted(urls))}" if urls else ""
            raise DataError(f"backbone.weights: no file '{weights}'; give a file with a state_dict{names}.")
        return path.resolve()
    path = Path(torch.hub.get_dir()) / "checkpoints" / urls[weights].rpartition("/")[2]
    if not path.is_file():
        raise DataError(
            f"backbone.weights: '{weights}' of {model} is expected at {path}, where no file is. dasbench downloads "
            f"nothing: put {urls[weights]} there."
        )
    return path.resolve()


def load_weights(net: nn.Module, file: Path, *, head: str) -> None:
    """Copy a file's weights into a network, all of them but for a head of another number of classes.

    Args:
        net: the network.
        file: a state_dict as `torch.save` writes it, perhaps below the key `state_dict` or `model`; of a trial's, the
            part of the backbone is taken.
        head: path of the last layer (`fc`). Where its outputs are of another number than in the file, it stays as it
            is; a log line says so. Counters of batch norms (`num_batches_tracked`), which older files lack, do too.

    Raises:
        DataError: if the file holds no weights, or those of another network; the message names the first of the keys.
    """
    own, theirs = net.state_dict(), _read(file)
    theirs = _below("backbone.", theirs) or theirs
    fresh = [key for key in (f"{head}.weight", f"{head}.bias") if _other_classes(own.get(key), theirs.get(key))]
    complaints = _mismatches(own, {key: value for key, value in theirs.items() if key not in fresh}, fresh)
    if complaints:
        more = f" (and {len(complaints) - _SHOWN} more)" if len(complaints) > _SHOWN else ""
        raise DataError(f"backbone.weights: '{file}' does not fit: {'; '.join(complaints[:_SHOWN])}{more}")
    net.load_state_dict({key: value for key, value in theirs.items() if key not in fresh}, strict=False)
    if fresh:
        log.info("%s: %s left fresh, for the file has another number of classes", file, " and ".join(fresh))


def load_gates(gates: nn.Module, file: Path) -> None:
    """Copy the gates of a trial's weights into those of a network; a file without any leaves them fresh.

    Args:
        gates: of the network, by the names of their sites.
        file: as for `load_weights`.

    Raises:
        DataError: if the file holds other gates; the message names the first of the keys.
    """
    theirs = _below("gates.", _read(file))
    if not theirs:
        return
    complaints = _mismatches(gates.state_dict(), theirs, ())
    if complaints:
        more = f" (and {len(complaints) - _SHOWN} more)" if len(complaints) > _SHOWN else ""
        raise DataError(f"backbone.weights: '{file}' holds other gates: {'; '.join(complaints[:_SHOWN])}{more}")
    gates.load_state_dict(theirs, strict=False)


def find_head(net: nn.Module) -> str:
    """The path of a network's last linear layer or convolution, which tells the classes apart.

    Example:
        >>> find_head(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 10), nn.Softmax(dim=1)))
        '2'
    """
    paths: list[str] = [path for path, module in net.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    return paths[-1]


def _published(model: str | None) -> dict[str, str]:
    """Where to get the weights that torchvision publishes for a network, by their names."""
    if model is None or model not in list_models():
        return {}
    return {name: weights.url for name, weights in get_model_weights(model).__members__.items()}


def _read(file: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"backbone.weights: '{file}' cannot be read as a state_dict: {reason}") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()
    ):
        raise DataError(f"backbone.weights: '{file}' holds no state_dict, a mapping from names to tensors")
    return dict(content)


def _below(prefix: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights whose names start with a prefix, without it."""
    return {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}


def _other_classes(own: Tensor | None, theirs: Tensor | None) -> bool:
    """Whether two layers differ in the number of their outputs and in nothing else."""
    if own is None or theirs is None or own.ndim != theirs.ndim or own.ndim == 0:
        return False
    return own.shape[0] != theirs.shape[0] and own.shape[1:] == theirs.shape[1:]


def _mismatches(own: Mapping[str, Tensor], theirs: Mapping[str, Tensor], fresh: Collection[str]) -> list[str]:
    """What keeps a file's weights from being those of a network, in the order of the network."""
    complaints = []
    for key, value in own.items():
        if key in theirs and theirs[key].shape != value.shape:
            complaints.append(f"'{key}' is {tuple(theirs[key].shape)}, not {tuple(value.shape)}")
        elif key not in theirs and key not in fresh and not key.endswith("num_batches_tracked"):
            complaints.append(f"'{key}' is missing")
    return complaints + [f"'{key}' is not of this network" for key in theirs if key not in own]
