"""Every file of a data set read once before it is used: hashed, measured, perhaps decoded."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from dasbench.cores import usable_cores
from dasbench.data_access import data_access
from dasbench.datasets.looking.known_files import NEVER, Known, Memory, remembering, stamp_of
from dasbench.datasets.looking.listing import legible, listing
from dasbench.datasets.pictures.pixels import read_header, read_image, read_values
from dasbench.errors import DataError

CHUNK = 16
"""Files that a thread reads at a time."""


class FileList(NamedTuple):
    """Files below a folder, in the order in which they are used.

    Args:
        folder: where they lie.
        names: the path of each below it, with `/`.
        holds: photographs, which are decoded as networks see them, values (masks), or data that are
            no pictures.
    """

    folder: Path
    names: Sequence[str]
    holds: str = "photographs"

    @property
    def paths(self) -> list[Path]:
        """The whole path of each."""
        return [self.folder / name for name in self.names]


def first_look(lists: Sequence[FileList]) -> list[list[Known]]:
    """What is known of files, after those were read of which nothing was; all of it is remembered.

    How closely they are looked at, and by how many threads, is chosen with `reading_data`.

    Args:
        lists: the files; one may be in several lists.

    Returns:
        What is known of each file of each list, in order; what is wrong with one is its `fault`.
    """
    access = data_access()
    doing = "reading"
    if access.look == "pixels":
        doing = "decoding"
    with ExitStack() as stack:
        memories: dict[Path, Memory] = {}
        wanted: dict[Path, _File] = {}
        for files in lists:
            if files.folder not in memories:
                memories[files.folder] = stack.enter_context(remembering(files.folder))
            decodes = access.look == "pixels" and files.holds != "data"
            for name in files.names:
                file = _File(files, name, decodes)
                if _is_new(file, memories[files.folder]):
                    wanted[file.path] = file
        for done, (file, known, read_at) in enumerate(_read_all([*wanted.values()]), start=1):
            memories[file.listed.folder].add(file.name, known, read_at=read_at)
            access.told(doing, done, len(wanted))
        return [memories[files.folder].of_all(files.names) for files in lists]


def refuse_damaged(files: Sequence[FileList], found: Sequence[Sequence[Known]]) -> None:
    """Make sure that every file can be used, as far as is known.

    Raises:
        DataError: naming every file that is missing, may not be read or cannot be decoded.
    """
    damaged: list[str] = []
    for listed, known in zip(files, found, strict=True):
        for path, one in zip(listed.paths, known, strict=True):
            if one.fault:
                place = legible(path)
                damaged.append(f"{place}: {one.fault}")
    if damaged:
        number = sum(map(len, found))
        raise DataError(
            f"{listing(damaged, name='damaged')}\n{len(damaged)} of {number} files cannot be used: "
            "replace or remove them. Nothing was trained."
        )


class _File(NamedTuple):
    """One file of a list, and whether it is decoded when it is looked at."""

    listed: FileList
    name: str
    decodes: bool

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.listed.folder / self.name


def _is_new(file: _File, memory: Memory) -> bool:
    """Whether a file has to be read."""
    known = memory.of(file.name, stamp_of(file.path))
    if known is None:
        return True
    return file.decodes and not known.decoded and not known.fault


def _read_all(files: Sequence[_File]) -> Iterator[tuple[_File, Known, int]]:
    """Read files in parallel; gives the file, what was found out and when it was read, in order."""

    def read(some: Sequence[_File]) -> list[tuple[_File, Known, int]]:
        found = []
        for file in some:
            known, read_at = _read(file.path, holds=file.listed.holds, pixels=file.decodes)
            found.append((file, known, read_at))
        return found

    if not files:
        return
    chunks = [files[start : start + CHUNK] for start in range(0, len(files), CHUNK)]
    pool = ThreadPoolExecutor(
        data_access().loaders or usable_cores(), thread_name_prefix="first look"
    )
    try:
        for found in pool.map(read, chunks):
            yield from found
    finally:
        pool.shutdown(cancel_futures=True)


def _read(path: Path, *, holds: str, pixels: bool) -> tuple[Known, int]:
    """One file, and when it was read."""
    read_at, stamp = time.time_ns(), stamp_of(path)
    try:
        digest = sha256(path.read_bytes()).hexdigest()[:32]
    except OSError as error:
        fault = f"cannot be read ({error.strerror})"
        return Known(NEVER, "", 0, 0, decoded=False, fault=fault), read_at
    width = height = 0
    fault = ""
    if holds != "data":
        try:
            width, height = _size(path, holds=holds, pixels=pixels)
        except DataError as error:
            fault = str(error).removeprefix(f"{path}: ")
    return Known(stamp, digest, width, height, decoded=pixels and not fault, fault=fault), read_at


def _size(path: Path, *, holds: str, pixels: bool) -> tuple[int, int]:
    """Width and height of a picture, from its pixels or from its header.

    Raises:
        DataError: if it cannot be decoded.
    """
    if not pixels:
        header = read_header(path)
        return header.width, header.height
    if holds == "photographs":
        return read_image(path).size
    return read_values(path).size
