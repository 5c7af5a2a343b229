"""Which folders are parts and which are classes, and what is refused because it can be read in two ways."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Literal

from dasbench.datasets.dataset import Part
from dasbench.datasets.folders.labelled import Labelled, files_in, refuse_empty_classes
from dasbench.datasets.folders.part_names import PARTS, part_named, part_within
from dasbench.datasets.folders.walk import Folder, Tree, left_out_of
from dasbench.datasets.looking.listing import listing, shown
from dasbench.errors import DataError

LayoutName = Literal["auto", "classes"]
"""How folders are read: as parts and classes by their names, or each folder of the root as a class."""

FOR_IMAGES = frozenset(
    ("image", "images", "img", "imgs", "jpegimages", "photos", "pictures", "original", "originals")
)
FOR_MASKS = frozenset(
    (
        "mask",
        "masks",
        "label",
        "labels",
        "annotations",
        "gt",
        "ground_truth",
        "segmentationclass",
        "segmentationobject",
    )
)
"""What folders are called that hold images, and what belongs to each of them."""

EACH_A_CLASS = "if each folder of the root is a class, whatever it holds, say `layout: classes`"

HOW = (
    "An image folder is ROOT/<class>/*.jpg, or ROOT/train/<class>/*.jpg with ROOT/val and ROOT/test beside it, or "
    "images with a table of their labels, ROOT/labels.csv; "
    "a root that is not absolute is looked for below --data-root (or $DASBENCH_DATA, else ./data)."
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
    parts: Mapping[Part, Folder] = {"train": tree.top}
    beside: list[str] = []
    if layout == "auto":
        if found := _part_folders(tree):
            beside = [folder.place for folder in tree.top.folders.values() if not folder.num_images]
            parts = found
        else:
            _refuse_wrapper(tree)
        for folder in parts.values():
            _refuse_masks(tree, folder)
            _refuse_parts_in_names(tree, folder)
            _refuse_same_folders(tree, folder)
    folders = {part: _class_folders(tree, folder) for part, folder in parts.items()}
    _refuse_other_classes(tree, folders)
    classes = tuple(sorted(folders["train"]))
    if len(classes) < 2:
        what = f"holds one class folder, '{classes[0]}', and there is nothing to tell apart{_tables(tree)}"
        raise DataError(f"{shown(tree.root / parts['train'].place)}: {what}. {HOW}")
    homeless = {path for folder in (tree.top, *parts.values()) for path, _ in folder.images}
    return Labelled(
        classes,
        {
            part: files_in(tree.root, [found[name] for name in classes])
            for part, found in folders.items()
        },
        {part: f"{shown(folder.place or tree.root.name)}/" for part, folder in parts.items()},
        left_out_of({"images in no class folder": homeless, "folders without images": beside}),
    )


def part_folder(folder: Path, part: Part) -> str:
    """The name of the folder that is named for a part; the part itself if there is none.

    Raises:
        DataError: if several are.
    """
    found = sorted(
        path.name for path in folder.glob("*") if path.is_dir() and part_named(path.name) == part
    )
    if len(found) > 1:
        names = ", ".join(f"'{shown(name)}'" for name in found)
        raise DataError(
            f"{shown(folder)}: {names} are all named for the part {part}; keep one of them"
        )
    return found[0] if found else part


def _part_folders(tree: Tree) -> dict[Part, Folder]:
    """The folder of each part that has one; none if the folders are classes."""
    named: dict[Part, list[Folder]] = {}
    for name, folder in tree.top.folders.items():
        if part := part_named(name):
            named.setdefault(part, []).append(folder)
    hold_classes = any(folder.with_images() for folders in named.values() for folder in folders)
    if not hold_classes and len(named) < 2:
        return {}
    complaints = _faults_of_parts(tree, named)
    if complaints:
        remedy = f"Parts are called train, val and test; {EACH_A_CLASS}{_tables(tree)}."
        raise DataError("\n".join([*complaints, remedy]))
    return {part: _without_wrapper(named[part][0]) for part in PARTS if part in named}


def _faults_of_parts(tree: Tree, named: Mapping[Part, Sequence[Folder]]) -> list[str]:
    """What is wrong with folders that are named for parts, and with those beside them."""
    root = shown(tree.root)
    faults = []
    for part, folders in named.items():
        if len(folders) > 1:
            faults.append(
                f"{root}: {_quoted(folders)} are all named for the part {part}; keep one of them"
            )
        for folder in folders:
            if not folder.num_images:
                faults.append(
                    f"{shown(tree.root / folder.place)}: holds no image; fill the folder or remove it"
                )
            elif not folder.with_images():
                what = f"is named for the part {part}, but its {folder.num_images} images are in no class folder"
                remedy = "put them into class folders, or give their labels in ROOT/labels.csv, or move them elsewhere"
                faults.append(f"{shown(tree.root / folder.place)}: {what}; {remedy}")
    if "train" not in named:
        found = _quoted([folder for folders in named.values() for folder in folders])
        faults.append(
            f"{root}: holds {found}, but no folder for the part train, from which a model could learn"
        )
    others = [folder for name, folder in tree.top.with_images().items() if not part_named(name)]
    if others:
        images = sum(folder.num_images for folder in others)
        what = f"beside parts, {_quoted(others)} (with {images} images) is neither part nor class"
        faults.append(f"{root}: {what}; rename it or move it elsewhere")
    return faults


def _without_wrapper(folder: Folder) -> Folder:
    """The folder that holds a part's classes: the part's own, or a lone one in it (`train/train/<class>`)."""
    inner = list(folder.with_images().values())
    if len(inner) == 1 and not folder.images and len(inner[0].with_images()) > 1:
        return _without_wrapper(inner[0])
    return folder


def _refuse_wrapper(tree: Tree) -> None:
    """Refuse a root that holds but the folder which is the root."""
    inner = _without_wrapper(tree.top)
    while (
        len(inner.with_images()) == 1 and not inner.images
    ):  # train/ alone, or val/ and train/ further below
        inner = next(iter(inner.with_images().values()))
    if inner is tree.top or len(inner.with_images()) < 2:
        return
    empty = [folder for folder in tree.top.folders.values() if not folder.num_images]
    beside = (
        f" ({_quoted(empty)} beside it {'holds' if len(empty) == 1 else 'hold'} none)"
        if empty
        else ""
    )
    held = _quoted(list(inner.with_images().values()))
    what = f"has all its images in one folder, '{shown(inner.place)}'{beside}, which holds {held}"
    raise DataError(
        f"{shown(tree.root)}: {what}; the root to name is {shown(tree.root / inner.place)}"
    )


def _refuse_masks(tree: Tree, level: Folder) -> None:
    """Refuse folders of images and of their masks as two classes."""
    names = {shown(name).casefold() for name in level.with_images()}
    if names & FOR_IMAGES and names & FOR_MASKS and names <= FOR_IMAGES | FOR_MASKS:
        folders = _quoted(list(level.with_images().values()))
        what = f"{folders} look like images and what belongs to them, not like classes"
        remedy = f"if they are masks, this is a data set for segmentation; {EACH_A_CLASS}"
        raise DataError(f"{shown(tree.root / level.place)}: {what}; {remedy}")


def _refuse_parts_in_names(tree: Tree, level: Folder) -> None:
    """Refuse folders such as `cat_train` and `cat_test`: classes of one level that differ in a part alone."""
    of_rest: dict[tuple[str, ...], dict[Part, str]] = {}
    for name in level.with_images():
        if within := part_within(name):
            of_rest.setdefault(within.rest, {})[within.part] = name
    torn = [names for names in of_rest.values() if len(names) > 1]
    if torn:
        names = " and ".join(f"'{shown(name)}'" for name in torn[0].values())
        what = f"{names} are two parts of one class, or two classes"
        remedy = f"if they are parts, put them into folders train/<class>, val/<class>, test/<class>; {EACH_A_CLASS}"
        raise DataError(f"{shown(tree.root / level.place)}: {what}; {remedy}")


def _refuse_same_folders(tree: Tree, level: Folder) -> None:
    """Refuse folders of one level that hold folders of the same names: parts in unknown words, or classes in parts."""
    inner = {name: set(_names_inside(folder)) for name, folder in level.with_images().items()}
    times: dict[str, int] = {}
    for names in inner.values():
        for name in names:
            times[name] = times.get(name, 0) + 1
    shared = {name: {one for one in names if times[one] > 1} for name, names in inner.items()}
    candidates = [name for name, names in shared.items() if len(names) > 1]
    for first, second in combinations(candidates, 2):
        common = sorted(shared[first] & shared[second])
        if len(common) > 1:
            raise DataError(_two_readings(tree, level, (first, second), common))


def _names_inside(folder: Folder) -> list[str]:
    """What the folders in a folder are called, whatever their case and spelling; a lone wrapper is passed through."""
    return [
        part_named(name) or shown(name).casefold()
        for name in _without_wrapper(folder).with_images()
    ]


def _two_readings(tree: Tree, level: Folder, pair: tuple[str, str], common: Sequence[str]) -> str:
    outer = " and ".join(f"'{shown(name)}'" for name in pair)
    inner = ", ".join(f"'{name}'" for name in common[:3]) + (", ..." if len(common) > 3 else "")
    what = f"{outer} hold folders of the same names ({inner})"
    as_parts = f"If {outer} are parts and {inner} classes, call the former train, val or test"
    turned = (
        "; if it is the other way round, make it train/<class>, test/<class>"
        if any(map(part_named, common))
        else ""
    )
    return f"{shown(tree.root / level.place)}: {what}. {as_parts}{turned}; {EACH_A_CLASS}."


def _class_folders(tree: Tree, level: Folder) -> dict[str, Folder]:
    """The folder of each class, by the class's name."""
    place = shown(tree.root / level.place)
    if not level.folders:
        images = f" but {len(level.images)} images" if level.images else ""
        raise DataError(f"{place}: holds no class folder{images}{_tables(tree)}. {HOW}")
    refuse_empty_classes(tree.root, level.folders.values())
    classes = {shown(name): folder for name, folder in level.folders.items()}
    if len(classes) < len(level.folders):
        raise DataError(
            f"{place}: two folders have the same name but for the code of an accent; rename one"
        )
    return classes


def _tables(tree: Tree) -> str:
    """Which tables might hold labels, for a message."""
    if not tree.tables:
        return ""
    tables = ", ".join(f"'{shown(table)}'" for table in tree.tables[:5])
    return f"; if {tables} holds labels, say `labels: {shown(tree.tables[0])}`"


def _refuse_other_classes(tree: Tree, folders: Mapping[Part, Mapping[str, Folder]]) -> None:
    """Refuse parts that differ in their classes."""
    lines = []
    for name in sorted(set().union(*folders.values())):
        where = [part for part in folders if name in folders[part]]
        if len(where) < len(folders):
            absent = " and ".join(part for part in folders if part not in where)
            lines.append(f"class '{name}' is in {' and '.join(where)}, but not in {absent}")
    if lines:
        counts = ", ".join(f"{part} has {len(found)}" for part, found in folders.items())
        head = (
            f"{shown(tree.root)}: the parts differ in {len(lines)} classes ({counts} class folders)"
        )
        raise DataError(
            f"{head}; rename or remove what is odd\n{listing(lines, name='odd-classes')}"
        )


def _quoted(folders: Sequence[Folder]) -> str:
    """The places of folders, a few of them if they are many."""
    names = [f"'{shown(folder.place)}'" for folder in folders]
    return (
        ", ".join(names) if len(names) <= 5 else f"{', '.join(names[:3])} and {len(names) - 3} more"
    )
