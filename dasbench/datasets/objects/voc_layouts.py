"""Where the annotation files and the images of a folder in Pascal VOC's format lie, as the usual tools write them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from dasbench.datasets.dataset import Part
from dasbench.datasets.folders.part_names import part_named
from dasbench.datasets.looking.listing import listing
from dasbench.datasets.objects.coco_layouts import IMAGES
from dasbench.datasets.pictures.pixels import readable_endings
from dasbench.errors import DataError

ANNOTATIONS = ("annotations", "annotation", "xml", "xmls", "labels")
"""What the folder of the annotation files is called, in lower case."""

HOW = (
    "Pascal VOC is VOCdevkit/VOC2007 with Annotations/*.xml, JPEGImages/*.jpg and ImageSets/Main/train.txt, val.txt "
    "and test.txt below --data-root (or $DASBENCH_DATA); nothing is downloaded for you. A folder of your own, say "
    "where it is with root, has that layout, without the lists if it is to be cut by lot; or train/*.xml beside the "
    "images, with valid/ and test/."
)


class Annotated(NamedTuple):
    """The annotation files of a part, and the folders in which their images lie.

    Args:
        files: sorted.
        base: the folder that their paths are compared from.
        folders: of the images.
        origin: what the part is made of.
    """

    files: tuple[Path, ...]
    base: Path
    folders: tuple[Path, ...]
    origin: str


def find_parts(folder: Path) -> tuple[Path, dict[Part, Annotated]]:
    """Find the annotation files of each part; `train` alone has all of them where nothing says which part they are of.

    Returns:
        The folder that holds everything, and the parts in order.

    Raises:
        DataError: if there are none, or train is missing, or a list names what is not there.
    """
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "is missing"
        raise DataError(f"{folder}: {what}. {HOW}")
    base = _year(folder)
    parts = _in_part_folders(base) or _in_lists(base) or _whole(base)
    if not parts:
        raise DataError(f"{folder}: holds no annotation file (*.xml). {HOW}")
    if "train" not in parts:
        raise DataError(f"{base}: has {' and '.join(parts)}, but no train. {HOW}")
    return base, {part: parts[part] for part in get_args(Part) if part in parts}


def _year(folder: Path) -> Path:
    """The folder of one year, which may lie deeper."""
    places = [folder, folder / "VOCdevkit"]
    years = [path for place in places for path in _folders(place) if path.name.startswith("VOC2")]
    years = [path for path in years if _annotation_folder(path) != path]
    if len(years) > 1:
        names = ", ".join(path.name for path in years)
        raise DataError(
            f"{folder}: holds {len(years)} years ({names}); say which with root, such as '{years[0]}'"
        )
    return years[0] if years else folder


def _in_part_folders(base: Path) -> dict[Part, Annotated]:
    """A folder for each part: the files beside the images, as Roboflow writes them, or in folders of their own.

    The parts may also lie inside of the folders of the annotation files and of the images.
    """
    parts: dict[Part, Annotated] = {}
    for place in dict.fromkeys((base, _annotation_folder(base))):
        for inside in _folders(place):
            part = part_named(inside.name)
            files = _xml_files(_annotation_folder(inside)) if part else ()
            if not part or not files:
                continue
            if part in parts:
                raise DataError(
                    f"{inside}: and {parts[part].base} are both the {part} part; keep one. {HOW}"
                )
            beside = _image_folders(inside) or (inside,)
            apart = [
                each
                for images in _image_folders(base)
                for each in _folders(images)
                if part_named(each.name) == part
            ]
            folders = tuple(apart) if place != base and apart else beside
            parts[part] = Annotated(
                files, _annotation_folder(inside), folders, f"{inside.relative_to(base)}/"
            )
    return parts


def _in_lists(base: Path) -> dict[Part, Annotated]:
    """Lists of names for each part; `trainval` is train where there is no such list."""
    whole = _whole(base).get("train")
    lists = sorted((base / "ImageSets" / "Main").glob("*.txt"))
    named: dict[Part, Path] = {part: file for file in lists if (part := part_named(file.stem))}
    both = base / "ImageSets" / "Main" / "trainval.txt"
    if "train" not in named and both in lists:
        named["train"] = both
    if whole is None:
        return {}
    by_name = {
        file.relative_to(whole.base).with_suffix("").as_posix(): file for file in whole.files
    }
    parts: dict[Part, Annotated] = {}
    missing = []
    for part, file in named.items():
        names = [
            _name_in(line, by_name)
            for line in file.read_text(encoding="utf-8-sig").splitlines()
            if line.strip()
        ]
        absent = [name for name in names if name not in by_name]
        if names and len(absent) == len(names) and part == "test":
            continue  # VOC publishes the names of test images whose annotations it keeps to itself
        missing += [f"{file}: '{name}' has no annotation file in {whole.base}" for name in absent]
        files = tuple(by_name[name] for name in dict.fromkeys(names) if name in by_name)
        parts[part] = Annotated(files, whole.base, whole.folders, file.relative_to(base).as_posix())
    if missing:
        raise DataError(
            f"{listing(missing, name='missing')}\n{len(missing)} names stand in a list alone. {HOW}"
        )
    return parts


def _name_in(line: str, known: Iterable[str]) -> str:
    """The name in a line of a list: without an ending, and without the sign that says whether a class is there."""
    name = line.strip()
    if name in known:
        return name
    first, _, sign = name.rpartition(" ")
    name = first.strip() if sign in ("-1", "0", "1") else name
    return (
        str(Path(name).with_suffix("")) if Path(name).suffix.lower() in readable_endings() else name
    )


def _whole(base: Path) -> dict[Part, Annotated]:
    """All annotation files."""
    inside = _annotation_folder(base)
    files = _xml_files(inside)
    if not files:
        return {}
    origin = f"{inside.name}/"
    return {"train": Annotated(files, inside, _image_folders(base) or (inside,), origin)}


def _annotation_folder(folder: Path) -> Path:
    """The folder that annotation files lie in: one that is called so, else this."""
    return next(
        (inside for inside in _folders(folder) if inside.name.lower() in ANNOTATIONS), folder
    )


def _image_folders(folder: Path) -> tuple[Path, ...]:
    return tuple(inside for inside in _folders(folder) if inside.name.lower() in IMAGES)


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )


def _xml_files(folder: Path) -> tuple[Path, ...]:
    files = folder.rglob("*") if folder.is_dir() else ()
    hidden = (".", "__MACOSX")
    return tuple(
        sorted(
            file
            for file in files
            if file.suffix.lower() == ".xml" and not file.name.startswith(hidden)
        )
    )


def find_images(annotated: Annotated, file_names: Sequence[str]) -> list[Path]:
    """The image of each annotation file: of its name, at its place if several are called so; else the one it names.

    Args:
        annotated: the annotation files, and where their images lie.
        file_names: the name that each file states for its image.

    Raises:
        DataError: naming every annotation file without an image, with several, or with another
            file's.
    """
    by_stem, by_name = defaultdict(list), defaultdict(list)
    for folder in annotated.folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in readable_endings() and not path.name.startswith("."):
                by_stem[path.stem].append((path, path.relative_to(folder).with_suffix("")))
                by_name[path.name].append(path)
    images: dict[Path, Path] = {}
    complaints = []
    for file, file_name in zip(annotated.files, file_names, strict=True):
        own = file_name.replace("\\", "/").rpartition("/")[2]
        place = file.relative_to(annotated.base).with_suffix("")
        found = [path for path, _ in by_stem[file.stem]]
        if len(found) > 1:
            found = [path for path, there in by_stem[file.stem] if there == place] or found
        if len(found) > 1:
            found = [path for path in found if path.name == own] or found
        found = found or by_name[own]
        if len(found) != 1:
            what = f"{len(found)} images are called" if found else "no image is called"
            complaints.append(f"{file}: {what} '{file.stem}' (it names '{own}')")
        elif found[0] in images:
            complaints.append(f"{file}: its image {found[0]} belongs to {images[found[0]]} too")
        else:
            images[found[0]] = file
    if complaints:
        where = ", ".join(map(str, annotated.folders))
        raise DataError(f"{listing(complaints, name='images')}\nlooked for in {where}")
    return list(images)
