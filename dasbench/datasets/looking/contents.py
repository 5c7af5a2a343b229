"""What identifies files: their bytes, in order; neither their names nor where they lie."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dasbench.data_access import data_access
from dasbench.datasets.looking.first_look import FileList, first_look, refuse_damaged
from dasbench.datasets.looking.known_files import Stamp, stamp_of
from dasbench.datasets.looking.listing import legible, listing
from dasbench.errors import DataError
from dasbench.spec.fingerprints import BY_NAMES


class Contents(NamedTuple):
    """Files whose content is known.

    Args:
        files: by the name of the part that they make up.
        about: hash of the facts that belong to them.
        stamps: what each of them looked like from outside before it was read, one list after the
            other.
    """

    files: Mapping[str, FileList]
    about: str
    stamps: tuple[Stamp, ...]

    @property
    def outside(self) -> str:
        """A hash of what the files look like from outside."""
        return _hash_of_looks(self.files, self.about, self.stamps)


_read_so_far: dict[str, Contents] = {}
"""What this process has read, by fingerprint."""


def content_fingerprint(files: Mapping[str, FileList], *facts: NDArray[Any] | Sequence[str]) -> str:
    """16 hexadecimal digits that change with any file's content, place in the order, or a fact.

    Every file is read once and remembered. Where that takes too long (`look="names"`), the names
    and sizes of the files stand for their content; the fingerprint says so.

    Args:
        files: by the name of the part that they make up.
        facts: what else is learned from: labels, boxes, names of classes.

    Raises:
        DataError: naming every file that cannot be read, or cannot be decoded if that is looked at.
    """
    about, stamps = _hash_of_facts(facts), _stamps(files)
    if data_access().look == "names":
        return BY_NAMES + _hash_of_looks(files, about, [stamp.size for stamp in stamps])[:16]
    contents = Contents(files, about, stamps)
    fingerprint = data_access().contents.get(contents.outside)
    fingerprint = fingerprint or _fingerprint_of_bytes(files, about)
    _read_so_far[fingerprint] = contents
    return fingerprint


def contents_read() -> dict[str, str]:
    """For other processes: the fingerprints of what was read, by what the files looked like."""
    return {contents.outside: fingerprint for fingerprint, contents in _read_so_far.items()}


def refuse_changed_files(fingerprint: str) -> None:
    """Make sure that a data set's files, which may have been read long ago, are what they were.

    Args:
        fingerprint: of the data set; what is not in files is not looked at.

    Raises:
        DataError: if one is missing, damaged or another.
    """
    contents = _read_so_far.get(fingerprint)
    if contents is None:
        return
    files, about, before = contents
    stamps = _stamps(files)
    if stamps == before:
        return
    if _fingerprint_of_bytes(files, about) != fingerprint:
        looks = zip(_paths(files), stamps, before, strict=True)
        differ = [legible(path) for path, now, then in looks if now != then]
        raise DataError(
            f"{listing(differ, name='changed')}\nwas written after the study was planned "
            "and is another file now: put the former one back"
        )
    _read_so_far[fingerprint] = Contents(files, about, stamps)


def last_change(fingerprint: str) -> str:
    """Which file of a data set that this process has read changed last, and when.

    Args:
        fingerprint: of the data set.

    Returns:
        The last clause of a message; `""` if the data are not in files.
    """
    contents = _read_so_far.get(fingerprint)
    if contents is None:
        return ""
    path, stamp = max(
        zip(_paths(contents.files), contents.stamps, strict=True), key=lambda look: look[1].changed
    )
    when = datetime.fromtimestamp(stamp.changed / 1e9).astimezone()
    return f"; of its files, {legible(path)} changed last, at {when:%Y-%m-%d %H:%M:%S}"


def digests_of(files: FileList) -> list[str]:
    """What identifies the content of each file: equal for two of them if all of their bytes are.

    An empty text each where bytes are not looked at.

    Raises:
        DataError: naming every file that cannot be read.
    """
    if data_access().look == "names":
        return [""] * len(files.names)
    return [known.digest for known in first_look([files])[0]]


class Copy(NamedTuple):
    """A file whose bytes are those of one in an earlier part.

    Args:
        file: its path.
        part: in which it is.
        original: the path of the other.
        original_part: in which that is.
    """

    file: Path
    part: str
    original: Path
    original_part: str


def copies_over_parts(files: Mapping[str, FileList]) -> list[Copy]:
    """The files that stand in two parts; none are found where bytes are not looked at.

    Args:
        files: by the name of the part that they make up.
    """
    first: dict[str, tuple[Path, str]] = {}
    copies: list[Copy] = []
    for part, listed in files.items():
        for path, digest in zip(listed.paths, digests_of(listed), strict=True):
            if not digest:
                continue
            original, original_part = first.setdefault(digest, (path, part))
            if original_part != part:
                copies.append(Copy(path, part, original, original_part))
    return copies


def _fingerprint_of_bytes(files: Mapping[str, FileList], about: str) -> str:
    lists = list(files.values())
    found = first_look(lists)
    refuse_damaged(lists, found)
    digest = sha256(about.encode())
    for part, known in zip(files, found, strict=True):
        digest.update(f"{part}\n".encode())
        for one in known:
            digest.update(one.digest.encode())
    return digest.hexdigest()[:16]


def _hash_of_facts(facts: Sequence[NDArray[Any] | Sequence[str]]) -> str:
    digest = sha256()
    for fact in facts:
        array = np.ascontiguousarray(fact)
        digest.update(str((array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _stamps(files: Mapping[str, FileList]) -> tuple[Stamp, ...]:
    """How every file looks from outside, one list after the other."""
    return tuple(map(stamp_of, _paths(files)))


def _paths(files: Mapping[str, FileList]) -> Iterator[Path]:
    """The path of every file, one list after the other."""
    return chain.from_iterable(listed.paths for listed in files.values())


def _hash_of_looks(files: Mapping[str, FileList], about: str, looks: Sequence[Stamp | int]) -> str:
    """A hash of the names of files and of what they look like.

    Args:
        files: by the name of their part.
        about: hash of the facts that belong to them.
        looks: stamp or size of each file, one list after the other.
    """
    digest = sha256(about.encode())
    look = iter(looks)
    for part, listed in files.items():
        digest.update(f"{part}\n".encode())
        for name in listed.names:
            digest.update(os.fsencode(f"{name}\0{next(look)}\n"))
    return digest.hexdigest()
