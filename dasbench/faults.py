"""Whose code raised an exception, and where: read off the frames of its traceback."""

import linecache
import os
import site
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from dasbench.errors import DasbenchError

FRAMES_SHOWN = 4
"""Of the user's frames, the innermost are shown."""

TEXT_SHOWN = 400
"""Characters of a message that are shown."""

_OURS = Path(__file__).resolve().parent
_NO_MEMORY = (
    "not enough memory",
    "can't allocate memory",
    "out of memory",
    "ALLOC_FAILED",
    "ALLOCATION_FAILED",
)


@dataclass(frozen=True)
class Frame:
    """One call on the way to an exception.

    Args:
        file: absolute path.
        line: in that file, from 1.
        function: its qualified name, `""` where the file could not be parsed.
    """

    file: str
    line: int
    function: str = ""

    @property
    def place(self) -> str:
        """File, line and function, the file as one would name it from where one stands."""
        place = f"{short_path(self.file)}:{self.line}"
        if not self.function:
            return place
        return f"{place}, in {self.function.rpartition('.')[2]}"


def short_path(file: str | Path) -> str:
    """A path as one would write it where one stands: relative if it lies below, else absolute."""
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere, or the folder that one stands in is gone
        return str(path)


def is_ours(file: str | Path) -> bool:
    """Whether a file belongs to dasbench itself.

    Example:
        >>> is_ours(__file__), is_ours("my_gates.py")
        (True, False)
    """
    return Path(file).resolve().is_relative_to(_OURS)


def is_library(file: str | Path) -> bool:
    """Whether a file belongs to Python or to an installed package, or is none at all (`<string>`).

    Example:
        >>> import json
        >>> is_library(json.__file__), is_library("<string>"), is_library("my_gates.py")
        (True, True, False)
    """
    path = str(file)
    if path.startswith("<") or {"site-packages", "dist-packages"} & {*Path(path).parts}:
        return True
    return any(Path(path).resolve().is_relative_to(folder) for folder in _library_folders())


@cache
def _library_folders() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    named = (paths["stdlib"], paths["platstdlib"], paths["purelib"], paths["platlib"])
    folders = (*named, *site.getsitepackages(), site.getusersitepackages())
    return tuple(Path(folder).resolve() for folder in folders)


def all_frames(error: BaseException) -> list[Frame]:
    """Every call from where the exception was caught to where it was raised.

    Of a fault of syntax, its place too.
    """
    found: list[Frame] = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        found.append(Frame(_absolute(code.co_filename), line, code.co_qualname))
    if isinstance(error, SyntaxError) and error.filename:
        found.append(Frame(str(Path(error.filename).absolute()), error.lineno or 0))
    return found


def _absolute(file: str) -> str:
    """The path of a file from the root, no link followed; what is no file (`<string>`) as it is."""
    if file.startswith("<"):
        return file
    return os.path.abspath(file)  # noqa: PTH100 - follows no link


def user_frames(error: BaseException) -> list[Frame]:
    """The calls in files that are neither ours nor a library's.

    If there are none, those of the exception that led to this one.
    """
    found = list(filter(_is_users, all_frames(error)))
    if not found and error.__cause__ is not None:
        return user_frames(error.__cause__)
    return found


def _is_users(frame: Frame) -> bool:
    return not is_ours(frame.file) and not is_library(frame.file)


def raising_library(error: BaseException) -> str:
    """The installed package whose code raised an exception, `""` if none did.

    Example:
        >>> import pydantic
        >>> try:
        ...     pydantic.create_model("X", x=1, __base__=3)
        ... except TypeError as error:
        ...     raising_library(error)
        'pydantic'
    """
    frames = all_frames(error)
    if not frames:
        return ""
    parts = Path(frames[-1].file).parts
    for folder in ("site-packages", "dist-packages"):
        if folder in parts[:-1]:
            return parts[parts.index(folder) + 1].removesuffix(".py")
    return ""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the memory of the machine or of its GPU did not suffice.

    Example:
        >>> is_out_of_memory(RuntimeError("CUDA error: out of memory"))
        True
        >>> is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when ..."))
        True
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _NO_MEMORY)


def message_of(error: BaseException) -> str:
    r"""The type and the text of an exception, in one line.

    Example:
        >>> message_of(ValueError("two\n  lines")), message_of(AssertionError())
        ('ValueError: two lines', 'AssertionError')
    """
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    text = " ".join(traceback.format_exception_only(error)[0].split())
    if len(text) <= TEXT_SHOWN:
        return text
    return f"{text[:TEXT_SHOWN]} ..."


def trace_of(frames: Iterable[Frame]) -> str:
    """A short traceback in one line: places from the outermost to the innermost, with its code.

    Example:
        >>> calls = [Frame("/a/my_gates.py", 7, "Halve.forward"), Frame("/a/maths.py", 3, "scale")]
        >>> trace_of(calls)
        '/a/my_gates.py:7, in forward > /a/maths.py:3, in scale'
    """
    distinct = [frame for frame, _ in groupby(frames)]  # a recursion is one line, many times
    if not distinct:
        return ""
    trace = " > ".join(frame.place for frame in distinct[-FRAMES_SHOWN:])
    code = " ".join(linecache.getline(distinct[-1].file, distinct[-1].line).split())[:TEXT_SHOWN]
    return ": ".join(filter(None, (trace, code)))


def told(error: BaseException, frames: Iterable[Frame] | None = None) -> str:
    """What was raised and where in the user's code, in one line.

    Args:
        error: the exception.
        frames: where; its user's frames if left out.
    """
    if frames is None:
        frames = user_frames(error)
    message, trace = message_of(error), trace_of(frames)
    if not trace:
        return message
    return f"{message} ({trace})"


@contextmanager
def foreign(answer: Callable[[BaseException], DasbenchError | None]) -> Iterator[None]:
    """Call code that is not ours: what it raises goes on as one of our errors, in our words.

    What is an error of ours already passes through, and so do interrupts and a lack of memory. A
    call of `sys.exit` in such code ends nothing.

    Args:
        answer: from what was raised to our error; None lets it pass as it is.

    Example:
        >>> from dasbench.errors import UsageError
        >>> with foreign(lambda error: UsageError(f"it fails: {message_of(error)}")):
        ...     [][0]
        Traceback (most recent call last):
            ...
        dasbench.errors.UsageError: it fails: IndexError: list index out of range
    """
    try:
        yield
    except DasbenchError:
        raise
    except (Exception, SystemExit) as error:
        if is_out_of_memory(error):
            raise
        ours = answer(error)
        if ours is None:
            raise
        raise ours from error


def package_of(error: ImportError) -> str:
    """The package that could not be imported.

    Example:
        >>> package_of(ImportError("no such module", name="timm.models"))
        'timm'
    """
    if error.name:
        return error.name.partition(".")[0]
    if library := raising_library(error):
        return library
    frames = all_frames(error)
    if not frames:
        return ""
    file = Path(frames[-1].file)
    if file.name == "__init__.py":
        return file.parent.name
    return file.stem
