"""What becomes of an exception that nobody expected: whose it is, how the program exits, and what is said."""

import errno
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dasbench.catalog import KINDS
from dasbench.entry import Entry
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
from dasbench.traits import Traits

WORKHORSES = (
    "PIL", "fsspec", "faster_coco_eval", "huggingface_hub", "matplotlib", "mlflow", "plotly", "psycopg", "pyarrow",
    "pycocotools", "ray", "s3fs", "sqlalchemy", "tensorboard", "timm", "torch", "torchvision", "transformers", "wandb",
)  # fmt: skip
"""Packages whose faults come from a machine, from files or from networks that a study names; of others, from us."""


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
        return Verdict(3, _of_system(error))
    if words := own_fault(error):
        return Verdict(2, words)
    if isinstance(error, ImportError) and not package_of(error).startswith("dasbench"):
        package = package_of(error)
        cure = f"install it again: pip install --force-reinstall {package}"
        return Verdict(
            3,
            f"the package '{package}' cannot be imported: {message_of(error)}; {cure}",
            obscure=True,
        )
    if (library := raising_library(error)) in WORKHORSES:
        return Verdict(3, f"{library} fails: {message_of(error)}", obscure=True)
    return Verdict(70, f"internal error: {message_of(error)}", obscure=True)


def own_fault(error: BaseException) -> str:
    """What the user's own code raised, in which component and where, in one line; `""` if it took no part.

    Args:
        error: anything that was raised.
    """
    frames = user_frames(error) or _missing_in_own(error)
    if not any(_is_own(frame.file) for frame in frames):
        return ""
    entry = component_at(frames)
    words = told(error, frames)
    return f"{entry}: {words}" if entry else words


def _of_system(error: OSError) -> str:
    """An error of the file system or the machine, with its path; the user's file and line, where it was their call."""
    place = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"{place or 'output: '}the disk is full"
    return own_fault(error) or (f"{place}{error.strerror}" if error.strerror else message_of(error))


def _is_own(file: str) -> bool:
    """Whether a file is, or lies beside, one that registers the user's own components."""
    files = [Path(entry.place.file) for entry in _own_entries()] + [
        plugin.file for plugin in imported()
    ]
    return any(Path(file).resolve().is_relative_to(own.resolve().parent) for own in files)


def _missing_in_own(error: BaseException) -> list[Frame]:
    """Where the class of an object stands that lacks what dasbench asks of it; empty if that is not a user's."""
    if not isinstance(error, AttributeError) or error.obj is None:
        return []
    made = (
        error.obj if inspect.isroutine(error.obj) or inspect.isclass(error.obj) else type(error.obj)
    )
    places = {entry.place.module: entry.place for entry in _own_entries()}
    if made.__module__ not in places:
        return []
    place = places[made.__module__]
    return [
        Frame(
            place.file,
            inspect.getsourcelines(made)[1] if Path(place.file).exists() else 0,
            made.__qualname__,
        )
    ]


def component_at(frames: Sequence[Frame]) -> Entry[object, Traits] | None:
    """The user's component whose code was running: of the innermost frame in a file that registers some."""
    for frame in reversed(frames):
        file = Path(frame.file).resolve()
        there = [entry for entry in _own_entries() if Path(entry.place.file).resolve() == file]
        running = [entry for entry in there if _runs(entry, frame)]
        if len(running or there) == 1:
            return (running or there)[0]
    return None


def _runs(entry: Entry[object, Traits], frame: Frame) -> bool:
    return (
        frame.function.partition(".")[0]
        == getattr(entry.make, "__qualname__", "").partition(".")[0]
    )


def _own_entries() -> list[Entry[object, Traits]]:
    return [
        entry
        for registry in KINDS.values()
        for entry in registry.entries()
        if not entry.place.is_ours
    ]


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
