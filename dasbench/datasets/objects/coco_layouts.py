"""Where annotation files and images lie in COCO's format, as the usual tools write it."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import filterfalse
from pathlib import Path
from typing import NamedTuple

from dasbench.datasets.dataset import PARTS, Part, parts_in_order
from dasbench.datasets.folders.part_names import part_named
from dasbench.datasets.objects.image_folders import (
    folders_in,
    folders_of_part,
    image_folders_in,
)
from dasbench.errors import DataError

ROBOFLOW = "_annotations.coco.json"
"""What Roboflow calls the annotation file in the folder of each part."""

ANNOTATIONS = ("annotations", "annotation", "labels", "json")
"""What the folder of the annotation files is called, in lower case."""

HOW = (
    "Get train2017.zip, val2017.zip and annotations_trainval2017.zip from https://cocodataset.org "
    "(20 GB; nothing is downloaded for you) and unpack them into coco/train2017/*.jpg, "
    "coco/val2017/*.jpg, coco/annotations/instances_train2017.json and instances_val2017.json "
    "below `data_root` (or $DASBENCH_DATA). A folder of your own, say where it is with root, has "
    "that layout; or annotations/train.json, val.json and test.json with images/; or "
    "train/_annotations.coco.json beside its images, with valid/ and test/; or one "
    "annotations.json for all images."
)


class AnnotationFile(NamedTuple):
    """An annotation file, and where the images that it names may lie.

    Args:
        file: the annotation file.
        folders: in which its images may lie, the likeliest first.
        within: below which they are looked for by their own names, if they lie in none of those.
    """

    file: Path
    folders: Sequence[Path]
    within: Path


class CocoFolder(NamedTuple):
    """How a folder is laid out.

    Args:
        sources: by part; `train` alone if one file has all images.
        official: whether these are COCO's own names.
    """

    sources: Mapping[Part, AnnotationFile]
    official: bool


class Placed(NamedTuple):
    """Where images lie.

    Args:
        folder: what the paths start from.
        names: the path of each, with `/`.
    """

    folder: Path
    names: tuple[str, ...]


def find_layout(folder: Path) -> CocoFolder:
    """Find the annotation files of a folder: COCO's own, one for each part, or one for all images.

    Raises:
        DataError: if something is missing, or it cannot be told which part an annotation file is
            for.
    """
    for year in ("2017", "2014"):
        if any(map(Path.exists, _official_paths(folder, year))):
            return _official_folder(folder, year)
    sources = _files_in_part_folders(folder) or _files_side_by_side(folder)
    if not sources:
        raise _missing_error(_official_paths(folder, "2017"))
    if "train" not in sources:
        found = ", ".join(f"'{source.file.name}' for {part}" for part, source in sources.items())
        raise DataError(f"{folder}: has {found}, but no annotation file for train. {HOW}")
    return CocoFolder(parts_in_order(sources), official=False)


def _official_file(folder: Path, year: str, name: str) -> AnnotationFile:
    """An annotation file under its own name in COCO, with the folder of its images."""
    images = folder / f"{name}{year}"
    file = folder / "annotations" / f"instances_{name}{year}.json"
    return AnnotationFile(file, (images,), images)


def _official_paths(folder: Path, year: str, names: Iterable[str] = ("train", "val")) -> list[Path]:
    """COCO's folders of images and annotation files."""
    paths: list[Path] = []
    for name in names:
        source = _official_file(folder, year, name)
        paths += [source.within, source.file]
    return paths


def _official_folder(folder: Path, year: str) -> CocoFolder:
    """COCO's own names.

    What is called val is the test part, unless there is an annotated test part beside it.
    """
    names: dict[Part, str] = {"train": "train", "test": "val"}
    if _official_file(folder, year, "test").file.exists():
        names = dict(zip(PARTS, PARTS, strict=True))
    wanted = _official_paths(folder, year, names.values())
    if missing := list(filterfalse(Path.exists, wanted)):
        raise _missing_error(missing)
    sources = {part: _official_file(folder, year, name) for part, name in names.items()}
    return CocoFolder(sources, official=True)


def _missing_error(paths: Sequence[Path]) -> DataError:
    return DataError("\n".join([*(f"{path}: is missing" for path in paths), HOW]))


def _files_in_part_folders(folder: Path) -> dict[Part, AnnotationFile]:
    """An annotation file in the folder of each part, as Roboflow writes them."""
    sources: dict[Part, AnnotationFile] = {}
    for inside in folders_in(folder):
        part, files = part_named(inside.name), _annotation_files(inside)
        if part and files:
            file = _the_only(files)
            if part in sources:
                both = f"{inside}: and {sources[part].within}"
                raise DataError(f"{both} are both the {part} part; keep one. {HOW}")
            sources[part] = AnnotationFile(file, (inside, *image_folders_in(inside)), inside)
    return sources


def _files_side_by_side(folder: Path) -> dict[Part, AnnotationFile]:
    """Annotation files side by side, named for their parts, or one for all images."""
    files: list[Path] = []
    for place in folders_in(folder):
        if place.name.lower() in ANNOTATIONS:
            files += _annotation_files(place)
    files = files or _annotation_files(folder)
    if len(files) == 1 and not _part_of(files[0]):
        return {"train": AnnotationFile(files[0], _around(folder, files[0], None), folder)}
    sources: dict[Part, AnnotationFile] = {}
    unknown = []
    for file in files:
        part = _part_of(file)
        if part is None or part in sources:
            unknown.append(f"'{file.name}'")
        else:
            sources[part] = AnnotationFile(file, _around(folder, file, part), folder)
    if unknown:
        what = f"it cannot be told which part {', '.join(unknown)} is for"
        raise DataError(f"{files[0].parent}: {what}; call one each of the parts. {HOW}")
    return sources


def _part_of(file: Path) -> Part | None:
    """The one part that a word in a file's name means."""
    parts = set(map(part_named, re.split(r"[\W_]+", file.stem))) - {None}
    if len(parts) != 1:
        return None
    return parts.pop()


def _around(folder: Path, file: Path, part: Part | None) -> list[Path]:
    """The folders in which the images of an annotation file may lie, the likeliest first."""
    name = file.stem.removeprefix("instances_")
    images = image_folders_in(folder)
    places = (folder, *images)
    around = [place / name for place in places]
    if part:
        around += folders_of_part(places, part)
    return [*around, *images, folder, file.parent]


def _annotation_files(folder: Path) -> list[Path]:
    """The files in a folder that are in COCO's format, as far as is seen without parsing them."""
    files = sorted(folder.glob("*.json"))
    clear = [file for file in files if file.name == ROBOFLOW or file.name.startswith("instances_")]
    return clear or list(filter(_mentions_lists, files))


def _mentions_lists(file: Path) -> bool:
    try:
        content = file.read_bytes()
    except OSError:
        return False
    return all(f'"{key}"'.encode() in content for key in ("images", "annotations", "categories"))


def _the_only(files: Sequence[Path]) -> Path:
    if len(files) > 1:
        names = ", ".join(f"'{file.name}'" for file in files)
        what = f"holds {len(files)} annotation files ({names}); keep one"
        raise DataError(f"{files[0].parent}: {what}. {HOW}")
    return files[0]


def place_images(source: AnnotationFile, names: Sequence[str]) -> Placed:
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
        found = by_name.get(own, [folder / own])
        if name not in lacking:
            paths.append(folder / name)
        elif len(found) == 1:
            paths.append(found[0])
        else:
            several = f"{len(found)} files are called '{own}'"
            complaints.append(f"{source.file}: file_name '{name}' is not there, and {several}")
    twice = len(paths) - len(set(paths))
    if twice:
        what = f"{twice} file_names lead to the same file as another"
        complaints.append(f"{source.file}: {what}, found by their own names")
    if complaints:
        raise DataError("\n".join(complaints))
    base = Path(os.path.commonpath([source.within, *(path.parent for path in paths)]))
    return Placed(base, tuple(path.relative_to(base).as_posix() for path in paths))


def _best_folder(source: AnnotationFile, names: Sequence[str]) -> tuple[Path, set[str]]:
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
    """Whether something has a name, a dangling link too, and lies in the folder."""
    outside = name.startswith(("/", "\\")) or ".." in re.split(r"[\\/]", name)
    return not outside and os.path.lexists(folder / name)


def _by_own_name(folder: Path) -> dict[str, list[Path]]:
    """Every file below a folder, by its name."""
    found = defaultdict(list)
    for place, _, files in os.walk(folder):
        for name in files:
            found[name].append(Path(place, name))
    return found
