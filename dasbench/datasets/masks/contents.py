"""What the masks of a data set hold: looked into once, and remembered until a file changes."""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from dasbench.atomic import written_aside
from dasbench.cores import usable_cores
from dasbench.data_access import cache_folder, data_access
from dasbench.datasets.looking.known_files import stamp_of
from dasbench.datasets.looking.listing import listing
from dasbench.datasets.masks.files import Found, look_into
from dasbench.datasets.masks.pairs import Pair
from dasbench.errors import DataError

VERSION = 1
"""Bumped when masks are read in another way, so that what is remembered is forgotten."""


def look_into_masks(folder: Path, pairs: Sequence[Pair]) -> dict[str, Found]:
    """The values and colours of each mask, by its path below the folder.

    Args:
        folder: the root.
        pairs: images with their masks.

    Raises:
        DataError: naming every mask that cannot be used.
    """
    memory = cache_folder() / "masks" / f"{_hash_of_files(folder, pairs)}.json"
    remembered = _remembered_masks(memory)
    if len(remembered) != len(pairs):
        remembered = _look_into_all(folder, pairs)
        _remember(memory, remembered)
    return {pair.mask: found for pair, found in zip(pairs, remembered, strict=True)}


def _look_into_all(folder: Path, pairs: Sequence[Pair]) -> list[Found]:
    def look(pair: Pair) -> Found | str:
        try:
            return look_into(folder / pair.mask, folder / pair.image)
        except DataError as error:
            return str(error)

    with ThreadPoolExecutor(
        data_access().loaders or usable_cores(), thread_name_prefix="masks"
    ) as pool:
        looks = list(pool.map(look, pairs))
    found: list[Found] = []
    faults: list[str] = []
    for each in looks:
        if isinstance(each, Found):
            found.append(each)
        else:
            faults.append(each)
    if faults:
        lines = listing(faults, name="masks")
        raise DataError(
            f"{lines}\n{len(faults)} of {len(pairs)} masks cannot be used. Nothing was trained."
        )
    return found


def _hash_of_files(folder: Path, pairs: Sequence[Pair]) -> str:
    """A hash of what the files look like from outside."""
    digest = sha256(os.fsencode(f"{VERSION}\n{folder.absolute()}\n"))
    for pair in pairs:
        for name in pair:
            digest.update(os.fsencode(f"{name}\0{stamp_of(folder / name)}\n"))
    return digest.hexdigest()[:32]


def _remembered_masks(memory: Path) -> list[Found]:
    """What was found before; nothing, if nothing was, or it cannot be read."""
    try:
        content = json.loads(memory.read_text("utf-8"))
        return [
            Found(tuple(values), tuple(colours), bool(palette))
            for values, colours, palette in content
        ]
    except (OSError, ValueError, TypeError):
        return []


def _remember(memory: Path, found: Sequence[Found]) -> None:
    """Keep what was found, where anything can be kept."""
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        with written_aside(memory) as aside:
            aside.write_text(json.dumps(found), "utf-8")
    except OSError:
        return
