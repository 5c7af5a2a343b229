"""What becomes of an exception that nobody expected: whose it is, the exit code and the message."""

import errno
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from dasbench.catalog import KINDS
from dasbench.components.entry import Entry
from dasbench.components.traits import Traits
from dasbench.errors import DasbenchError, ModelError
from dasbench.faults import (
    Frame,
    is_out_of_memory,
    message_of,
    package_of,
    raising_library,
    told,
    user_frames,
)
from dasbench.plugins import imported

WORKHORSES = (
    "PIL", "fsspec", "faster_coco_eval", "huggingface_hub", "matplotlib", "mlflow", "plotly",
    "psycopg", "pyarrow", "pycocotools", "ray", "s3fs", "sqlalchemy", "tensorboard", "timm",
    "torch", "torchvision", "transformers", "wandb",
)  # fmt: skip
"""Packages whose faults come from a machine, from files or from networks that a study names."""


@dataclass(frozen=True)
class Verdict:
    """What to do about an exception.

    Args:
        exit_code: see `dasbench.errors`; 70 for a bug of ours.
        message: what to tell the user.
        obscure: whether the whole traceback may tell more than the message.
    """

    exit_code: int
    message: str
    obscure: bool = False


def judge(error: BaseException) -> Verdict:
    """Tell whose fault an exception is, by its type and by the files that its traceback passes.

    Example:
        >>> judge(PermissionError(13, "Permission denied", "out.csv"))
        Verdict(exit_code=3, message='out.csv: Permission denied', obscure=False)
        >>> judge(RuntimeError("a bug")).exit_code
        70
    """
    if isinstance(error, DasbenchError):
        return Verdict(error.exit_code, str(error))
    if is_out_of_memory(error):
        return Verdict(3, f"there is not enough memory: {message_of(error)}")
    if isinstance(error, OSError):
        return Verdict(3, _system_message(error))
    if words := own_fault(error):
        return Verdict(2, words)
    if isinstance(error, ImportError) and not package_of(error).startswith("dasbench"):
        return Verdict(3, _broken_package(error), obscure=True)
    if (library := raising_library(error)) in WORKHORSES:
        return Verdict(3, f"{library} fails: {message_of(error)}", obscure=True)
    return Verdict(70, f"internal error: {message_of(error)}", obscure=True)


def own_fault(error: BaseException) -> str:
    """What the user's own code raised, in which component and where, in one line.

    Args:
        error: anything that was raised.

    Returns:
        `""` if no code of the user's took part.
    """
    frames = user_frames(error) or _missing_in_own(error)
    if not any(_is_own(frame.file) for frame in frames):
        return ""
    entry = component_at(frames)
    words = told(error, frames)
    if entry is None:
        return words
    return f"{entry}: {words}"


def _system_message(error: OSError) -> str:
    """An error of the file system or the machine with its path, or the user's line that met it."""
    if error.errno == errno.ENOSPC:
        return f"{error.filename or 'output'}: the disk is full"
    if words := own_fault(error):
        return words
    if not error.strerror:
        return message_of(error)
    if not error.filename:
        return error.strerror
    return f"{error.filename}: {error.strerror}"


def _broken_package(error: ImportError) -> str:
    package = package_of(error)
    cure = f"install it again: pip install --force-reinstall {package}"
    return f"the package '{package}' cannot be imported: {message_of(error)}; {cure}"


def _is_own(file: str) -> bool:
    """Whether a file is, or lies beside, one that registers the user's own components."""
    files = [Path(entry.place.file) for entry in _own_entries()]
    files += [plugin.file for plugin in imported()]
    folders = {own.resolve().parent for own in files}
    return not folders.isdisjoint(Path(file).resolve().parents)


def _missing_in_own(error: BaseException) -> list[Frame]:
    """Where the user's class stands whose object lacks what dasbench asks of it, if one does."""
    if not isinstance(error, AttributeError) or error.obj is None:
        return []
    made = error.obj
    if not inspect.isroutine(made) and not inspect.isclass(made):
        made = type(made)
    for entry in _own_entries():
        if entry.place.module != made.__module__:
            continue
        file, line = entry.place.file, 0
        if Path(file).exists():
            line = inspect.getsourcelines(made)[1]
        return [Frame(file, line, made.__qualname__)]
    return []


def component_at(frames: Sequence[Frame]) -> Entry[object, Traits] | None:
    """The user's component whose code was running, in the innermost of their files that has one."""
    for frame in reversed(frames):
        there = _registered_in(frame.file)
        running = [entry for entry in there if _runs(entry, frame)] or there
        if len(running) == 1:
            return running[0]
    return None


def _registered_in(file: str) -> list[Entry[object, Traits]]:
    wanted = Path(file).resolve()
    return [entry for entry in _own_entries() if Path(entry.place.file).resolve() == wanted]


def _runs(entry: Entry[object, Traits], frame: Frame) -> bool:
    """Whether a call is of a component's constructor or of its class."""
    made_by = getattr(entry.make, "__qualname__", "")
    return frame.function.partition(".")[0] == made_by.partition(".")[0]


def _own_entries() -> list[Entry[object, Traits]]:
    entries = chain.from_iterable(registry.entries() for registry in KINDS.values())
    return [entry for entry in entries if not entry.place.is_ours]


def refusal(what: str, error: BaseException, *, entry: Entry[object, Traits]) -> ModelError | None:
    """What a part of a network raised, as an error about that part.

    Args:
        what: the part and where it stands (`gate 'halve' at site 'layer1'`).
        error: what it raised.
        entry: the component. One of ours that raises something itself, rather than torch below it,
            has a bug: None.
    """
    below = isinstance(error, RuntimeError) or raising_library(error)
    if entry.place.is_ours and not below and not user_frames(error):
        return None
    frames = user_frames(error)
    if not frames and not entry.place.is_ours:
        frames = [Frame(entry.place.file, entry.place.line)]
    return ModelError(f"{what}: {told(error, frames)}")
