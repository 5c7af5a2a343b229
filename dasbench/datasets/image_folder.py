"""A user's own images: a folder with one folder for each class, or with a table of labels."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated

from annotated_types import Gt, Le, MinLen

from dasbench.catalog import DATASETS
from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, Part, shares_of_missing
from dasbench.datasets.folders.copies import (
    Copies,
    Once,
    count_once,
    digests_in,
    refuse_copies,
    refuse_two_labels,
)
from dasbench.datasets.folders.label_table import find_label_table
from dasbench.datasets.folders.labelled import file_dataset, refuse_empty_files
from dasbench.datasets.folders.layouts import HOW, LayoutName, labelled_by_folders
from dasbench.datasets.folders.lots import cut_missing
from dasbench.datasets.folders.table_images import labelled_by_table
from dasbench.datasets.folders.walk import added, walk
from dasbench.datasets.pictures.framing import Fit, Framing, ImageSize


@DATASETS.register("image_folder", source="the user")
def image_folder(
    *,
    root: Annotated[str, MinLen(1)],
    image_size: ImageSize = 64,
    fit: Fit = "crop",
    val_share: Annotated[float, Gt(0), Le(0.45)] = 0.15,
    test_share: Annotated[float, Gt(0), Le(0.45)] = 0.15,
    layout: LayoutName = "auto",
    labels: Annotated[str, MinLen(1)] | None = None,
    copies: Copies = "refuse",
) -> Dataset:
    """Images in class folders or with a table of labels, in parts or cut into three by a fixed lot.

    `root/<class>/*.jpg` is cut into three parts, stratified. With `root/train/<class>`, in any
    usual spelling, `root/val` and `root/test` are the other parts; one that is missing is cut from
    `train`. If there is a table `root/labels.csv`, it says the label of each image, and may say its
    part and the group that it belongs to, which is never torn between parts. Images are normalised
    like photographs of ImageNet.

    Args:
        root: the folder, absolute or below the data root.
        image_size: what images are scaled to, in pixels: the side of a square, or [height, width].
        fit: how images of another shape get there: `crop` cuts them, `squeeze` distorts them, `pad`
            fills them up.
        val_share: of each class, what is cut for validation if there is no `root/val`.
        test_share: of each class, what is cut for the test if there is no `root/test`.
        layout: `classes` takes each folder of the root for a class, whatever its name and whatever
            it holds.
        labels: the table of the labels, below the root; if not given, `labels.csv`, if there is
            one.
        copies: `refuse` images that stand in two parts, or count each picture `once`: in test if it
            stands there, else in val, else in train; where parts are cut by lot, before that.

    Raises:
        DataError: if the folder is missing, can be read in two ways, has no classes, a class lacks
            images, a file is empty, cannot be reached or read, or an image stands in two parts or
            under two labels.
    """
    folder = data_access().root / Path(root).expanduser()
    table = find_label_table(folder, labels, layout)
    if table is None:
        tree = walk(folder, how=HOW)
        found = labelled_by_folders(tree, layout)
    else:
        tree = walk(folder, used=(table,), how=HOW)
        found = labelled_by_table(tree, table)
    refuse_empty_files(found.parts)
    digests = digests_in(found.parts)
    refuse_two_labels(found.parts, digests, found.classes)
    once = Once(dict(found.parts), {})
    if copies == "once":
        once = count_once(found.parts, digests)
    shares: dict[Part, float] = {"val": val_share, "test": test_share}
    missing = shares_of_missing(shares, found.parts)
    parts = cut_missing(once.parts, found.classes, missing, salt="image_folder")
    refuse_copies(parts, digests)
    return file_dataset(
        name="image_folder",
        classes=found.classes,
        parts=parts,
        framing=Framing.of(image_size, fit),
        licence="as the user's own images",
        citation=f"images in the folder '{Path(root).name}'",
        origins=_origins(found.origins, missing),
        left_out=added(tree.left_out, found.left_out, once.left_out),
    )


def _origins(found: Mapping[Part, str], cut: Collection[Part]) -> dict[Part, str]:
    """What each part was made of."""
    if not cut:
        return dict(found)
    whole = found["train"]
    made = {**found, "train": f"the rest of {whole}"}
    return {**made, **dict.fromkeys(cut, f"cut from {whole} by lot")}
