"""What identifies files: their bytes, in order; neither their names nor where they lie."""

import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
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
