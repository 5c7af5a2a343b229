"""Files of weights as PyTorch and safetensors write them, read without running any code that is in them."""

import importlib.util
import pickle
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

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

ADVICE = "in the program that wrote it, save the weights alone: torch.save(model.state_dict(), 'weights.pt')"

_SAFETENSORS = re.compile(rb"[\x00-\xff]{8}\s*\{", re.DOTALL)
"""How a file of safetensors begins: the length of its header, and the header."""

_KINDS = (
    (re.compile(rb"\s*<(!doctype|html|\?xml)", re.IGNORECASE), "it is a web page, saved in place of a download"),
    (re.compile(rb"version https://git-lfs"), "it is a pointer of Git LFS; get the file itself with git lfs pull"),
    (re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf"), "it is compressed; unpack it"),
    (re.compile(rb"\x89HDF"), "it is an HDF5 file, as Keras writes them"),
    (re.compile(rb"\x93NUMPY"), "it is an array of NumPy's"),
)
"""What else a file may be, by its first bytes."""


class Unread:
    """Stands for an object in a file that only foreign code could make; nothing of it is kept.

    Its subclasses are named for the classes that they stand for.
    """

    def __new__(cls, *_parts: object) -> "Unread":
        """Take what the object would be made of, and make nothing of it."""
        return object.__new__(cls)

    def __init__(self, *_parts: object) -> None: ...

    def __setstate__(self, _state: object) -> None: ...


def read_content(file: Path, *, complaint: str) -> Any:
    """What a file of weights holds: tensors, plain data, and `Unread` in the place of everything else.

    Args:
        file: as `torch.save` or safetensors writes it.
        complaint: how the message of the error begins: `FILE: cannot be read`.

    Raises:
        DataError: if it cannot be read; with the reason, and what to do.
    """
    head = b""
    try:
        with file.open("rb") as stream:
            head = stream.read(64)
        if file.suffix == ".safetensors" or _SAFETENSORS.match(head):
            return _read_safetensors(file)
        with torch.serialization.safe_globals([(_stand_in(name), name) for name in _foreign_names(file)]):
            content = torch.load(file, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise DataError(f"{complaint}: {_reason(file, head, error)}") from error
    if isinstance(content, Unread):
        what = f"it holds a whole pickled object ({type(content).__name__}), which only running its code could read"
        raise DataError(f"{complaint}: {what}; {ADVICE}")
    return content


def _read_safetensors(file: Path) -> Any:
    if importlib.util.find_spec("safetensors") is None:
        raise ImportError("it is written by safetensors, which is not installed: pip install safetensors")
    from safetensors import SafetensorError  # a dependency of timm, not of ours
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except SafetensorError as error:
        raise ValueError(f"it is no whole file of safetensors ({file.stat().st_size} bytes; {error})") from error


def _foreign_names(file: Path) -> list[str]:
    """The classes and functions in a file that are no tensors and no plain data; none if that cannot be told."""
    try:
        return torch.serialization.get_unsafe_globals_in_checkpoint(file)
    except UNREADABLE:
        return []


def _stand_in(name: str) -> type[Unread]:
    return type(name, (Unread,), {})


def _reason(file: Path, head: bytes, error: BaseException) -> str:
    """Why a file cannot be read, in a line."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if not head:
        return "it is empty (0 bytes)"
    text = str(error)
    kinds = [kind for pattern, kind in _KINDS if pattern.match(head)]
    if kinds:
        return kinds[0]
    if "TorchScript" in text:
        return f"it is a TorchScript archive, a whole network; {ADVICE}"
    foreign = re.search(r"GLOBAL ([\w.]+)", text)
    if foreign:
        return f"it holds a pickled object ({foreign[1]}), which only running its code could read; {ADVICE}"
    first = text.partition("\n")[0].partition(". This file can still be loaded")[0] or type(error).__name__
    if isinstance(error, ImportError) or "safetensors" in text:
        return first
    return f"it is cut off, damaged, or no file of torch.save ({file.stat().st_size} bytes; {first})"
