"""Start a network from a file of weights, checked key by key; nothing is ever downloaded.

A file holds the weights of a backbone alone (torchvision's own, or another training's), or those
that a trial was tested with, which are those of its gates too.
"""

import logging
import re
from collections.abc import Collection, Mapping
from functools import cache
from hashlib import file_digest
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum, get_model_weights, list_models

from dasbench.backbones.fitting import (
    fit_weights,
    fresh_notes,
    left_out_notes,
    load_fit,
    mismatches,
    precision_notes,
)
from dasbench.backbones.state_dicts import (
    Finding,
    WeightTable,
    findings,
    gates_in,
    same_weights,
    weight_tables,
)
from dasbench.backbones.weight_files import ADVICE, Unread, read_content
from dasbench.data_access import data_access
from dasbench.errors import DataError
from dasbench.spec.plain import Params

log = logging.getLogger(__name__)

_KEY = re.compile(r"[0-9a-f]{12}")
"""A trial's key."""


def pretrained_file(model: str | None, params: Params) -> Path | None:
    """The file that a backbone's `weights` parameter means, None if it has no such parameter.

    Register a backbone with `weights_file=partial(pretrained_file, "resnet18")`; then
    `resolution.resolve` lets the file's content decide the trial's key, and not its place.

    Args:
        model: torchvision's name of the network, or None if torchvision publishes no weights for
            it.
        params: the backbone's parameters.

    Raises:
        DataError: if the file is not there.
    """
    weights = params.get("weights")
    if weights is None:
        return None
    return find_weights(weights, model=model)


def find_weights(weights: str, *, model: str | None) -> Path:
    """The full path of a weights file.

    Args:
        weights: a path, or a name such as `IMAGENET1K_V1` or `ResNet18_Weights.IMAGENET1K_V1`,
            which means the file where torchvision would have put it, or the key of a trial whose
            weights were kept (where, is chosen with `reading_data`).
        model: torchvision's name of the network, or None if torchvision publishes no weights for
            it.

    Raises:
        DataError: if there is no such file; for a name, it says where the file belongs and where to
            get it.

    Example:
        >>> find_weights("no/such/file.pt", model="resnet18")
        Traceback (most recent call last):
        dasbench.errors.DataError: backbone.weights: no file 'no/such/file.pt'; give a file with
        a state_dict, or one of torchvision's names for resnet18: DEFAULT, IMAGENET1K_V1.
    """
    urls = _published_urls(model)
    if urls:
        weights = weights.removeprefix(_enumeration(model))
    if weights in urls:
        return _downloaded_file(weights, urls[weights], model=model).resolve()
    path = Path(weights).expanduser()
    if path.is_file():
        return path.resolve()
    if _KEY.fullmatch(weights):
        return _kept_file(weights).resolve()
    remedy = "give a file with a state_dict"
    if urls:
        remedy += f", or one of torchvision's names for {model}: {', '.join(sorted(urls))}"
    if "://" in weights:
        remedy += "; dasbench downloads nothing"
    raise DataError(f"backbone.weights: no file '{weights}'; {remedy}.")


def load_pretrained(net: nn.Module, file: Path, *, head: str, spare: Collection[str] = ()) -> None:
    """Copy a file's weights into a network, as the network itself loads them.

    The weights may lie below any key (`state_dict`, `model`) and behind any prefix (`module.`,
    `backbone.`); of a trial's, the part of the backbone is taken. Weights of half precision become
    the network's, and a head of another kind stays fresh. What is left out, left fresh or
    converted is said in a line.

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
    left_out = [*fit.left_out, *_weights_beside(found)]
    notes = [*left_out_notes(left_out), *fresh_notes(fit), *precision_notes(own, fit)]
    if notes:
        tell_once(f"backbone.weights: '{file}': {'; '.join(notes)}")


def load_gates(gates: nn.Module, file: Path) -> None:
    """Copy the gates of a trial's weights into a network's; a file without any leaves them fresh.

    Args:
        gates: of the network, by the names of their sites.
        file: as for `load_pretrained`.

    Raises:
        DataError: if the file holds other gates; the message names the first of the keys.
    """
    theirs = gates_in(list(weight_tables(_read(file))))
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
        >>> find_head(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Linear(8, 10), nn.Softmax(dim=1)))
        '1'
    """
    heads = nn.Linear | nn.Conv2d
    paths: list[str] = [path for path, one in net.named_modules() if isinstance(one, heads)]
    return paths[-1]


def published_file(model: str, file: Path) -> WeightsEnum | None:
    """Which of torchvision's published weights a file is, by its name or content; else None.

    Args:
        model: torchvision's name of the network.
        file: the file.
    """
    named = {weights.url.rpartition("/")[2]: weights for weights in get_model_weights(model)}
    if file.name in named:
        return named[file.name]
    with file.open("rb") as stream:
        digest = file_digest(stream, "sha256").hexdigest()
    for name, weights in named.items():
        start = name.rpartition("-")[2].partition(".")[0]
        if len(start) >= 8 and digest.startswith(start):
            return weights
    return None


def _downloaded_file(name: str, url: str, *, model: str | None) -> Path:
    """Where torchvision puts the file of weights that it publishes."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if not path.is_file():
        raise DataError(
            f"backbone.weights: '{name}' of {model} is expected at {path}, where no file is. "
            f"dasbench downloads nothing: put {url} there."
        )
    return path


def _kept_file(key: str) -> Path:
    """Where the weights of a trial were kept."""
    path = data_access().kept_weights() / f"{key}.pt"
    if not path.is_file():
        raise DataError(
            f"backbone.weights: the weights of trial {key} are expected at {path}; train it with "
            "`dasbench run STUDY --keep-weights`, or give the path of their file."
        )
    return path


def _published_urls(model: str | None) -> dict[str, str]:
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
    if model is None:
        return ""
    return f"{get_model_weights(model).__name__}."


def _read(file: Path) -> object:
    return read_content(
        file, complaint=f"backbone.weights: '{file}' cannot be read as a state_dict"
    )


def _find(file: Path, own: Mapping[str, Tensor]) -> Finding:
    """Where the weights of a network are in a file.

    Raises:
        DataError: if it holds none, or several that may be meant.
    """
    content = _read(file)
    tables = list(weight_tables(content))
    if not tables:
        _refuse_other_content(file, content)
        tables = [WeightTable((), {})]
    first, *others = findings(tables, own) or [Finding(tables[0], "", 0)]
    rivals = [one for one in others if one.rank == first.rank and not same_weights(first, one)]
    if rivals and 2 * first.num_known >= len(own):
        names = ", ".join(f"'{finding.name}'" for finding in (first, *rivals))
        raise DataError(
            f"backbone.weights: '{file}' holds the weights of such a network more than once: "
            f"{names}; save those alone that are meant"
        )
    return first


def _refuse_other_content(file: Path, content: object) -> None:
    """Say what a file without a single weight holds, if it holds anything."""
    if content == {}:
        return
    if isinstance(content, Mapping):
        for key, value in content.items():
            if isinstance(value, Unread):
                raise DataError(
                    f"backbone.weights: '{file}' cannot be read as a state_dict: "
                    f"'{key}' is a pickled object ({type(value).__name__}); {ADVICE}"
                )
    raise DataError(
        f"backbone.weights: '{file}' holds no state_dict, a mapping from names to tensors"
    )


def _weights_beside(found: Finding) -> list[str]:
    """Weights of a file beside those of the network; a trial's gates are loaded on their own."""
    gates = f"{found.prefix.removesuffix('backbone.')}gates."
    return [key for key in found.table.weights if not key.startswith((found.prefix, gates))]
