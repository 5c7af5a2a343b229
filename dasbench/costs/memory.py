"""Counts that are remembered from one command to the next, in a folder of small files.

A count holds for one network, one state of dasbench's code and one set of installed packages; where
any of it is another one, the network is counted again. The files can be deleted at any time.
"""

import json
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

import dasbench
from dasbench.atomic import written_aside
from dasbench.data_access import cache_folder
from dasbench.records import COUNTING, Cost


def recall(network: tuple[str, ...]) -> Cost | None:
    """What a network cost when it was counted before, None if that is not known.

    Args:
        network: hashes of all that its cost depends on, its own code included.
    """
    try:
        text = _file_of(network).read_text("utf-8")
        return Cost.from_json(json.loads(text))
    except (OSError, RuntimeError, ValueError, TypeError, LookupError):
        return None  # no file, no home, or a damaged file: the network is counted


def remember(network: tuple[str, ...], cost: Cost) -> None:
    """Keep what a network costs; where the folder cannot be written, it will be counted again."""
    try:
        file = _file_of(network)
        file.parent.mkdir(parents=True, exist_ok=True)
        with written_aside(file) as aside:
            aside.write_text(json.dumps(cost.to_json()), "utf-8")
    except (OSError, RuntimeError):
        return


def _file_of(network: tuple[str, ...]) -> Path:
    known = [*network, COUNTING, installed_packages(), _own_code()]
    name = sha256(json.dumps(known).encode()).hexdigest()[:24]
    return cache_folder() / "counts" / f"{name}.json"


@cache
def installed_packages() -> tuple[str, ...]:
    """The packages that can be imported, with their versions, as their folders are called.

    Example:
        >>> any(name.startswith("torch-") for name in installed_packages())
        True
    """
    found: set[str] = set()
    for folder in map(Path, sys.path):
        for kind in ("*.dist-info", "*.egg-info"):
            found.update(path.name for path in folder.glob(kind))
    return tuple(sorted(found))


@cache
def _own_code() -> str:
    """A hash of dasbench's code as it lies on the disk, so that an edit of it is counted anew."""
    digest = sha256()
    root = Path(dasbench.__file__).parent
    for file in sorted(root.rglob("*.py")):
        digest.update(str(file.relative_to(root)).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
