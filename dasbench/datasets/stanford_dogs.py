"""Stanford Dogs: 20,580 photographs of 120 breeds."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from dasbench.catalog import DATASETS
from dasbench.data_access import data_access
from dasbench.datasets.dataset import Dataset, stratified_split
from dasbench.datasets.folders.labelled import ImageFiles, expect_classes, file_dataset
from dasbench.datasets.folders.walk import Tree, added, left_out_of, walk
from dasbench.datasets.looking.listing import listing
from dasbench.datasets.pictures.framing import Fit, Framing, ImageSize
from dasbench.errors import DataError

SOURCE = (
    "Khosla, Jayadevaprakash, Yao and Fei-Fei 2011, "
    "Novel dataset for fine-grained image categorization, "
    "First Workshop on Fine-Grained Visual Categorization, CVPR"
)

HOW = (
    "Unpack images.tar and lists.tar from http://vision.stanford.edu/aditya86/ImageNetDogs/ "
    "into stanford_dogs/ below `data_root` (or $DASBENCH_DATA): "
    "stanford_dogs/Images/<wnid-breed>/*.jpg, stanford_dogs/train_list.mat and "
    "stanford_dogs/test_list.mat."
)


@DATASETS.register("stanford_dogs", source=SOURCE)
def stanford_dogs(
    *,
    image_size: ImageSize = 224,
    fit: Fit = "crop",
    val_share: Annotated[float, Gt(0), Le(0.5)] = 0.1,
    num_classes: Annotated[int, Ge(2), Le(120)] = 120,
) -> Dataset:
    """Stanford Dogs with its official lists: 12,000 images to train and validate, 8,580 to test.

    Args:
        image_size: what images are scaled to, in pixels: the side of a square, or [height, width];
            the paper does not state it.
        fit: how images of another shape get there: `crop` cuts them, `squeeze` distorts them, `pad`
            fills them up.
        val_share: share of the official training list that validates, stratified and fixed; ours.
        num_classes: how many breeds there must be.

    Raises:
        DataError: if files or lists are missing or damaged, or the number of breeds is another.
    """
    folder = data_access().root / "stanford_dogs"
    tree = walk(folder / "Images", how=HOW)
    breeds = tuple(tree.top.folders)
    expect_classes(folder / "Images", breeds, num_classes, how=HOW)
    whole = _official_images(folder, "train_list.mat", breeds, tree)
    test = _official_images(folder, "test_list.mat", breeds, tree)
    unlisted = set(tree.top.all_images()).difference(whole.files, test.files)
    train, val = stratified_split(whole.labels, [val_share], salt="stanford_dogs")
    return file_dataset(
        name="stanford_dogs",
        classes=tuple(breed.partition("-")[2] or breed for breed in breeds),
        parts={"train": whole.take(train), "val": whole.take(val), "test": test},
        framing=Framing.of(image_size, fit),
        licence="for non-commercial research, as ImageNet, from which the images come",
        citation=SOURCE,
        origins={
            "train": "the rest of train_list.mat",
            "val": "cut from train_list.mat by lot",
            "test": "test_list.mat",
        },
        left_out=added(tree.left_out, left_out_of({"images in no list": unlisted})),
    )


def _official_images(folder: Path, name: str, breeds: tuple[str, ...], tree: Tree) -> ImageFiles:
    """The images of an official list, each of which must be there."""
    place = _place_of_list(folder, name)
    files, labels = _read_list(place)
    _refuse_other_labels(place, files, labels, breeds)
    images = folder / "Images"
    size_of = tree.top.all_images()
    sizes: list[int] = []
    missing: list[str] = []
    for file in files:
        if file in size_of:
            sizes.append(size_of[file])
        else:
            missing.append(f"{images / file}: is missing")
    if missing:
        counts = f"{len(missing)} of {len(files)} files of {name} are missing"
        raise DataError(f"{listing(missing, name='missing')}\n{counts}. {HOW}")
    return ImageFiles(images, files, labels, np.array(sizes, np.int64))


def _place_of_list(folder: Path, name: str) -> Path:
    """Where an official list lies."""
    for place in (folder / name, folder / "lists" / name):
        if place.is_file():
            return place
    raise DataError(f"{folder / name}: is missing. {HOW}")


def _refuse_other_labels(
    place: Path, files: Sequence[str], labels: NDArray[np.int64], breeds: Sequence[str]
) -> None:
    """Refuse a list that has labels of no breed, or other ones than the folders of its files."""
    outside = labels[(labels < 0) | (labels >= len(breeds))]
    if len(outside):
        raise DataError(
            f"{place}: has {len(outside)} labels outside of 1 to {len(breeds)}, "
            f"such as {outside[0] + 1}"
        )
    pairs = zip(files, labels, strict=True)
    wrong = [file for file, label in pairs if file.partition("/")[0] != breeds[label]]
    if wrong:
        counts = f"{len(wrong)} of {len(files)} files have the label of another breed"
        raise DataError(f"{place}: {counts}, such as {wrong[0]}")


def _read_list(place: Path) -> tuple[tuple[str, ...], Any]:
    """The files of a list and their labels, from 0."""
    from scipy.io import loadmat  # takes a quarter of a second to import
    from scipy.io.matlab import MatReadError

    unreadable = (
        OSError,
        ValueError,
        TypeError,
        LookupError,
        NotImplementedError,
        zlib.error,
        MatReadError,
    )
    try:
        content = loadmat(place)
        files = tuple(str(entry[0]) for entry in content["file_list"][:, 0])
        labels = content["labels"][:, 0].astype(np.int64) - 1
    except unreadable as error:
        what = f"cannot be read as an official list ({type(error).__name__}: {error})"
        raise DataError(f"{place}: {what}. {HOW}") from error
    if len(files) != len(labels):
        raise DataError(f"{place}: has {len(files)} files, but {len(labels)} labels. {HOW}")
    return files, labels
