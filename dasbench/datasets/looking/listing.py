"""Many complaints in few lines: the first of them in the message, all of them in a file."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from os import PathLike, fspath
from pathlib import Path
from unicodedata import normalize

from dasbench.data_access import cache_folder

SHOWN = 10
"""Lines that a message shows."""


def listing(lines: Sequence[str], *, name: str) -> str:
    """Lines for a message: all of them, or the first ten and where the others are.

    Args:
        lines: one for each thing that is wrong.
        name: what they are, for the name of the file (`copies`).
    """
    if len(lines) <= SHOWN:
        return "\n".join(lines)
    text = "\n".join(lines) + "\n"
    path = cache_folder() / "lists" / f"{name}-{sha256(text.encode()).hexdigest()[:8]}.txt"
    where = f"{len(lines)} in all"
    if _is_written(path, text):
        where = f"all {len(lines)} are listed in {path}"
    return "\n".join([*lines[:SHOWN], f"... and {len(lines) - SHOWN} more; {where}"])


def _is_written(path: Path, text: str) -> bool:
    """Write a file; a cache that cannot be written to is no reason to say less of the data."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError:
        return False
    return True


def legible(name: str | PathLike[str]) -> str:
    r"""A name as it can be printed on one line: accents in one way, what is no text as its code.

    Example:
        >>> print(legible("two\nlines"), legible("caf\udce9"))
        two\nlines caf\udce9
    """
    text = normalize("NFC", fspath(name))
    if text.isprintable():
        return text
    return "".join(map(_legible_sign, text))


def _legible_sign(sign: str) -> str:
    """A sign that can be printed, or the code of one that cannot."""
    if sign.isprintable():
        return sign
    return sign.encode("unicode_escape").decode()


def quoted(names: Iterable[str | PathLike[str]], *, between: str = ", ") -> str:
    """Names in quotes, as they can be printed.

    Example:
        >>> quoted(["cat", "dog"]), quoted(["cat", "dog"], between=" and ")
        ("'cat', 'dog'", "'cat' and 'dog'")
    """
    return between.join(f"'{legible(name)}'" for name in names)
