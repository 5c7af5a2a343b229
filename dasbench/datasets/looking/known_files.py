"""What was found out about files, remembered by path, size and time: each is read once."""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple

import PIL

from dasbench.data_access import cache_folder

logger = logging.getLogger(__name__)

READING = 1
"""Raised when this program decodes or refuses other files than before: what was known is void."""

SETTLED_NS = 50_000_000
"""A file written this shortly before it was read may change again without a change of its time."""


class Stamp(NamedTuple):
    """How a file looks from outside: it is read again when one of these changes.

    Args:
        size: bytes.
        modified: when its content changed, in nanoseconds.
        changed: when that or anything else of it changed.
    """

    size: int
    modified: int
    changed: int


NEVER = Stamp(-1, 0, 0)
"""Of what is not there."""


def stamp_of(path: Path) -> Stamp:
    """How a file, or what a link leads to, looks from outside; `NEVER` if there is nothing."""
    try:
        status = path.stat()
    except OSError:
        return NEVER
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Known(NamedTuple):
    """What is known of an image file.

    Args:
        stamp: of the file, before it was read.
        digest: 32 hexadecimal digits of the hash of its bytes.
        width: in pixels, as it is shown; 0 if its header cannot be read.
        height: in pixels.
        decoded: whether its pixels were decoded.
        fault: why they cannot be, `""` if they can as far as is known.
    """

    stamp: Stamp
    digest: str
    width: int
    height: int
    decoded: bool
    fault: str


class Memory:
    """What is known of the files below a folder.

    Args:
        known: by the path below it.
        stream: where more is written; None where nothing can be kept.
    """

    def __init__(self, known: dict[str, Known], stream: TextIOWrapper | None) -> None:
        self.known = known
        self._stream = stream

    def of(self, name: str, stamp: Stamp) -> Known | None:
        """What is known of a file that looks like this, if it was read before."""
        known = self.known.get(name)
        if known is None or known.stamp != stamp or stamp == NEVER:
            return None
        return known

    def of_all(self, names: Sequence[str]) -> list[Known]:
        """What is known of some files, all of which were read."""
        return [self.known[name] for name in names]

    def add(self, name: str, known: Known, *, read_at: int) -> None:
        """Keep what was found out.

        Args:
            name: path of the file below the folder.
            known: what it is.
            read_at: when it was read, in nanoseconds.
        """
        self.known[name] = known
        if self._stream and known.stamp != NEVER and read_at - known.stamp.changed > SETTLED_NS:
            self._stream.write(json.dumps([name, *known]) + "\n")


@contextmanager
def remembering(folder: Path) -> Iterator[Memory]:
    """The memory of a folder's files, opened to be added to; every line counts at once.

    Another Pillow may decode what this one cannot, and remembers on its own.
    """
    place = sha256(os.fsencode(folder.resolve())).hexdigest()[:24]
    version = f"{READING}-pillow-{PIL.__version__}"
    file = cache_folder() / "files" / version / f"{place}.jsonl"
    known = _read(file)
    stream = _open(file)
    try:
        yield Memory(known, stream)
    finally:
        if stream:
            stream.close()


def _open(file: Path) -> TextIOWrapper | None:
    """The file to add lines to; None where that is not possible, which costs time alone."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = file.open("a", encoding="ascii", buffering=1)
        stream.write("\n")  # the last line may have been cut off
    except OSError as error:
        logger.warning(
            "%s: cannot be written (%s): what is read now will be read again", file, error.strerror
        )
        return None
    return stream


def _read(file: Path) -> dict[str, Known]:
    """What the lines of a file say, the last of each name; what was cut off is no line."""
    known: dict[str, Known] = {}
    try:
        content = file.read_text(encoding="ascii")
    except (OSError, ValueError):
        return known
    for line in content.splitlines():
        try:
            name, stamp, digest, width, height, decoded, fault = json.loads(line)
            known[name] = Known(Stamp(*stamp), digest, width, height, decoded, fault)
        except (ValueError, TypeError):
            continue
    return known
