"""What identifies files: their bytes, in order; neither their names nor where they lie."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class FileList(NamedTuple):
    """Files below a folder, in the order in which they are used.

    Args:
        folder: where they lie.
        names: the path of each below it, with `/`.
    """

    folder: Path
    names: Sequence[str]


def content_fingerprint(files: Mapping[str, FileList], *facts: NDArray[Any] | Sequence[str]) -> str:
    """16 hexadecimal digits that change with any file's content, the order of the files, their parts, or a fact.

    Args:
        files: by the name of the part that they make up.
        facts: what else is learned from: labels, boxes, names of classes.
    """
    digest = sha256()
    for part, (folder, names) in files.items():
        digest.update(f"{part}\n".encode())
        for name in names:
            digest.update(os.fsencode(f"{name}\0{(folder / name).stat().st_size}\n"))
    for fact in facts:
        array = np.ascontiguousarray(fact)
        digest.update(str((array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def digests_of(files: FileList) -> Sequence[bytes]:
    """What identifies the content of each file: equal for two of them if, and only if, all of their bytes are.

    Only files of equal size are read.
    """
    folder, names = files
    sizes = [(folder / name).stat().st_size for name in names]
    of_size = Counter(sizes)
    digests: list[bytes] = []
    for name, size in zip(names, sizes, strict=True):
        if of_size[size] > 1:
            with (folder / name).open("rb") as file:
                digests.append(file_digest(file, "sha256").digest())
        else:
            digests.append(sha256(f"the only file of {size} bytes".encode()).digest())
    return digests
