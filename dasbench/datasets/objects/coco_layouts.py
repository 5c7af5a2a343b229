"""Where the annotation files and the images of a folder in COCO's format lie, as the usual tools write them."""

import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from dasbench.datasets.dataset import Part
from dasbench.datasets.folders.part_names import part_named
from dasbench.errors import DataError

ROBOFLOW = "_annotations.coco.json"
"""What Roboflow calls the annotation file in the folder of each part."""

ANNOTATIONS = ("annotations", "annotation", "labels", "json")
IMAGES = ("images", "image", "imgs", "img", "jpegimages", "photos", "data")
"""What the folders are called, in lower case."""

HOW = (
    "Get train2017.zip, val2017.zip and annotations_trainval2017.zip from https://cocodataset.org (20 GB; nothing is "
    "downloaded for you) and unpack them into coco/train2017/*.jpg, coco/val2017/*.jpg, "
    "coco/annotations/instances_train2017.json and instances_val2017.json below --data-root (or $DASBENCH_DATA). "
    "A folder of your own, say where it is with root, has that layout; or annotations/train.json, val.json and "
    "test.json with images/; or train/_annotations.coco.json beside its images, with valid/ and test/; or one "
    "annotations.json for all images."
)


class Source(NamedTuple):
    """An annotation file, and where the images that it names may lie.

    Args:
        file: the annotation file.
        folders: in which its images may lie, the likeliest first.
        within: below which they are looked for by their own names, if they lie in none of those.
    """

    file: Path
    folders: Sequence[Path]
    within: Path


class Layout(NamedTuple):
    """How a folder is laid out.

    Args:
        sources: by part; `train` alone if one file has all images.
        official: whether these are COCO's own names.
    """

    sources: Mapping[Part, Source]
    official: bool


class Placed(NamedTuple):
    """Where images lie.

    Args:
        folder: what the paths start from.
        names: the path of each, with `/`.
    """

    folder: Path
    names: tuple[str, ...]


def find_layout(folder: Path) -> Layout:
    """Find the annotation files of a folder: COCO's own, one for each part, or one for all images.

    Raises:
        DataError: if something is missing, or it cannot be told which part an annotation file is
            for.
    """
    for year in ("2017", "2014"):
        wanted = [*_official_places(folder, year, "train"), *_official_places(folder, year, "val")]
        if any(path.exists() for path in wanted):
            return _official(folder, year, wanted)
    sources = _in_part_folders(folder) or _in_one_folder(folder)
    if not sources:
        wanted = [
            *_official_places(folder, "2017", "train"),
            *_official_places(folder, "2017", "val"),
        ]
        raise DataError("\n".join([*(f"{path}: is missing" for path in wanted), HOW]))
    if "train" not in sources:
        found = ", ".join(f"'{source.file.name}' for {part}" for part, source in sources.items())
        raise DataError(f"{folder}: has {found}, but no annotation file for train. {HOW}")
    return Layout(
        {part: sources[part] for part in get_args(Part) if part in sources}, official=False
    )


def _official_places(folder: Path, year: str, part: Part) -> tuple[Path, Path]:
    return folder / f"{part}{year}", folder / "annotations" / f"instances_{part}{year}.json"


def _official(folder: Path, year: str, wanted: Sequence[Path]) -> Layout:
    """COCO's own names: what is called val is the test part, unless there is an annotated test part beside it."""
    images, file = _official_places(folder, year, "test")
    if file.exists():
        wanted = [*wanted, images, file]
    if missing := [path for path in wanted if not path.exists()]:
        raise DataError("\n".join([*(f"{path}: is missing" for path in missing), HOW]))
    parts: tuple[Part, ...] = ("train", "val", "test") if file.exists() else ("train", "test")
    sources: dict[Part, Source] = {}
    for part, place in zip(parts, range(0, len(wanted), 2), strict=True):
        sources[part] = Source(wanted[place + 1], (wanted[place],), wanted[place])
    return Layout(sources, official=True)


def _in_part_folders(folder: Path) -> dict[Part, Source]:
    """An annotation file in the folder of each part, as Roboflow writes them."""
    sources: dict[Part, Source] = {}
    for inside in _folders(folder):
        part, files = part_named(inside.name), _annotation_files(inside)
        if part and files:
            file = _the_only(files)
            if part in sources:
                raise DataError(
                    f"{inside}: and {sources[part].within} are both the {part} part; keep one. {HOW}"
                )
            sources[part] = Source(file, (inside, *_image_folders(inside)), inside)
    return sources


def _in_one_folder(folder: Path) -> dict[Part, Source]:
    """Annotation files side by side, named for their parts, or one for all images."""
    places = [place for place in _folders(folder) if place.name.lower() in ANNOTATIONS]
    files = [file for place in places for file in _annotation_files(place)] or _annotation_files(
        folder
    )
    if len(files) == 1 and not _part_of(files[0]):
        return {"train": Source(files[0], _around(folder, files[0], None), folder)}
    sources: dict[Part, Source] = {}
    unknown = []
    for file in files:
        part = _part_of(file)
        if part is None or part in sources:
            unknown.append(file.name)
        else:
            sources[part] = Source(file, _around(folder, file, part), folder)
    if unknown:
        names = ", ".join(f"'{name}'" for name in unknown)
        raise DataError(
            f"{files[0].parent}: it cannot be told which part {names} is for; call one each of the parts. {HOW}"
        )
    return sources


def _part_of(file: Path) -> Part | None:
    """The one part that a word in a file's name means."""
    parts = {part_named(word) for word in re.split(r"[\W_]+", file.stem) if word} - {None}
    return parts.pop() if len(parts) == 1 else None


def _around(folder: Path, file: Path, part: Part | None) -> list[Path]:
    """The folders in which the images of an annotation file may lie, the likeliest first."""
    name = file.stem.removeprefix("instances_")
    images = _image_folders(folder)
    of_part = [
        inside
        for place in (folder, *images)
        for inside in _folders(place)
        if part_named(inside.name) == part
    ]
    named = [place / name for place in (folder, *images)]
    return [*named, *(of_part if part else []), *images, folder, file.parent]


def _image_folders(folder: Path) -> list[Path]:
    return [inside for inside in _folders(folder) if inside.name.lower() in IMAGES]


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted; hidden ones are left out."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )


def _annotation_files(folder: Path) -> list[Path]:
    """The files in a folder that are in COCO's format, as far as that is seen without parsing them."""
    files = sorted(folder.glob("*.json"))
    clear = [file for file in files if file.name == ROBOFLOW or file.name.startswith("instances_")]
    return clear or [file for file in files if _mentions_lists(file)]


def _mentions_lists(file: Path) -> bool:
    try:
        content = file.read_bytes()
    except OSError:
        return False
    return all(f'"{key}"'.encode() in content for key in ("images", "annotations", "categories"))


def _the_only(files: Sequence[Path]) -> Path:
    if len(files) > 1:
        names = ", ".join(f"'{file.name}'" for file in files)
        raise DataError(
            f"{files[0].parent}: holds {len(files)} annotation files ({names}); keep one. {HOW}"
        )
    return files[0]


def place_images(source: Source, names: Sequence[str]) -> Placed:
    """Find the images that an annotation file names.

    The folder is the likeliest one that holds all of them, or most. What does not lie there is
    found by its own name (the last part of a path, as the annotation tool saw it on another
    machine), if one file alone is called so.

    Args:
        source: where they may lie.
        names: as the annotation file has them.

    Raises:
        DataError: naming every image whose own name several files have, or that two names lead to.
    """
    folder, lacking = _best_folder(source, names)
    if not lacking:
        return Placed(folder, tuple(names))
    by_name = _by_own_name(source.within)
    paths, complaints = [], []
    for name in names:
        own = re.split(r"[\\/]", name)[-1]
        found = by_name.get(own, [])
        if name not in lacking:
            paths.append(folder / name)
        elif len(found) > 1:
            complaints.append(
                f"{source.file}: file_name '{name}' is not there, and {len(found)} files are called '{own}'"
            )
        else:
            paths.append(found[0] if found else folder / own)
    twice = len(paths) - len(set(paths))
    if twice:
        complaints.append(
            f"{source.file}: {twice} file_names lead to the same file as another, found by their own names"
        )
    if complaints:
        raise DataError("\n".join(complaints))
    base = Path(os.path.commonpath([source.within, *(path.parent for path in paths)]))
    return Placed(base, tuple(path.relative_to(base).as_posix() for path in paths))


def _best_folder(source: Source, names: Sequence[str]) -> tuple[Path, set[str]]:
    """The folder that holds most of some files, and those that it does not hold."""
    best, fewest = source.folders[0], set(names)
    for folder in source.folders:
        if not folder.is_dir():
            continue
        lacking = {name for name in names if not _lies_below(folder, name)}
        if len(lacking) < len(fewest) or not best.is_dir():
            best, fewest = folder, lacking
        if not lacking:
            break
    return best, fewest


def _lies_below(folder: Path, name: str) -> bool:
    """Whether there is something under a name, a dangling link too, that does not lead out of the folder."""
    outside = name.startswith(("/", "\\")) or ".." in re.split(r"[\\/]", name)
    return not outside and os.path.lexists(folder / name)


def _by_own_name(folder: Path) -> dict[str, list[Path]]:
    """Every file below a folder, by its name."""
    found = defaultdict(list)
    for place, _, files in os.walk(folder):
        for name in files:
            found[name].append(Path(place, name))
    return found
