"""Where annotation files and images lie in Pascal VOC's format, as the usual tools write it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dasbench.datasets.dataset import Part, parts_in_order
from dasbench.datasets.folders.part_names import part_named
from dasbench.datasets.looking.listing import listing
from dasbench.datasets.objects.image_folders import (
    folders_in,
    folders_of_part,
    image_folders_in,
    is_visible_image,
)
from dasbench.datasets.pictures.pixels import readable_endings
from dasbench.errors import DataError

ANNOTATIONS = ("annotations", "annotation", "xml", "xmls", "labels")
"""What the folder of the annotation files is called, in lower case."""

HOW = (
    "Pascal VOC is VOCdevkit/VOC2007 with Annotations/*.xml, JPEGImages/*.jpg and "
    "ImageSets/Main/train.txt, val.txt and test.txt below `data_root` (or $DASBENCH_DATA); nothing "
    "is downloaded for you. A folder of your own, say where it is with root, has that layout, "
    "without the lists if it is to be cut by lot; or train/*.xml beside the images, with valid/ "
    "and test/."
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
    folders: Sequence[Path]
    origin: str


def find_parts(folder: Path) -> tuple[Path, dict[Part, Annotated]]:
    """Find the annotation files of each part.

    `train` alone has all of them where nothing says which part they are of.

    Returns:
        The folder that holds everything, and the parts in order.

    Raises:
        DataError: if there are none, or train is missing, or a list names what is not there.
    """
    if not folder.exists():
        raise DataError(f"{folder}: is missing. {HOW}")
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder. {HOW}")
    base = _year_folder(folder)
    parts = _parts_in_folders(base) or _parts_in_lists(base) or _all_for_train(base)
    if not parts:
        raise DataError(f"{folder}: holds no annotation file (*.xml). {HOW}")
    if "train" not in parts:
        raise DataError(f"{base}: has {' and '.join(parts)}, but no train. {HOW}")
    return base, parts_in_order(parts)


def _year_folder(folder: Path) -> Path:
    """The folder of one year, which may lie deeper."""
    inside = [*folders_in(folder), *folders_in(folder / "VOCdevkit")]
    years = list(filter(_is_year, inside))
    if len(years) > 1:
        names = ", ".join(path.name for path in years)
        which = f"say which with root, such as '{years[0]}'"
        raise DataError(f"{folder}: holds {len(years)} years ({names}); {which}")
    if not years:
        return folder
    return years[0]


def _is_year(folder: Path) -> bool:
    """Whether a folder is one of VOC's years, with annotations in a folder of their own."""
    return folder.name.startswith("VOC2") and _annotation_folder(folder) != folder


def _parts_in_folders(base: Path) -> dict[Part, Annotated]:
    """A folder for each part.

    The files lie beside the images, as Roboflow writes them, or in folders of their own. The parts
    may also lie inside of the folders of the annotation files and of the images.
    """
    parts: dict[Part, Annotated] = {}
    for place in dict.fromkeys((base, _annotation_folder(base))):
        for inside in folders_in(place):
            part = part_named(inside.name)
            if part is None:
                continue
            annotations = _annotation_folder(inside)
            files = _xml_files(annotations)
            if not files:
                continue
            if part in parts:
                both = f"{inside}: and {parts[part].base}"
                raise DataError(f"{both} are both the {part} part; keep one. {HOW}")
            images = _image_folders_of(inside, part, base)
            parts[part] = Annotated(files, annotations, images, f"{inside.relative_to(base)}/")
    return parts


def _image_folders_of(inside: Path, part: Part, base: Path) -> list[Path]:
    """Where the images of a part's folder lie: in it, or in a folder of the part beside it."""
    images = image_folders_in(inside) or [inside]
    if inside.parent == base:
        return images
    return folders_of_part(image_folders_in(base), part) or images


def _parts_in_lists(base: Path) -> dict[Part, Annotated]:
    """Lists of names for each part."""
    whole = _all_for_train(base).get("train")
    if whole is None:
        return {}
    by_name = _files_by_name(whole)
    parts: dict[Part, Annotated] = {}
    missing: list[str] = []
    for part, file in _list_files(base).items():
        names = _names_in_list(file, by_name)
        absent = [name for name in names if name not in by_name]
        if part == "test" and absent and absent == names:
            continue  # VOC publishes the names of test images whose annotations it keeps to itself
        missing += [f"{file}: '{name}' has no annotation file in {whole.base}" for name in absent]
        files = tuple(filter(None, map(by_name.get, dict.fromkeys(names))))
        parts[part] = Annotated(files, whole.base, whole.folders, file.relative_to(base).as_posix())
    if missing:
        count = f"{len(missing)} names stand in a list alone"
        raise DataError(f"{listing(missing, name='missing')}\n{count}. {HOW}")
    return parts


def _files_by_name(whole: Annotated) -> dict[str, Path]:
    """Annotation files by the names that lists have for them."""
    return {_place_below(whole.base, file).as_posix(): file for file in whole.files}


def _list_files(base: Path) -> dict[Part, Path]:
    """The list of each part; `trainval` is train where there is no such list."""
    lists: dict[Part, Path] = {}
    folder = base / "ImageSets" / "Main"
    for file in sorted(folder.glob("*.txt")):
        if part := part_named(file.stem):
            lists[part] = file
    both = folder / "trainval.txt"
    if "train" not in lists and both.exists():
        lists["train"] = both
    return lists


def _names_in_list(file: Path, known: Iterable[str]) -> list[str]:
    """The names in the lines of a list."""
    lines = map(str.strip, file.read_text(encoding="utf-8-sig").splitlines())
    return [_name_in_line(line, known) for line in lines if line]


def _name_in_line(line: str, known: Iterable[str]) -> str:
    """A name without an ending, and without the sign that says whether a class is there."""
    if line in known:
        return line
    name = line
    first, _, sign = line.rpartition(" ")
    if sign in ("-1", "0", "1"):
        name = first.strip()
    path = Path(name)
    if path.suffix.lower() in readable_endings():
        return str(path.with_suffix(""))
    return name


def _all_for_train(base: Path) -> dict[Part, Annotated]:
    """All annotation files."""
    inside = _annotation_folder(base)
    files = _xml_files(inside)
    if not files:
        return {}
    images = image_folders_in(base) or [inside]
    return {"train": Annotated(files, inside, images, f"{inside.name}/")}


def _annotation_folder(folder: Path) -> Path:
    """The folder that annotation files lie in: one that is called so, else this."""
    for inside in folders_in(folder):
        if inside.name.lower() in ANNOTATIONS:
            return inside
    return folder


def _xml_files(folder: Path) -> tuple[Path, ...]:
    """The files below a folder that may be annotations, sorted."""
    if not folder.is_dir():
        return ()
    return tuple(filter(_may_be_annotation, sorted(folder.rglob("*"))))


def _may_be_annotation(file: Path) -> bool:
    return file.suffix.lower() == ".xml" and not file.name.startswith((".", "__MACOSX"))


def _place_below(folder: Path, file: Path) -> Path:
    """The path of a file below a folder, without its ending."""
    return file.relative_to(folder).with_suffix("")


def find_images(annotated: Annotated, file_names: Sequence[str]) -> list[Path]:
    """The image of each annotation file.

    It is the one of the file's name, at its place if several are called so; else the one it names.

    Args:
        annotated: the annotation files, and where their images lie.
        file_names: the name that each file states for its image.

    Raises:
        DataError: naming every annotation file without an image, with several, or with another
            file's.
    """
    known = _known_images(annotated.folders)
    images: dict[Path, Path] = {}
    complaints = []
    for file, file_name in zip(annotated.files, file_names, strict=True):
        own = file_name.replace("\\", "/").rpartition("/")[2]
        found = known.candidates(_place_below(annotated.base, file), own)
        if not found:
            complaints.append(f"{file}: no image is called '{file.stem}' (it names '{own}')")
        elif len(found) > 1:
            several = f"{len(found)} images are called '{file.stem}'"
            complaints.append(f"{file}: {several} (it names '{own}')")
        elif found[0] in images:
            complaints.append(f"{file}: its image {found[0]} belongs to {images[found[0]]} too")
        else:
            images[found[0]] = file
    if complaints:
        where = ", ".join(map(str, annotated.folders))
        raise DataError(f"{listing(complaints, name='images')}\nlooked for in {where}")
    return list(images)


class KnownImages(NamedTuple):
    """The images of a part, by their names.

    Args:
        by_stem: those of a name without its ending, each with its place below its folder.
        by_name: those of a name.
    """

    by_stem: Mapping[str, Mapping[Path, Path]]
    by_name: Mapping[str, Sequence[Path]]

    def candidates(self, place: Path, own: str) -> Sequence[Path]:
        """The images that an annotation file may be of.

        Args:
            place: where the annotation file lies, without its ending.
            own: the name that it states.
        """
        places = self.by_stem.get(place.name, {})
        found = [path for path, there in places.items() if there == place] or list(places)
        found = [path for path in found if path.name == own] or found
        return found or self.by_name.get(own, [])


def _known_images(folders: Sequence[Path]) -> KnownImages:
    """The images below some folders."""
    by_stem: dict[str, dict[Path, Path]] = defaultdict(dict)
    by_name: dict[str, list[Path]] = defaultdict(list)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if is_visible_image(path):
                by_stem[path.stem][path] = _place_below(folder, path)
                by_name[path.name].append(path)
    return KnownImages(by_stem, by_name)
