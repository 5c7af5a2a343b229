"""Which folders are parts and which are classes; what can be read in two ways is refused."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations
from pathlib import Path
from typing import Literal

from dasbench.datasets.dataset import Part, parts_in_order
from dasbench.datasets.folders.labelled import ImageFiles, Labelled, files_in, refuse_empty_classes
from dasbench.datasets.folders.part_names import part_named, part_within
from dasbench.datasets.folders.walk import Folder, Tree, left_out_of
from dasbench.datasets.looking.listing import legible, listing, quoted
from dasbench.errors import DataError

LayoutName = Literal["auto", "classes"]
"""How folders are read: by their names as parts and classes, or each of the root as a class."""

FOR_IMAGES = frozenset(
    ("image", "images", "img", "imgs", "jpegimages", "photos", "pictures", "original", "originals")
)
FOR_MASKS = frozenset(
    (
        *("mask", "masks", "label", "labels", "annotations"),
        *("gt", "ground_truth", "segmentationclass", "segmentationobject"),
    )
)
"""What folders are called that hold images, and what belongs to each of them."""

EACH_A_CLASS = "if each folder of the root is a class, whatever it holds, say `layout: classes`"

HOW = (
    "An image folder is ROOT/<class>/*.jpg, or ROOT/train/<class>/*.jpg with ROOT/val and "
    "ROOT/test beside it, or images with a table of their labels, ROOT/labels.csv; "
    "a root that is not absolute is looked for below `data_root` (or $DASBENCH_DATA, else ./data)."
)


def labelled_by_folders(tree: Tree, layout: LayoutName = "auto") -> Labelled:
    """Tell parts and classes from one another, and list the images of each.

    Folders that are named for parts and hold class folders are parts. Without such, the folders are
    the classes.

    Args:
        tree: all below the root.
        layout: `classes` takes each folder of the root for a class.

    Raises:
        DataError: if folders can be read in two ways, a part or a class lacks images, or parts
            differ in classes.
    """
    parts: dict[Part, Folder] = {"train": tree.top}
    if layout == "auto":
        parts = _parts_by_names(tree)
    folders = {part: _class_folders(tree, folder) for part, folder in parts.items()}
    _refuse_other_classes(tree, folders)
    classes = tuple(sorted(folders["train"]))
    if len(classes) < 2:
        what = f"holds one class folder, '{classes[0]}', and there is nothing to tell apart"
        place = legible(tree.root / parts["train"].place)
        raise DataError(f"{place}: {what}{_tables(tree)}. {HOW}")
    files: dict[Part, ImageFiles] = {}
    origins: dict[Part, str] = {}
    homeless = dict(tree.top.images)
    for part, folder in parts.items():
        files[part] = files_in(tree.root, [folders[part][name] for name in classes])
        origins[part] = f"{legible(folder.place or tree.root.name)}/"
        homeless.update(folder.images)
    beside = [folder.place for folder in tree.top.without_images()]
    left_out = {"images in no class folder": homeless, "folders without images": beside}
    return Labelled(classes, files, origins, left_out_of(left_out))


def part_folder(folder: Path, part: Part) -> str:
    """The name of the folder that is named for a part; the part itself if there is none.

    Raises:
        DataError: if several are.
    """
    folders = filter(Path.is_dir, folder.glob("*"))
    found = sorted(path.name for path in folders if part_named(path.name) == part)
    if not found:
        return part
    if len(found) > 1:
        what = f"{quoted(found)} are all named for the part {part}; keep one of them"
        raise DataError(f"{legible(folder)}: {what}")
    return found[0]


def _parts_by_names(tree: Tree) -> dict[Part, Folder]:
    """The folder of each part, as folders are named; the root is for training if none is a part."""
    parts = _part_folders(tree)
    if not parts:
        _refuse_wrapper(tree)
        parts = {"train": tree.top}
    for folder in parts.values():
        _refuse_masks(tree, folder)
        _refuse_parts_in_names(tree, folder)
        _refuse_same_folders(tree, folder)
    return parts


def _part_folders(tree: Tree) -> dict[Part, Folder]:
    """The folder of each part that has one; none if the folders are classes."""
    named: dict[Part, list[Folder]] = defaultdict(list)
    for name, folder in tree.top.folders.items():
        if part := part_named(name):
            named[part].append(folder)
    hold_classes = any(map(Folder.with_images, chain.from_iterable(named.values())))
    if not hold_classes and len(named) < 2:
        return {}
    complaints = list(_faults_of_parts(tree, named))
    if complaints:
        remedy = f"Parts are called train, val and test; {EACH_A_CLASS}{_tables(tree)}."
        raise DataError("\n".join([*complaints, remedy]))
    return {part: _without_wrapper(found[0]) for part, found in parts_in_order(named).items()}


def _faults_of_parts(tree: Tree, named: Mapping[Part, Sequence[Folder]]) -> Iterator[str]:
    """What is wrong with folders that are named for parts, and with those beside them."""
    root = legible(tree.root)
    for part, folders in named.items():
        if len(folders) > 1:
            what = f"{_places(folders)} are all named for the part {part}"
            yield f"{root}: {what}; keep one of them"
        for folder in folders:
            if fault := _fault_of_part(folder, part):
                yield f"{legible(tree.root / folder.place)}: {fault}"
    if "train" not in named:
        found = _places(list(chain.from_iterable(named.values())))
        what = "no folder for the part train, from which a model could learn"
        yield f"{root}: holds {found}, but {what}"
    others = [folder for name, folder in tree.top.with_images().items() if not part_named(name)]
    if others:
        images = sum(folder.num_images for folder in others)
        what = f"beside parts, {_places(others)} (with {images} images) is neither part nor class"
        yield f"{root}: {what}; rename it or move it elsewhere"


def _fault_of_part(folder: Folder, part: Part) -> str | None:
    """What is wrong with a folder that is named for a part."""
    if not folder.num_images:
        return "holds no image; fill the folder or remove it"
    if not folder.with_images():
        images = f"its {folder.num_images} images are in no class folder"
        remedy = "put them into class folders, or give their labels in ROOT/labels.csv"
        return f"is named for the part {part}, but {images}; {remedy}, or move them elsewhere"
    return None


def _without_wrapper(folder: Folder) -> Folder:
    """The folder that holds a part's classes.

    It is the part's own, or a lone one in it (`train/train/<class>`).
    """
    inner = list(folder.with_images().values())
    if len(inner) == 1 and not folder.images and len(inner[0].with_images()) > 1:
        return _without_wrapper(inner[0])
    return folder


def _refuse_wrapper(tree: Tree) -> None:
    """Refuse a root that holds but the folder which is the root."""
    inner = _without_wrapper(tree.top)
    # train/ alone, or val/ and train/ further below
    while len(inner.with_images()) == 1 and not inner.images:
        inner = next(iter(inner.with_images().values()))
    if inner is tree.top or len(inner.with_images()) < 2:
        return
    beside = ""
    if empty := tree.top.without_images():
        verb = "hold"
        if len(empty) == 1:
            verb = "holds"
        beside = f" ({_places(empty)} beside it {verb} none)"
    held = _places(list(inner.with_images().values()))
    what = f"has all its images in one folder, '{legible(inner.place)}'{beside}, which holds {held}"
    remedy = f"the root to name is {legible(tree.root / inner.place)}"
    raise DataError(f"{legible(tree.root)}: {what}; {remedy}")


def _refuse_masks(tree: Tree, level: Folder) -> None:
    """Refuse folders of images and of their masks as two classes."""
    names = {legible(name).casefold() for name in level.with_images()}
    if names & FOR_IMAGES and names & FOR_MASKS and names <= FOR_IMAGES | FOR_MASKS:
        folders = _places(list(level.with_images().values()))
        what = f"{folders} look like images and what belongs to them, not like classes"
        remedy = f"if they are masks, this is a data set for segmentation; {EACH_A_CLASS}"
        raise DataError(f"{legible(tree.root / level.place)}: {what}; {remedy}")


def _refuse_parts_in_names(tree: Tree, level: Folder) -> None:
    """Refuse classes of one level that differ in a part alone, such as `cat_train`, `cat_test`."""
    of_rest: dict[tuple[str, ...], dict[Part, str]] = defaultdict(dict)
    for name in level.with_images():
        if within := part_within(name):
            of_rest[within.rest][within.part] = name
    for names in of_rest.values():
        if len(names) > 1:
            pair = quoted(names.values(), between=" and ")
            what = f"{pair} are two parts of one class, or two classes"
            folders = "folders train/<class>, val/<class>, test/<class>"
            remedy = f"if they are parts, put them into {folders}"
            place = legible(tree.root / level.place)
            raise DataError(f"{place}: {what}; {remedy}; {EACH_A_CLASS}")


def _refuse_same_folders(tree: Tree, level: Folder) -> None:
    """Refuse folders of one level that hold folders of the same names.

    They are parts in unknown words, or classes in parts.
    """
    inner = {name: _names_inside(folder) for name, folder in level.with_images().items()}
    times = Counter(chain.from_iterable(inner.values()))
    several = {name for name in times if times[name] > 1}
    candidates = [name for name, names in inner.items() if len(names & several) > 1]
    for first, second in combinations(candidates, 2):
        common = sorted(inner[first] & inner[second])
        if len(common) > 1:
            raise DataError(_two_readings(tree, level, (first, second), common))


def _names_inside(folder: Folder) -> set[str]:
    """What the folders in a folder are called, whatever their case and spelling.

    A lone wrapper is passed through.
    """
    names = _without_wrapper(folder).with_images()
    return {part_named(name) or legible(name).casefold() for name in names}


def _two_readings(tree: Tree, level: Folder, pair: tuple[str, str], common: Sequence[str]) -> str:
    """What to say of two folders that hold folders of the same names."""
    outer = quoted(pair, between=" and ")
    inner = quoted(common[:3])
    if len(common) > 3:
        inner += ", ..."
    what = f"{outer} hold folders of the same names ({inner})"
    remedy = f"If {outer} are parts and {inner} classes, call the former train, val or test"
    if any(map(part_named, common)):
        remedy += "; if it is the other way round, make it train/<class>, test/<class>"
    return f"{legible(tree.root / level.place)}: {what}. {remedy}; {EACH_A_CLASS}."


def _class_folders(tree: Tree, level: Folder) -> dict[str, Folder]:
    """The folder of each class, by the class's name."""
    place = legible(tree.root / level.place)
    if not level.folders:
        what = "holds no class folder"
        if level.images:
            what += f" but {len(level.images)} images"
        raise DataError(f"{place}: {what}{_tables(tree)}. {HOW}")
    refuse_empty_classes(tree.root, level.folders.values())
    classes = {legible(name): folder for name, folder in level.folders.items()}
    if len(classes) < len(level.folders):
        what = "two folders have the same name but for the code of an accent"
        raise DataError(f"{place}: {what}; rename one")
    return classes


def _tables(tree: Tree) -> str:
    """Which tables might hold labels, for a message."""
    if not tree.tables:
        return ""
    tables = quoted(tree.tables[:5])
    return f"; if {tables} holds labels, say `labels: {legible(tree.tables[0])}`"


def _refuse_other_classes(tree: Tree, folders: Mapping[Part, Mapping[str, Folder]]) -> None:
    """Refuse parts that differ in their classes."""
    parts_with: dict[str, list[Part]] = defaultdict(list)
    for part, classes in folders.items():
        for name in classes:
            parts_with[name].append(part)
    lines: list[str] = []
    for name, present in sorted(parts_with.items()):
        if len(present) < len(folders):
            absent = [part for part in folders if part not in present]
            where = f"{' and '.join(present)}, but not in {' and '.join(absent)}"
            lines.append(f"class '{name}' is in {where}")
    if lines:
        counts = ", ".join(f"{part} has {len(found)}" for part, found in folders.items())
        what = f"the parts differ in {len(lines)} classes ({counts} class folders)"
        remedy = "rename or remove what is odd"
        odd = listing(lines, name="odd-classes")
        raise DataError(f"{legible(tree.root)}: {what}; {remedy}\n{odd}")


def _places(folders: Sequence[Folder]) -> str:
    """The places of folders, a few of them if they are many."""
    places = [folder.place for folder in folders]
    if len(places) <= 5:
        return quoted(places)
    return f"{quoted(places[:3])} and {len(places) - 3} more"
