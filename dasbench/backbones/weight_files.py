"""Files of weights as PyTorch and safetensors write them, read without running their code."""

import importlib.util
import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch

from dasbench.errors import DataError

UNREADABLE = (
    OSError,
    RuntimeError,
    ValueError,
    ArithmeticError,
    LookupError,
    EOFError,
    AttributeError,
    TypeError,
    AssertionError,
    ImportError,
    MemoryError,
    pickle.UnpicklingError,
    struct.error,
    zipfile.BadZipFile,
)
"""What `torch.load` answers to a file that holds no weights."""

ADVICE = (
    "in the program that wrote it, save the weights alone: "
    "torch.save(model.state_dict(), 'weights.pt')"
)

MAX_FOREIGN = 200
"""Classes and functions of other programs that are stood in for in a file."""

MOST = 120
"""Letters of a message of torch's that are shown."""

_FOREIGN = re.compile(r"Unsupported global: GLOBAL ([\w.]+)")
"""How torch names a class or function that it does not run."""

_SAFETENSORS = re.compile(rb"[\x00-\xff]{8}\s*\{", re.DOTALL)
"""How a file of safetensors begins: the length of its header, and the header."""

_KINDS = {
    rb"\s*(?i:<!doctype|<html|<\?xml)": "it is a web page, saved in place of a download",
    rb"version https://git-lfs": "it is a pointer of Git LFS; "
    "get the file itself with git lfs pull",
    rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf": "it is compressed; unpack it",
    rb"\x89HDF": "it is an HDF5 file, as Keras writes them",
    rb"\x93NUMPY": "it is an array of NumPy's",
}
"""What else a file may be, by what its first bytes match."""


Trusted = Callable[..., object] | tuple[Callable[..., object], str]
"""What torch may be told to make of a name in a file."""


class Unread:
    """Stands for an object in a file that only foreign code could make; nothing of it is kept.

    Its subclasses are named for the classes that they stand for.
    """

    def __new__(cls, *_parts: object) -> "Unread":
        """Take what the object would be made of, and make nothing of it."""
        return object.__new__(cls)

    def __init__(self, *_parts: object) -> None: ...

    def __setstate__(self, _state: object) -> None: ...


def read_content(file: Path, *, complaint: str) -> object:
    """What a file of weights holds: tensors, plain data, and `Unread` in place of all else.

    Args:
        file: as `torch.save` or safetensors writes it.
        complaint: how the message of the error begins: `FILE: cannot be read`.

    Raises:
        DataError: if it cannot be read; with the reason, and what to do.
    """
    head = b""
    foreign: list[str] = []
    try:
        with file.open("rb") as stream:
            head = stream.read(64)
        if file.suffix == ".safetensors" or _SAFETENSORS.match(head):
            return _read_safetensors(file)
        content = _read_pickle(file, foreign)
    except UNREADABLE as error:
        if foreign:
            raise DataError(f"{complaint}: {_objects(foreign[-1])}") from error
        raise DataError(f"{complaint}: {_reason(file, head, error)}") from error
    if isinstance(content, Unread):
        raise DataError(f"{complaint}: {_objects(type(content).__name__)}")
    return content


def _read_pickle(file: Path, foreign: list[str]) -> object:
    """What torch reads without running code, with stand-ins for what would take some.

    Args:
        file: as `torch.save` writes it.
        foreign: the names of the classes and functions that are stood in for are added here.
    """
    while True:
        try:
            stand_ins: list[Trusted] = [(_stand_in(name), name) for name in foreign]
            with (
                warnings.catch_warnings(action="ignore"),
                torch.serialization.safe_globals(stand_ins),
            ):
                return torch.load(file, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            found = _FOREIGN.search(str(error))
            if found is None:
                raise
            name = found[1]
            if "." not in name:
                name = f"builtins.{name}"  # torch leaves it out
            if name in foreign or len(foreign) == MAX_FOREIGN:
                raise
            foreign.append(name)


def _read_safetensors(file: Path) -> object:
    if importlib.util.find_spec("safetensors") is None:
        raise ImportError(
            "it is written by safetensors, which is not installed: pip install safetensors"
        )
    from safetensors import SafetensorError  # a dependency of timm, not of ours
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except SafetensorError as error:
        raise ValueError(
            f"it is no whole file of safetensors ({file.stat().st_size} bytes; {error})"
        ) from error


def _stand_in(name: str) -> type[Unread]:
    return type(name, (Unread,), {})


def _reason(file: Path, head: bytes, error: BaseException) -> str:
    """Why a file cannot be read, in a line."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if not head:
        return "it is empty (0 bytes)"
    for pattern, kind in _KINDS.items():
        if re.match(pattern, head):
            return kind
    text = str(error)
    if "TorchScript" in text:
        return f"it is a TorchScript archive, a whole network; {ADVICE}"
    if blocked := re.search(r"GLOBAL ([\w.]+)", text):
        return _objects(blocked[1])
    if isinstance(error, ImportError) or "safetensors" in text:
        return text
    return f"it is cut off, damaged, or no file of torch.save ({_size_and_detail(file, text)})"


def _size_and_detail(file: Path, text: str) -> str:
    """The size of a file, and the first sentence of torch's message about it, if it has words."""
    if unpickler := re.search(r"WeightsUnpickler error: (.*)", text):
        text = unpickler[1]
    detail = text.strip().partition("\n")[0].partition(". ")[0][:MOST]
    size = f"{file.stat().st_size} bytes"
    if " " not in detail:
        return size
    return f"{size}; {detail}"


def _objects(name: str) -> str:
    """Why a file that holds an object of some class cannot be read."""
    what = f"it holds a whole pickled object ({name}), which only running its code could read"
    return f"{what}; {ADVICE}"
