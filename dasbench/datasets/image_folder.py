"""A user's own images: any folder with one folder for each class."""

from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Gt, Le, MinLen

from dasbench.catalog import DATASETS
from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, Part, stratified_split
from dasbench.datasets.folders import ImageFiles, file_dataset, list_images, refuse_copies, subfolders
from dasbench.datasets.framing import Fit, Framing, ImageSize
from dasbench.errors import DataError

PARTS: tuple[Part, ...] = ("train", "val", "test")

HOW = (
    "An image folder is ROOT/<class>/*.jpg, or ROOT/train/<class>/*.jpg with ROOT/val and ROOT/test beside it; "
    "a root that is not absolute is looked for below --data-root (or $DASBENCH_DATA, else ./data)."
)


@DATASETS.register("image_folder", source="the user")
def image_folder(
    *,
    root: Annotated[str, MinLen(1)],
    image_size: ImageSize = 64,
    fit: Fit = "crop",
    val_share: Annotated[float, Gt(0), Le(0.45)] = 0.15,
    test_share: Annotated[float, Gt(0), Le(0.45)] = 0.15,
) -> Dataset:
    """Images in class folders, cut into three parts by their folders or, where those are missing, by a fixed lot.

    `root/<class>/*.jpg` is cut into three parts, stratified. With `root/train/<class>`, `root/val` and `root/test` are
    the other parts; one that is missing is cut from `train`. Images are normalised like photographs of ImageNet.

    Args:
        root: the folder, absolute or below the data root.
        image_size: what images are scaled to, in pixels: the side of a square, or [height, width].
        fit: how images of another shape get there: `crop` cuts them, `squeeze` distorts them, `pad` fills them up.
        val_share: of each class, what is cut for validation if there is no `root/val`.
        test_share: of each class, what is cut for the test if there is no `root/test`.

    Raises:
        DataError: if the folder is missing, has no classes, a class lacks images, a file is empty, or an image stands
            in two parts.
    """
    folder = data_access().root / Path(root).expanduser()
    names = subfolders(folder, how=HOW)
    if not names:
        raise DataError(f"{folder}: holds no class folder. {HOW}")
    if _has_parts(folder, names):
        classes = subfolders(folder / "train", how=HOW)
        parts = _listed_parts(folder, classes)
    else:
        classes = names
        parts = {"train": list_images(folder, classes)}
    if len(classes) < 2:
        raise DataError(f"{folder}: holds one class folder, '{classes[0]}', and there is nothing to tell apart. {HOW}")
    shares: dict[Part, float] = {"val": val_share, "test": test_share}
    parts = _cut_missing(folder, classes, parts, {part: shares[part] for part in shares if part not in parts})
    refuse_copies(parts)
    return file_dataset(
        name="image_folder",
        classes=classes,
        parts=parts,
        framing=Framing.of(image_size, fit),
        licence="as the user's own images",
        citation=f"images in the folder '{Path(root).name}'",
    )


def _has_parts(folder: Path, names: tuple[str, ...]) -> bool:
    """Whether the folders are parts, with class folders in them, rather than classes."""
    if "train" not in names or not subfolders(folder / "train", how=HOW):
        return False
    others = [name for name in names if name not in PARTS]
    if others:
        odd = f"'train' holds class folders, so '{others[0]}' beside it is neither part nor class"
        raise DataError(f"{folder}: {odd}. {HOW}")
    return True


def _listed_parts(folder: Path, classes: tuple[str, ...]) -> dict[Part, ImageFiles]:
    """The parts that have a folder, which must hold the same classes."""
    parts: dict[Part, ImageFiles] = {}
    for part in PARTS:
        if not (folder / part).is_dir():
            continue
        found = subfolders(folder / part, how=HOW)
        if found != classes:
            odd = sorted(set(found) ^ set(classes))
            counts = f"{len(found)} class folders, 'train' has {len(classes)}"
            raise DataError(f"{folder / part}: {counts}; they differ in {len(odd)}, such as '{odd[0]}'")
        parts[part] = list_images(folder, classes, inside=part)
    return parts


def _cut_missing(
    folder: Path, classes: tuple[str, ...], parts: dict[Part, ImageFiles], shares: dict[Part, float]
) -> dict[Part, ImageFiles]:
    """Cut the parts that have no folder from the training images."""
    if not shares:
        return parts
    whole = parts["train"]
    for label, count in enumerate(np.bincount(whole.labels)):
        if any(round(share * count) == 0 for share in shares.values()):
            wanted = " and ".join(f"{share:g} for the {part} part" for part, share in shares.items())
            raise DataError(
                f"{folder}: class '{classes[label]}' has {count} images, too few to cut a share of {wanted}"
            )
    train, *others = stratified_split(whole.labels, list(shares.values()), salt="image_folder")
    cut = {part: whole.take(indices) for part, indices in zip(shares, others, strict=True)}
    return {**parts, "train": whole.take(train), **cut}
